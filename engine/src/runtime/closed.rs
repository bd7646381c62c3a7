//! One worker's part of a closed scenario: a task for each user, which starts its next transaction when the last ended.

use std::cell::RefCell;
use std::rc::Rc;

use compiler::artifact::{ClosedLoad, ClosedStage, Scenario};
use compiler::schedule::Closed;
use tokio::task::coop::consume_budget;

use super::context::Context;
use super::pacer::sleep_until;
use super::share::Share;
use super::transaction::Transaction;
use crate::clock::Ticks;
use crate::driver::{Driver, Pool};
use crate::user::Arrival;

/// A closed scenario as one worker's users share it.
struct Lane {
    context: Rc<Context>,
    share: Share,
    /// When the scenario starts.
    begin: Ticks,
    /// Users that were taken over begin no earlier.
    not_before: Ticks,
    warm_up_ns: u64,
    users_max: u32,
    /// Least time from the start of a user's iteration to the start of its next.
    pace_ns: u64,
    numbers: Numbering,
}

/// Which numbers a user's transactions have.
enum Numbering {
    /// Its own, for as long as it is active.
    Timed,
    /// Its own, so many.
    Each { count: u64 },
    /// The next that is left, whoever is idle takes it.
    Shared(RefCell<Numbers>),
}

/// The owned numbers of a counted load, in order: iteration by iteration, within it user by user.
#[derive(Debug)]
struct Numbers {
    users: Vec<u32>,
    users_max: u64,
    count: u64,
    iteration: u64,
    at: usize,
}

/// Starts the worker's users of a scenario that starts at `begin`; returns when the last stage ends.
pub(super) fn start_users(
    context: &Rc<Context>,
    driver: &Driver,
    share: Share,
    (scenario, load): (&Scenario, &ClosedLoad),
    begin: Ticks,
) -> Ticks {
    let closed = Closed::new(load);
    let number = share.scenario;
    let owned = |user: &u32| share.residues.binary_search(&(user % share.modulus)).is_ok();
    let users: Vec<u32> = (0..closed.users_max()).filter(owned).collect();
    let numbers = Numbering::new(load, &users);
    context.recorder.borrow_mut().frontier(share.place(), numbers.upto());
    let taken_ns = share.taken.map_or(0, |taken| taken.at_ns);
    let lane = Rc::new(Lane {
        context: Rc::clone(context),
        share,
        begin,
        not_before: context.start.get().saturating_add(taken_ns),
        warm_up_ns: scenario.warm_up_ns,
        users_max: closed.users_max(),
        pace_ns: load.pace_ns,
        numbers,
    });
    for user in users {
        let (lane, pool, spans) = (Rc::clone(&lane), driver.pool(), closed.user_spans(user));
        // Boxed, because a task that moves what it is to wait for has room for it twice.
        let task = Box::pin(async move { lane.user(user, &spans, &pool).await });
        context.spawn(number, task);
    }
    begin.saturating_add(closed.length_ns())
}

impl Lane {
    /// Is one user: active in each of its spans.
    async fn user(&self, user: u32, spans: &[(u64, u64)], pool: &Pool) {
        let (context, scenario) = (&self.context, self.share.scenario);
        let mut iteration = self.share.taken.map_or(0, |taken| taken.first_iteration);
        for (from_ns, to_ns) in spans {
            let (from, to) =
                (self.begin.saturating_add(*from_ns), self.begin.saturating_add(*to_ns));
            if to <= self.not_before {
                continue;
            }
            let from = from.max(self.not_before);
            tokio::select! {
                biased;
                () = context.until_over(scenario) => return,
                () = sleep_until(&context.clock, from) => {}
            }
            let mut active = Active { lane: self, since: context.clock.now(), to };
            loop {
                let now = context.clock.now();
                if context.is_over(scenario) || now >= to {
                    break;
                }
                if !context.shared.may_start(now) {
                    return;
                }
                let Some(number) = self.take(user, &mut iteration) else { return };
                self.iterate(number, now, pool).await;
                self.keep_pace(iteration, now, to).await;
                active.count();
                // An iteration that never waits, such as one that cannot be rendered, must let the others have their turn.
                consume_budget().await;
            }
        }
    }

