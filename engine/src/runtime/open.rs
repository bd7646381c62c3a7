//! One worker's part of an open scenario: decides its arrivals in the order of their numbers, each when it is due.

use std::rc::Rc;

use compiler::artifact::{Connections, OnOverload, OpenLoad, Scenario};
use compiler::schedule::{Cursor, Due, Open};

use super::context::{Context, InFlight};
use super::recorder::{Drop, Dropped, Place};
use super::share::Share;
use super::transaction::Transaction;
use super::waiting::{self, Waiting};
use crate::clock::Ticks;
use crate::driver::Pool;
use crate::user::Arrival;

const SECOND_NS: u64 = 1_000_000_000;

/// What became of an arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// It was started, or dropped and counted, or it waits.
    Made,
    /// The lease has ended: it stays undecided, and so does everything after it.
    Fenced,
}

/// The arrivals of one scenario that one worker owns.
#[derive(Debug)]
pub(super) struct OpenLane {
    share: Share,
    cursor: Cursor,
    /// The next arrival that is not due yet.
    next: Option<Due>,
    /// Arrivals before it that wait for a place.
    waiting: Waiting,
    count: u64,
    /// Nothing more is decided.
    closed: bool,
    on_overload: OnOverload,
    /// When the scenario starts.
    begin: Ticks,
    /// What was due before is too late.
    not_before: Ticks,
    length_ns: u64,
    late_after_ns: u64,
    warm_up_ns: u64,
    connections: Connections,
}

impl OpenLane {
    /// Takes a share of a scenario that starts at `begin`. What was taken over and was due before `now` is too late: what
    /// nobody sent while its node was lost is not caught up on.
    pub(super) fn new(
        share: Share,
        (scenario, load, open): (&Scenario, &OpenLoad, Open),
        begin: Ticks,
        now: Ticks,
    ) -> OpenLane {
        let mut cursor = open.cursor(&share.residues, share.modulus);
        if let Some(taken) = &share.taken {
            cursor.seek(taken.from);
        }
        OpenLane {
            next: cursor.next(),
            cursor,
            waiting: Waiting::default(),
            count: open.count(),
            closed: false,
            on_overload: load.on_overload,
            begin,
            not_before: if share.taken.is_some() { now } else { 0 },
            length_ns: open.length_ns(),
            late_after_ns: load.late_after_ns,
            warm_up_ns: scenario.warm_up_ns,
            connections: scenario.connections,
            share,
        }
    }

    /// Returns the scenario, by its place in the artifact.
    pub(super) fn scenario(&self) -> usize {
        self.share.scenario
    }

    /// Returns where its counts are.
    pub(super) fn place(&self) -> Place {
        self.share.place()
    }

    /// Returns when the next arrival is due; `None` once all were due.
    pub(super) fn due(&self) -> Option<Ticks> {
        self.next.filter(|_| !self.closed).map(|due| self.begin.saturating_add(due.due_ns))
    }

    /// Returns when the last stage ends.
    pub(super) fn end(&self) -> Ticks {
        self.begin.saturating_add(self.length_ns)
    }

