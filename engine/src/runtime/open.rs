//! One worker's part of an open scenario: decides its arrivals in the order of their numbers, each when it is due.

use std::rc::Rc;

use compiler::artifact::{Connections, OpenLoad, Scenario};
use compiler::schedule::{Cursor, Due, Open};

use super::context::Context;
use super::recorder::Drop;
use super::share::Share;
use super::transaction::Transaction;
use crate::clock::Ticks;
use crate::driver::Pool;
use crate::user::Arrival;

/// What became of an arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// It was started, or dropped and counted.
    Made,
    /// The lease has ended: it stays undecided, and so does everything after it.
    Fenced,
}

/// The arrivals of one scenario that one worker owns.
#[derive(Debug)]
pub(super) struct OpenLane {
    share: Share,
    cursor: Cursor,
    next: Option<Due>,
    count: u64,
    /// When the scenario starts.
    begin: Ticks,
    length_ns: u64,
    late_after_ns: u64,
    warm_up_ns: u64,
    connections: Connections,
}

impl OpenLane {
    /// Takes a share of a scenario in a run that starts at `start`.
    pub(super) fn new(
        share: Share,
        (scenario, load, open): (&Scenario, &OpenLoad, Open),
        start: Ticks,
    ) -> OpenLane {
        let mut cursor = open.cursor(&share.residues, share.modulus);
        OpenLane {
            next: cursor.next(),
            cursor,
            count: open.count(),
            begin: start.saturating_add(scenario.start_ns),
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

    /// Returns when the next arrival is due; `None` once all are decided.
    pub(super) fn due(&self) -> Option<Ticks> {
        self.next.map(|due| self.begin.saturating_add(due.due_ns))
    }

    /// Returns when the last stage ends.
    pub(super) fn end(&self) -> Ticks {
        self.begin.saturating_add(self.length_ns)
    }

    /// Returns the frontier: every owned arrival below it has been decided, the next one has not.
    pub(super) fn upto(&self) -> u64 {
        self.next.map_or(self.count, |due| due.number)
    }

    /// Decides the next arrival, which is due.
    pub(super) fn decide(&mut self, context: &Rc<Context>, pool: &Pool) -> Decision {
        let now = context.clock.now();
        if !context.shared.may_start(now) {
            return Decision::Fenced;
        }
        let Some(next) = self.next else { return Decision::Made };
        let due = self.begin.saturating_add(next.due_ns);
        self.next = self.cursor.next();
        let (scenario, upto) = (self.share.scenario, self.upto());
        let warm_up = next.due_ns < self.warm_up_ns;
        if now.saturating_sub(due) > self.late_after_ns {
            context.recorder.borrow_mut().dropped(scenario, due, (Drop::Late, warm_up), upto);
            return Decision::Made;
        }
        let Some(in_flight) = context.enter(scenario) else {
            context.recorder.borrow_mut().dropped(scenario, due, (Drop::Full, warm_up), upto);
            return Decision::Made;
        };
        context.recorder.borrow_mut().started(scenario, now, warm_up, upto);
        let residue = next.number % u64::from(self.share.modulus);
        let group = self.share.group_of(u32::try_from(residue).unwrap_or(0));
        let arrival = Arrival { scenario, number: next.number, user: None, group };
        let pool = match self.connections {
            Connections::Pool => pool.clone(),
            Connections::PerUser => pool.fresh(),
        };
        let (shared, queued) = (Rc::clone(context), context.queue());
        context.spawn(scenario, async move {
            let _in_flight = in_flight;
            drop(queued);
            let late_ns = shared.clock.now().saturating_sub(due);
            shared.recorder.borrow_mut().late_by(late_ns);
            let due = Some(due);
            let transaction = Transaction { context: &shared, arrival, warm_up, due, pool: &pool };
            // Its state is some kilobytes, and a task is moved a few times before it first runs.
            Box::pin(transaction.run()).await;
        });
        Decision::Made
    }
}
