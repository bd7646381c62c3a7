//! Places of one scenario on a node, shared by its workers: for what runs, and for what waits. Atomics, no locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// No arrival waits.
const NOBODY: u64 = u64::MAX;

/// Places of one scenario.
///
/// Who gives a place back looks for a waiting arrival after that, who begins to wait looks for a place after that, both in
/// one total order of all these steps: one of the two sees the other, so that no arrival waits beside a free place.
#[derive(Debug)]
pub(super) struct Places {
    running: AtomicU64,
    /// The most that may run at a time, and the most that may wait.
    max: AtomicU64,
    waiting: AtomicU64,
    /// By worker: number of its first arrival that waits.
    firsts: Vec<AtomicU64>,
}

impl Places {
    /// Returns free places for `max` transactions on a node of so many workers.
    pub(super) fn new(max: u64, workers: usize) -> Places {
        Places {
            running: AtomicU64::new(0),
            max: AtomicU64::new(max),
            waiting: AtomicU64::new(0),
            firsts: (0..workers).map(|_| AtomicU64::new(NOBODY)).collect(),
        }
    }

    /// Adds so many places to run and as many to wait.
    pub(super) fn grow(&self, by: u64) {
        let grown = |max: u64| Some(max.saturating_add(by));
        self.max.fetch_update(Ordering::SeqCst, Ordering::SeqCst, grown).ok();
    }

    /// Takes a place to run; returns whether there was one.
    pub(super) fn enter(&self) -> bool {
        take(&self.running, self.max.load(Ordering::SeqCst))
    }

    /// Gives a place to run back.
    pub(super) fn leave(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns whether there is a place to run.
    pub(super) fn is_free(&self) -> bool {
        self.running.load(Ordering::SeqCst) < self.max.load(Ordering::SeqCst)
    }

    /// Takes a place to wait; returns whether there was one.
    pub(super) fn wait(&self) -> bool {
        take(&self.waiting, self.max.load(Ordering::SeqCst))
    }

    /// Gives so many places to wait back.
    pub(super) fn wait_no_more(&self, count: u64) {
        self.waiting.fetch_sub(count, Ordering::SeqCst);
    }

    /// Notes the first arrival of `worker` that waits.
    pub(super) fn set_first(&self, worker: usize, number: Option<u64>) {
        if let Some(first) = self.firsts.get(worker) {
            first.store(number.unwrap_or(NOBODY), Ordering::SeqCst);
        }
    }

    /// Returns the worker whose arrival has waited longest; `None` if none waits.
    pub(super) fn longest_waiting(&self) -> Option<usize> {
        let numbers = self.firsts.iter().map(|first| first.load(Ordering::SeqCst)).enumerate();
        let waiting = numbers.filter(|(_, number)| *number != NOBODY);
        waiting.min_by_key(|(_, number)| *number).map(|(worker, _)| worker)
    }
}

fn take(count: &AtomicU64, max: u64) -> bool {
    let taken = count.fetch_add(1, Ordering::SeqCst) < max;
    if !taken {
        count.fetch_sub(1, Ordering::SeqCst);
    }
    taken
}
