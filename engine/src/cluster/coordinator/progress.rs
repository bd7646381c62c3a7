//! (pure) Seconds of the run as they become complete on all nodes, for whoever watches.

use std::collections::BTreeMap;

use crate::event::Tick;
use crate::metrics::Window;

/// How many incomplete seconds are kept; the oldest is given out incomplete rather than kept for ever.
const OPEN_MAX: usize = 120;

/// Seconds that are not complete yet.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    open: BTreeMap<u32, Tick>,
    /// Seconds below it have been given out.
    given: u32,
}

impl Progress {
    /// Adds what a node measured; what belongs to a second that was given out already is left out.
    pub(crate) fn window(&mut self, window: &Window) {
        for row in window.seconds.iter().filter(|row| row.second >= self.given) {
            let tick = self.open.entry(row.second).or_default();
            tick.second = row.second;
            tick.started += row.started;
            tick.succeeded += row.succeeded;
            tick.failed += row.failed;
            tick.dropped += row.dropped;
            tick.in_flight += row.in_flight;
        }
    }

    /// Returns the seconds below `complete_until` that were not given out before, in order.
    pub(crate) fn take(&mut self, complete_until: u32) -> Vec<Tick> {
        let mut ticks = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            let second = *entry.key();
            if second >= complete_until && self.open.len() <= OPEN_MAX {
                break;
            }
            ticks.extend(self.open.remove(&second));
            self.given = second.saturating_add(1);
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::SecondRow;

    fn window(second: u32, started: u64) -> Window {
        let row = SecondRow { second, started, ..SecondRow::default() };
        Window { seconds: vec![row], ..Window::default() }
    }

    #[test]
    fn a_second_is_given_out_once_and_complete() {
        let mut progress = Progress::default();
        progress.window(&window(0, 1));
        progress.window(&window(1, 2));
        assert_eq!(progress.take(0), []);
        progress.window(&window(0, 10));
        let started = |ticks: Vec<Tick>| -> Vec<(u32, u64)> {
            ticks.iter().map(|tick| (tick.second, tick.started)).collect()
        };
        assert_eq!(started(progress.take(1)), [(0, 11)]);
        progress.window(&window(0, 100));
        assert_eq!(started(progress.take(2)), [(1, 2)]);
        (2..500).for_each(|second| progress.window(&window(second, 1)));
        assert_eq!(progress.take(2).len(), 498 - OPEN_MAX, "bounded");
    }
}
