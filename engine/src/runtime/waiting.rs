//! (pure) Arrivals of one worker that found no place to run and wait for one, in order.
//!
//! What is dropped behind a waiting arrival is counted once that is decided: counters speak of arrivals below the frontier.

use std::collections::VecDeque;

use compiler::schedule::Due;

/// Arrivals in order of their numbers.
///
/// Bounded by the places to wait, and by two runs of drops for each second in which the first one waits.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Held>);

#[derive(Clone, Copy, Debug)]
enum Held {
    /// It waits.
    Arrival(Due),
    /// So many that found no place to wait either.
    Dropped(Dropped),
}

/// Arrivals in a row that were dropped behind one that waits: due in the same second, all or none of them warm-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Dropped {
    /// Second of the run in which they were due.
    pub(super) second: u64,
    /// Whether they belong to the warm-up.
    pub(super) warm_up: bool,
    /// How many.
    pub(super) count: u64,
}

impl Waiting {
    /// Returns the first arrival that waits.
    pub(super) fn first(&self) -> Option<Due> {
        self.0.iter().find_map(|held| match held {
            Held::Arrival(due) => Some(*due),
            Held::Dropped(_) => None,
        })
    }

    /// Lets an arrival wait behind the others.
    pub(super) fn push(&mut self, due: Due) {
        self.0.push_back(Held::Arrival(due));
    }

    /// Holds a drop back behind those that wait.
    pub(super) fn push_dropped(&mut self, second: u64, warm_up: bool) {
        match self.0.back_mut() {
            Some(Held::Dropped(run)) if (run.second, run.warm_up) == (second, warm_up) => {
                run.count += 1;
            }
            _ => self.0.push_back(Held::Dropped(Dropped { second, warm_up, count: 1 })),
        }
    }

    /// Takes the first arrival and the drops that were held back behind it alone.
    pub(super) fn pop(&mut self) -> Option<(Due, Vec<Dropped>)> {
        let Held::Arrival(due) = self.0.pop_front()? else { return None };
        let mut dropped = Vec::new();
        while let Some(Held::Dropped(run)) = self.0.front().copied() {
            dropped.push(run);
            self.0.pop_front();
        }
        Some((due, dropped))
    }

    /// Forgets everything; returns how many arrivals waited.
    pub(super) fn clear(&mut self) -> u64 {
        let waited = self.0.iter().filter(|held| matches!(held, Held::Arrival(_))).count();
        self.0.clear();
        waited as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_come_out_with_the_arrival_before_them() {
        let due = |number| Due { number, due_ns: number };
        let run = |second, warm_up, count| Dropped { second, warm_up, count };
        let mut waiting = Waiting::default();
        waiting.push(due(1));
        waiting.push(due(2));
        for (second, warm_up) in [(0, true), (0, true), (0, false), (1, false)] {
            waiting.push_dropped(second, warm_up);
        }
        waiting.push(due(9));
        assert_eq!(waiting.pop(), Some((due(1), vec![])));
        assert_eq!(waiting.first(), Some(due(2)));
        let dropped = vec![run(0, true, 2), run(0, false, 1), run(1, false, 1)];
        assert_eq!(waiting.pop(), Some((due(2), dropped)));
        assert_eq!(waiting.clear(), 1);
        assert_eq!((waiting.first(), waiting.pop()), (None, None));
    }
}
