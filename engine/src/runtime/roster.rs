//! Which workers of a node have nothing left. They end together, so that a takeover finds all of them or none.
//!
//! The one lock of a node: taken when a worker has come to its end, and when something is taken over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ledger::Takeover;

/// The workers of a node, and what the node has taken over.
#[derive(Debug)]
pub(super) struct Roster(Mutex<State>);

#[derive(Debug)]
struct State {
    workers: Vec<Worker>,
    takeovers: Arc<[Takeover]>,
    /// All have ended: nothing more is taken over.
    closed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Worker {
    Busy,
    Resting,
    Gone,
}

impl Roster {
    /// Returns the roster of so many busy workers.
    pub(super) fn new(workers: usize) -> Roster {
        let (workers, takeovers) = (vec![Worker::Busy; workers], Arc::default());
        Roster(Mutex::new(State { workers, takeovers, closed: false }))
    }

    /// Adds what the node does not have yet and returns all that it has; `None` if there is nothing new, or no worker for it.
    pub(super) fn take_over(&self, wanted: &[Takeover]) -> Option<(Arc<[Takeover]>, usize)> {
        let mut state = self.state();
        let known = state.takeovers.len();
        let is_new = |it: &&Takeover| !state.takeovers.iter().any(|old| old.number == it.number);
        let new: Vec<Takeover> = wanted.iter().filter(is_new).cloned().collect();
        if new.is_empty() || state.closed || state.workers.contains(&Worker::Gone) {
            return None;
        }
        state.takeovers = state.takeovers.iter().cloned().chain(new).collect();
        state.workers.fill(Worker::Busy);
        Some((Arc::clone(&state.takeovers), known))
    }

    /// Lets a worker rest that has begun `begun` takeovers and has nothing left; returns whether all have ended by that.
    pub(super) fn rest(&self, worker: usize, begun: usize) -> Rest {
        let mut state = self.state();
        if state.closed {
            return Rest::Over;
        }
        if begun < state.takeovers.len() {
            return Rest::Waits;
        }
        state.workers[worker] = Worker::Resting;
        state.close()
    }

    /// Notes that a worker is gone, for whatever reason; returns whether all have ended by that.
    pub(super) fn leave(&self, worker: usize) -> Rest {
        let mut state = self.state();
        state.workers[worker] = Worker::Gone;
        if state.closed { Rest::Over } else { state.close() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it holds whenever the lock is free, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker with nothing left does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rest {
    /// Waits for the others, or for what it has yet to begin.
    Waits,
    /// Ends, and wakes the others: it was the last one.
    Last,
    /// Ends.
    Over,
}

impl State {
    fn close(&mut self) -> Rest {
        self.closed = !self.workers.contains(&Worker::Busy);
        if self.closed { Rest::Last } else { Rest::Waits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takeover(number: u32) -> Takeover {
        Takeover { number, ..Takeover::default() }
    }

    #[test]
    fn a_takeover_finds_all_workers_or_none() {
        let roster = Roster::new(2);
        assert_eq!(roster.rest(0, 0), Rest::Waits);
        let (all, known) = roster.take_over(&[takeover(1)]).unwrap();
        assert_eq!((all.len(), known), (1, 0));
        assert!(roster.take_over(&[takeover(1)]).is_none(), "known");
        assert_eq!(roster.rest(1, 0), Rest::Waits, "it has yet to begin the takeover");
        assert_eq!(roster.rest(1, 1), Rest::Waits, "the first one is awake again");
        let (all, known) = roster.take_over(&[takeover(1), takeover(2)]).unwrap();
        assert_eq!((all.len(), known), (2, 1));
        assert_eq!((roster.rest(0, 2), roster.rest(1, 2)), (Rest::Waits, Rest::Last));
        assert_eq!((roster.rest(0, 2), roster.take_over(&[takeover(3)])), (Rest::Over, None));
    }

    #[test]
    fn a_worker_that_is_gone_holds_nobody_up() {
        let roster = Roster::new(2);
        assert_eq!(roster.leave(0), Rest::Waits);
        assert_eq!(roster.take_over(&[takeover(1)]), None, "its part would never be begun");
        assert_eq!((roster.rest(1, 0), roster.leave(1)), (Rest::Last, Rest::Over));
    }
}
