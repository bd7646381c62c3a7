//! [pure] Latencies by stretch of time: open while windows of other nodes may still come, then frozen to numbers.

use std::collections::BTreeMap;

use compiler::artifact::Aggregate;

use super::Histogram;

/// A distribution that holds only the values that occurred: a second of one scenario touches a few hundred of the
/// 23 000 places of a histogram.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sparse {
    counts: BTreeMap<u64, u64>,
    total: u64,
    min: Option<u64>,
}

impl Sparse {
    /// Adds everything that `histogram` holds.
    pub fn add(&mut self, histogram: &Histogram) {
        if !histogram.is_empty() {
            let min = self.min.map_or(histogram.min(), |min| min.min(histogram.min()));
            self.min = Some(min);
        }
        for bar in histogram.iter_recorded() {
            let count = bar.count_since_last_iteration();
            *self.counts.entry(bar.value_iterated_to()).or_default() += count;
            self.total += count;
        }
    }

    /// Returns how many values there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Returns an aggregate in microseconds; `None` when nothing was added.
    ///
    /// A percentile is the smallest value with at least that share of all values at or below it (nearest rank).
    pub fn aggregate(&self, aggregate: Aggregate) -> Option<u64> {
        match aggregate {
            Aggregate::Min => self.min,
            Aggregate::Max => self.counts.keys().next_back().copied(),
            Aggregate::Mean => {
                let sum: u128 =
                    self.counts.iter().map(|(us, n)| u128::from(*us) * u128::from(*n)).sum();
                let mean = sum.checked_div(u128::from(self.total))?;
                Some(u64::try_from(mean).unwrap_or(u64::MAX))
            }
            Aggregate::Percentile(thousandths) => self.percentile(thousandths),
        }
    }

    fn percentile(&self, thousandths: u32) -> Option<u64> {
        let rank = (u128::from(self.total) * u128::from(thousandths)).div_ceil(100_000).max(1);
        let mut seen = 0u128;
        self.counts.iter().find_map(|(us, count)| {
            seen += u128::from(*count);
            (seen >= rank).then_some(*us)
        })
    }
}

/// What is known of one stretch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Point {
    /// Values in it.
    pub count: u64,
    /// The timeline's aggregates, in their order, in microseconds; `None` without values.
    pub values: Vec<Option<u64>>,
}

/// Distributions of equal stretches of time.
#[derive(Clone, Debug)]
pub struct Timeline {
    aggregates: Vec<Aggregate>,
    open: BTreeMap<u64, Sparse>,
    frozen: BTreeMap<u64, Point>,
    frozen_before: u64,
}

impl Timeline {
    /// Returns an empty timeline that answers `aggregates`.
    pub fn new(aggregates: Vec<Aggregate>) -> Timeline {
        Timeline { aggregates, open: BTreeMap::new(), frozen: BTreeMap::new(), frozen_before: 0 }
    }

    /// Adds a histogram to a stretch; returns false, and adds nothing, if that stretch is frozen.
    pub fn add(&mut self, stretch: u64, histogram: &Histogram) -> bool {
        if stretch < self.frozen_before {
            return false;
        }
        self.open.entry(stretch).or_default().add(histogram);
        true
    }

    /// Turns every stretch before `stretch` into numbers.
    pub fn freeze_before(&mut self, stretch: u64) {
        if stretch <= self.frozen_before {
            return;
        }
        let still_open = self.open.split_off(&stretch);
        for (at, sparse) in std::mem::replace(&mut self.open, still_open) {
            self.frozen.insert(at, self.point_of(&sparse));
        }
        self.frozen_before = stretch;
    }

    /// Returns what is known of a stretch.
    pub fn point(&self, stretch: u64) -> Point {
        match (self.frozen.get(&stretch), self.open.get(&stretch)) {
            (Some(point), _) => point.clone(),
            (None, Some(sparse)) => self.point_of(sparse),
            (None, None) => Point { count: 0, values: vec![None; self.aggregates.len()] },
        }
    }

    /// Returns the last stretch that has values.
    pub fn last(&self) -> Option<u64> {
        self.open.keys().next_back().max(self.frozen.keys().next_back()).copied()
    }

    fn point_of(&self, sparse: &Sparse) -> Point {
        let values = self.aggregates.iter().map(|wanted| sparse.aggregate(*wanted)).collect();
        Point { count: sparse.count(), values }
    }
}

#[cfg(test)]
mod tests {
    use compiler::artifact::Aggregate;
    use proptest::prelude::*;

    use super::{Sparse, Timeline};
    use crate::metrics::latency;

    proptest! {
        #[test]
        fn a_sparse_distribution_answers_as_the_histogram_does(values in prop::collection::vec(1u64..4_000_000, 1..300)) {
            let mut histogram = latency::new_histogram();
            for us in &values {
                latency::record(&mut histogram, *us);
            }
            let mut sparse = Sparse::default();
            sparse.add(&histogram);
            prop_assert_eq!(sparse.count(), histogram.len());
            for (thousandths, quantile) in [(50_000, 0.5), (95_000, 0.95), (99_000, 0.99), (100_000, 1.0)] {
                let expected = histogram.value_at_quantile(quantile);
                let seen = sparse.aggregate(Aggregate::Percentile(thousandths)).unwrap();
                prop_assert!(histogram.equivalent(expected, seen), "{} {}", expected, seen);
            }
        }
    }

    #[test]
    fn a_frozen_stretch_keeps_its_numbers_and_takes_no_more() {
        let mut histogram = latency::new_histogram();
        latency::record(&mut histogram, 500);
        let mut timeline = Timeline::new(vec![Aggregate::Max, Aggregate::Mean]);
        assert!(timeline.add(0, &histogram) && timeline.add(1, &histogram));
        let before = timeline.point(0);
        timeline.freeze_before(1);
        assert_eq!(timeline.point(0), before);
        assert!(!timeline.add(0, &histogram));
        assert!(timeline.add(1, &histogram));
        assert_eq!((timeline.point(0).count, timeline.point(1).count), (1, 2));
        assert_eq!(timeline.last(), Some(1));
        assert_eq!(timeline.point(7).values, vec![None, None]);
    }
}
