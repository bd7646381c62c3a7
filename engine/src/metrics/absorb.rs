//! (pure) Two windows of one node become one: sums are exact, only the time is coarser.

use std::collections::btree_map::Entry;

use super::{ErrorRow, Histogram, SecondRow, StepRow, Window};

impl Window {
    /// Takes in another window of the same node: of another worker, or of another time.
    ///
    /// The order does not matter but for which failure is the sample.
    pub fn absorb(&mut self, other: Window) {
        self.from_ms = self.from_ms.min(other.from_ms);
        self.to_ms = self.to_ms.max(other.to_ms);
        for row in other.ledger {
            match self.ledger.iter_mut().find(|known| known.key() == row.key()) {
                Some(known) => {
                    let added = known.add(&row);
                    debug_assert!(added.is_some(), "no run has so many arrivals");
                }
                None => self.ledger.push(row),
            }
        }
        for row in other.steps {
            let same =
                |known: &&mut StepRow| (known.scenario, known.step) == (row.scenario, row.step);
            match self.steps.iter_mut().find(same) {
                Some(known) => known.add(&row),
                None => self.steps.push(row),
            }
        }
        for row in other.errors {
            let same = |known: &&mut ErrorRow| {
                (known.scenario, known.step, known.kind) == (row.scenario, row.step, row.kind)
            };
            match self.errors.iter_mut().find(same) {
                Some(known) => known.count += row.count,
                None => self.errors.push(row),
            }
        }
        self.absorb_seconds(other.seconds);
        for (series, histogram) in other.histograms {
            match self.histograms.entry(series) {
                Entry::Vacant(entry) => {
                    entry.insert(histogram);
                }
                Entry::Occupied(mut entry) => add_histogram(entry.get_mut(), &histogram),
            }
        }
        for (known, more) in [(&mut self.lateness, other.lateness), (&mut self.lag, other.lag)] {
            match (known, more) {
                (Some(known), Some(more)) => add_histogram(known, &more),
                (known @ None, more) => *known = more,
                (Some(_), None) => {}
            }
        }
        self.clamped += other.clamped;
        self.cpu_percent = self.cpu_percent.max(other.cpu_percent);
        self.rss_bytes = self.rss_bytes.max(other.rss_bytes);
        self.descriptors = self.descriptors.max(other.descriptors);
    }

    /// Both lists are in order of second and scenario, as workers write them; so is the result.
    fn absorb_seconds(&mut self, rows: Vec<SecondRow>) {
        for row in rows {
            let key = (row.second, row.scenario);
            match self.seconds.binary_search_by_key(&key, |row| (row.second, row.scenario)) {
                Ok(at) => self.seconds[at].add(&row),
                Err(at) => self.seconds.insert(at, row),
            }
        }
    }
}

/// Adds a histogram of the same range, which all of ours are.
fn add_histogram(known: &mut Histogram, more: &Histogram) {
    let added = known.add(more);
    debug_assert!(added.is_ok(), "histograms have one range");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::LedgerRow;
    use crate::metrics::latency::{new_histogram, record};

    fn window(lane: u32, second: u32, us: u64) -> Window {
        let mut histogram = new_histogram();
        record(&mut histogram, us);
        let row = LedgerRow { lane, lanes: 2, upto: us, started: 1, ..LedgerRow::default() };
        let status = [(200, 1)].into();
        Window {
            from_ms: u64::from(second) * 1_000,
            to_ms: u64::from(second + 1) * 1_000,
            ledger: vec![row],
            steps: vec![StepRow { ok: 1, status, ..StepRow::default() }],
            seconds: vec![SecondRow { second, started: 1, ..SecondRow::default() }],
            lateness: Some(histogram.clone()),
            lag: Some(histogram.clone()),
            descriptors: us,
            histograms: [(0, histogram)].into(),
            ..Window::default()
        }
    }

    #[test]
    fn sums_are_exact_in_any_order() {
        let parts = [window(0, 0, 10), window(1, 0, 20), window(0, 1, 30)];
        let fold = |order: [usize; 3]| {
            let mut whole = parts[order[0]].clone();
            whole.absorb(parts[order[1]].clone());
            whole.absorb(parts[order[2]].clone());
            whole.ledger.sort_by_key(|row| row.lane);
            whole
        };
        let (one, other) = (fold([0, 1, 2]), fold([2, 1, 0]));
        assert_eq!((one.from_ms, one.to_ms), (0, 2_000));
        assert_eq!((other.from_ms, other.to_ms), (0, 2_000));
        assert_eq!(one.ledger, other.ledger);
        assert_eq!((one.ledger[0].upto, one.ledger[0].started), (30, 2));
        assert_eq!(one.seconds, other.seconds);
        assert_eq!((one.seconds[0].started, one.seconds[1].started), (2, 1));
        assert_eq!((one.steps[0].ok, &one.steps[0].status), (3, &[(200, 3)].into()));
        assert_eq!((one.histograms[&0].len(), one.lateness.unwrap().len()), (3, 3));
        assert_eq!(one.histograms, other.histograms);
    }
}