    /// Returns whether it will decide nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.due().is_none() && self.waiting.first().is_none()
    }

    /// Returns when the first arrival that waits has waited too long; `None` if none waits.
    pub(super) fn expires(&self) -> Option<Ticks> {
        let due = self.begin.saturating_add(self.waiting.first()?.due_ns);
        Some(due.saturating_add(self.late_after_ns).saturating_add(1))
    }

    /// Returns the frontier: every owned arrival below it has been decided, the next one has not.
    pub(super) fn upto(&self) -> u64 {
        self.waiting.first().or(self.next).map_or(self.count, |due| due.number)
    }

    /// Decides the next arrival, which is due.
    pub(super) fn decide(&mut self, context: &Rc<Context>, pool: &Pool) -> Decision {
        let now = context.clock.now();
        if !context.shared.may_start(now) {
            return Decision::Fenced;
        }
        let Some(next) = self.next else { return Decision::Made };
        self.next = self.cursor.next();
        if self.is_late(next, now) {
            // What waits was due before: it is too late as well.
            self.expire(context, now);
            self.drop(context, next, Drop::Late);
            return Decision::Made;
        }
        let nobody_waits = self.on_overload != OnOverload::Queue
            || context.shared.places(self.share.scenario).longest_waiting().is_none();
        if nobody_waits && let Some(in_flight) = context.enter(self.share.scenario) {
            let due = self.begin.saturating_add(next.due_ns);
            self.start(context, pool, (next, due), in_flight);
            return Decision::Made;
        }
        match self.on_overload {
            OnOverload::Drop => self.drop(context, next, Drop::Full),
            OnOverload::Fail => {
                self.drop(context, next, Drop::Full);
                self.close(context);
            }
            OnOverload::Queue if context.shared.places(self.share.scenario).wait() => {
                self.waiting.push(next);
                // A place may have been given back before this one began to wait.
                return self.serve(context, pool);
            }
            OnOverload::Queue if self.waiting.first().is_some() => {
                let second = self.second(context, next);
                self.waiting.push_dropped(second, self.is_warm_up(next));
            }
            OnOverload::Queue => self.drop(context, next, Drop::Full),
        }
        Decision::Made
    }

    /// Starts what waits for as long as there are places, and drops what has waited too long.
    pub(super) fn serve(&mut self, context: &Rc<Context>, pool: &Pool) -> Decision {
        let (shared, scenario) = (&context.shared, self.share.scenario);
        let now = context.clock.now();
        while let Some(first) = self.waiting.first() {
            shared.places(scenario).set_first(context.lane, Some(first.number));
            let late = self.is_late(first, now);
            let turn = shared.places(scenario).longest_waiting() == Some(context.lane);
            let may = turn && shared.places(scenario).is_free();
            if !late && !may {
                break;
            }
            if !shared.may_start(now) {
                return Decision::Fenced;
            }
            if late {
                self.expire(context, now);
                continue;
            }
            let Some(in_flight) = context.enter(scenario) else { break };
            let dropped = self.pop(context);
            self.start(context, pool, (first, now), in_flight);
            self.count_dropped(context, &dropped);
        }
        self.tell_first(context);
        Decision::Made
    }

    /// Drops what still waits, at the end of the graceful stop: it has found no place.
    pub(super) fn give_up(&mut self, context: &Context) {
        while let Some(first) = self.waiting.first() {
            let dropped = self.pop(context);
            self.drop(context, first, Drop::Full);
            self.count_dropped(context, &dropped);
        }
        self.tell_first(context);
    }

    /// Decides nothing more: what waits and what comes stays undecided.
    pub(super) fn close(&mut self, context: &Context) {
        if self.closed {
            return;
        }
        self.closed = true;
        if let Some(first) = self.waiting.first() {
            let waited = self.waiting.clear();
            self.next = Some(first);
            context.shared.places(self.share.scenario).wait_no_more(waited);
            self.tell_first(context);
        }
    }

    fn is_late(&self, due: Due, now: Ticks) -> bool {
        let due = self.begin.saturating_add(due.due_ns);
        due < self.not_before || now.saturating_sub(due) > self.late_after_ns
    }

    fn is_warm_up(&self, due: Due) -> bool {
        due.due_ns < self.warm_up_ns
    }

    /// Returns the second of the run in which an arrival is due.
    fn second(&self, context: &Context, due: Due) -> u64 {
        let at = self.begin.saturating_add(due.due_ns);
        at.saturating_sub(context.start.get()) / SECOND_NS
    }

    /// Drops what has waited too long.
    fn expire(&mut self, context: &Context, now: Ticks) {
        while let Some(first) = self.waiting.first().filter(|first| self.is_late(*first, now)) {
            let dropped = self.pop(context);
            self.drop(context, first, Drop::Late);
            self.count_dropped(context, &dropped);
        }
        self.tell_first(context);
    }

    /// Lets the other workers know what waits here, and wakes the one whose turn it is.
    fn tell_first(&self, context: &Context) {
        let first = self.waiting.first().map(|due| due.number);
        context.shared.places(self.share.scenario).set_first(context.lane, first);
        context.shared.wake_waiting(self.share.scenario);
    }

    /// Takes the first arrival out of those that wait; returns what was dropped behind it.
    fn pop(&mut self, context: &Context) -> Vec<waiting::Dropped> {
        context.shared.places(self.share.scenario).wait_no_more(1);
        self.waiting.pop().map(|(_, dropped)| dropped).unwrap_or_default()
    }

    fn drop(&self, context: &Context, due: Due, why: Drop) {
        let second = self.second(context, due);
        let dropped = Dropped { why, warm_up: self.is_warm_up(due), second, count: 1 };
        context.recorder.borrow_mut().dropped(self.place(), dropped, self.upto());
    }

    fn count_dropped(&self, context: &Context, held: &[waiting::Dropped]) {
        for run in held {
            let (warm_up, second, count) = (run.warm_up, run.second, run.count);
            let dropped = Dropped { why: Drop::Full, warm_up, second, count };
            context.recorder.borrow_mut().dropped(self.place(), dropped, self.upto());
        }
    }

    /// Starts an arrival. How late it is sent counts from `since`, when it could have been: from when it was due, or from
    /// when a place was found for it after it had waited; its response time has all of the wait.
    fn start(
        &self,
        context: &Rc<Context>,
        pool: &Pool,
        (next, since): (Due, Ticks),
        in_flight: InFlight,
    ) {
        let (scenario, due) = (self.share.scenario, self.begin.saturating_add(next.due_ns));
        let (now, warm_up) = (context.clock.now(), self.is_warm_up(next));
        context.recorder.borrow_mut().started(self.place(), now, warm_up, self.upto());
        let residue = next.number % u64::from(self.share.modulus);
        let group = self.share.group_of(u32::try_from(residue).unwrap_or(0));
        let arrival = Arrival { scenario, number: next.number, user: None, group };
        let pool = match self.connections {
            Connections::Pool => pool.clone(),
            Connections::PerUser => pool.fresh(),
        };
        let (shared, queued, row) = (Rc::clone(context), context.queue(), self.share.row);
        context.spawn(scenario, async move {
            let _in_flight = in_flight;
            drop(queued);
            let late_ns = shared.clock.now().saturating_sub(since);
            shared.recorder.borrow_mut().late_by(late_ns);
            let due = Some(due);
            let context = &*shared;
            let transaction = Transaction { context, arrival, row, warm_up, due, pool: &pool };
            // Its state is some kilobytes, and a task is moved a few times before it first runs.
            Box::pin(transaction.run()).await;
        });
    }
}