    /// Waits until the next iteration may start, after one that started at `since`; at most until `to`.
    async fn keep_pace(&self, iteration: u64, since: Ticks, to: Ticks) {
        if self.pace_ns == 0 || self.numbers.is_used_up(iteration) {
            return;
        }
        let next = since.saturating_add(self.pace_ns).min(to);
        tokio::select! {
            biased;
            () = self.context.until_over(self.share.scenario) => {}
            () = sleep_until(&self.context.clock, next) => {}
        }
    }

    /// Returns the number of the user's next transaction; `None` when a count is used up.
    fn take(&self, user: u32, iteration: &mut u64) -> Option<u64> {
        match &self.numbers {
            Numbering::Shared(numbers) => return numbers.borrow_mut().take(),
            Numbering::Each { count } if *iteration >= *count => return None,
            Numbering::Each { .. } | Numbering::Timed => {}
        }
        let number = iteration.checked_mul(u64::from(self.users_max))?;
        *iteration += 1;
        number.checked_add(u64::from(user))
    }

    async fn iterate(&self, number: u64, now: Ticks, pool: &Pool) {
        let (context, scenario) = (&self.context, self.share.scenario);
        let Some(_in_flight) = context.enter(scenario) else { return };
        let warm_up = now.saturating_sub(self.begin) < self.warm_up_ns;
        let upto = self.numbers.upto();
        context.recorder.borrow_mut().started(self.share.place(), now, warm_up, upto);
        // A counted number belongs to one user's data whoever is idle and takes it, so that its requests are known.
        let user = number % u64::from(self.users_max.max(1));
        let user = u32::try_from(user).unwrap_or(0);
        let group = self.share.group_of(user % self.share.modulus);
        let arrival = Arrival { scenario, number, user: Some(user), group };
        let row = self.share.row;
        Transaction { context, arrival, row, warm_up, due: None, pool }.run().await;
    }
}

impl Numbering {
    fn new(load: &ClosedLoad, users: &[u32]) -> Numbering {
        match load.stages.as_slice() {
            [ClosedStage::Count { count, .. }] => Numbering::Shared(RefCell::new(Numbers {
                users: users.to_vec(),
                users_max: u64::from(load.users_max),
                count: *count,
                iteration: 0,
                at: 0,
            })),
            [ClosedStage::CountEach { count, .. }] => Numbering::Each { count: *count },
            _ => Numbering::Timed,
        }
    }

    /// Returns whether a user that has done so many iterations finds no more.
    fn is_used_up(&self, iteration: u64) -> bool {
        match self {
            Numbering::Timed => false,
            Numbering::Each { count } => iteration >= *count,
            Numbering::Shared(numbers) => numbers.borrow().peek().is_none(),
        }
    }

    /// Returns the frontier: every owned number below it has been taken; 0 where users go on at their own speed.
    fn upto(&self) -> u64 {
        match self {
            Numbering::Timed | Numbering::Each { .. } => 0,
            Numbering::Shared(numbers) => numbers.borrow().upto(),
        }
    }
}

impl Numbers {
    fn peek(&self) -> Option<u64> {
        let user = u64::from(*self.users.get(self.at)?);
        let number = self.iteration.checked_mul(self.users_max)?.checked_add(user)?;
        (number < self.count).then_some(number)
    }

    fn take(&mut self) -> Option<u64> {
        let number = self.peek()?;
        self.at += 1;
        if self.at == self.users.len() {
            (self.iteration, self.at) = (self.iteration + 1, 0);
        }
        Some(number)
    }

    /// Returns the frontier: every owned number below it has been taken.
    fn upto(&self) -> u64 {
        self.peek().unwrap_or(self.count)
    }
}

/// Counts the time of a user, also when it is cut; what runs on after its span ended is not planned and not counted.
struct Active<'a> {
    lane: &'a Lane,
    since: Ticks,
    to: Ticks,
}

impl Active<'_> {
    fn count(&mut self) {
        let now = self.lane.context.clock.now().min(self.to);
        let ns = now.saturating_sub(self.since);
        self.since = self.since.max(now);
        self.lane.context.recorder.borrow_mut().active(self.lane.share.scenario, ns);
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.count();
    }
}
