//! (pure) Windows on their way: numbered, sent again until acknowledged, and merged rather than dropped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::clock::Ticks;
use crate::metrics::Window;

/// Most windows that are sent and not yet acknowledged.
const FLYING_MAX: usize = 4;

/// Most windows that wait to be sent, a minute of them; above it neighbours are merged: totals stay exact, time gets coarser.
const WAITING_MAX: usize = 60;

/// Windows of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Window>,
    flying: BTreeMap<u64, Flying>,
    last_seq: u64,
}

#[derive(Clone, Debug)]
struct Flying {
    window: Arc<Window>,
    sent: Ticks,
}

impl Outbox {
    /// Takes the next window.
    pub(crate) fn push(&mut self, window: Window) {
        self.waiting.push_back(window);
        if self.waiting.len() > WAITING_MAX {
            self.merge_shortest();
        }
    }

    /// Returns what is to be sent now, by number: what was not acknowledged for `retry_ns`, then what waits.
    pub(crate) fn due(&mut self, now: Ticks, retry_ns: u64) -> Vec<(u64, Arc<Window>)> {
        let mut due = Vec::new();
        for (seq, flying) in &mut self.flying {
            if now >= flying.sent.saturating_add(retry_ns) {
                flying.sent = now;
                due.push((*seq, Arc::clone(&flying.window)));
            }
        }
        while self.flying.len() < FLYING_MAX {
            let Some(window) = self.waiting.pop_front() else { break };
            self.last_seq += 1;
            let window = Arc::new(window);
            let flying = Flying { window: Arc::clone(&window), sent: now };
            self.flying.insert(self.last_seq, flying);
            due.push((self.last_seq, window));
        }
        due
    }

    /// Takes note that everything up to `seq` has arrived.
    pub(crate) fn acked(&mut self, seq: u64) {
        self.flying = self.flying.split_off(&seq.saturating_add(1));
    }

    /// Returns when something must be sent again.
    pub(crate) fn wake(&self, retry_ns: u64) -> Option<Ticks> {
        self.flying.values().map(|flying| flying.sent.saturating_add(retry_ns)).min()
    }

    /// Returns how many wait and how many are sent and unacknowledged.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.flying.len())
    }

    /// Returns whether everything has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }

    /// Returns the number of the last window that was sent.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Returns the number of the first window that may not have arrived.
    pub(crate) fn first_seq(&self) -> u64 {
        self.flying.keys().next().copied().unwrap_or(self.last_seq + 1)
    }

    /// Returns the windows that may not have arrived: those that have a number, and those that wait for one.
    pub(crate) fn windows(&self) -> (BTreeMap<u64, Arc<Window>>, Vec<Window>) {
        let flying = self.flying.iter().map(|(seq, flying)| (*seq, Arc::clone(&flying.window)));
        (flying.collect(), self.waiting.iter().cloned().collect())
    }

    /// Returns an outbox with these windows, of which those with a number are sent again at once.
    pub(crate) fn restored(
        last_seq: u64,
        flying: BTreeMap<u64, Arc<Window>>,
        waiting: Vec<Window>,
    ) -> Outbox {
        let flying = flying.into_iter().map(|(seq, window)| (seq, Flying { window, sent: 0 }));
        Outbox { waiting: waiting.into(), flying: flying.collect(), last_seq }
    }

    /// Merges the two neighbours that are shortest together.
    fn merge_shortest(&mut self) {
        let span = |at: &usize| {
            let (first, second) = (&self.waiting[*at], &self.waiting[*at + 1]);
            second.to_ms.saturating_sub(first.from_ms)
        };
        let Some(at) = (0..self.waiting.len().saturating_sub(1)).min_by_key(span) else { return };
        if let Some(second) = self.waiting.remove(at + 1) {
            self.waiting[at].absorb(second);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::metrics::{LedgerRow, SecondRow, StepRow, latency};

    fn window(second: u64) -> Window {
        let mut histogram = latency::new_histogram();
        latency::record(&mut histogram, 100 + second);
        let number = u32::try_from(second).unwrap();
        Window {
            from_ms: second * 1_000,
            to_ms: second * 1_000 + 1_000,
            ledger: vec![LedgerRow {
                upto: second + 1,
                started: 1,
                lanes: 1,
                ..LedgerRow::default()
            }],
            steps: vec![StepRow {
                ok: 1,
                status: BTreeMap::from([(200, 1)]),
                ..Default::default()
            }],
            seconds: vec![SecondRow { second: number, started: 1, ..SecondRow::default() }],
            histograms: BTreeMap::from([(0, histogram.clone())]),
            lateness: Some(histogram),
            ..Window::default()
        }
    }

    #[test]
    fn ten_minutes_without_acks_keeps_every_count() {
        let mut outbox = Outbox::default();
        let mut got = Vec::new();
        for second in 0..600 {
            outbox.push(window(second));
            got.extend(outbox.due(second, u64::MAX));
        }
        assert_eq!((got.len(), outbox.counts()), (FLYING_MAX, (WAITING_MAX, FLYING_MAX)));
        while !outbox.is_empty() {
            outbox.acked(outbox.last_seq());
            got.extend(outbox.due(9_000, u64::MAX));
        }
        let numbers: Vec<u64> = got.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, (1..=outbox.last_seq()).collect::<Vec<u64>>());
        let mut to_ms = 0;
        let (mut started, mut samples, mut seconds, mut longest) = (0, 0, 0, 0);
        for (_, window) in &got {
            assert_eq!(window.from_ms, to_ms, "no gap");
            to_ms = window.to_ms;
            longest = longest.max(window.to_ms - window.from_ms);
            started += window.ledger[0].started;
            assert_eq!(window.ledger[0].upto, to_ms / 1_000);
            assert_eq!(window.steps[0].status[&200], window.ledger[0].started);
            samples += window.histograms[&0].len();
            seconds += window.seconds.len();
        }
        assert_eq!((started, samples, seconds), (600, 600, 600));
        assert!(longest <= 32_000, "neighbours are merged evenly: {longest} ms");
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut outbox = Outbox::default();
        (0..3).for_each(|second| outbox.push(window(second)));
        let numbers = |due: Vec<(u64, Arc<Window>)>| -> Vec<u64> {
            due.into_iter().map(|(seq, _)| seq).collect()
        };
        assert_eq!(numbers(outbox.due(10, 5)), [1, 2, 3]);
        outbox.acked(1);
        assert_eq!(numbers(outbox.due(14, 5)), [] as [u64; 0]);
        assert_eq!(outbox.wake(5), Some(15));
        assert_eq!(numbers(outbox.due(15, 5)), [2, 3]);
        outbox.acked(3);
        assert!(outbox.is_empty());
    }
}
