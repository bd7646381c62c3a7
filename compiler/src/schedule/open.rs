//! (pure) Open loads: arrival number → due time, exact over all stages.

use std::sync::Arc;

use super::Cursor;
use super::ramp::Ramp;
use crate::artifact::{OpenLoad, OpenStage};
use crate::unit::{Rate, SECOND_NS, gcd};

/// Every rate that a plan can spell is a whole number of arrivals in this time: six decimals per hour.
const PER_NS_MAX: u64 = 3600 * SECOND_NS * 1_000_000;

/// The schedule of an open load: arrivals are numbered from 0 in order of due time.
///
/// Arrival *n* is due at the infimum of *t* with ∫₀ᵗ rate > *n*, rounded up to a nanosecond, the integral exact over
/// all stages. So a constant rate starts at 0, a pause holds arrivals back, and there are ⌈∫⌉ arrivals. A stage with a
/// count contributes exactly that and lasts ⌈count ÷ rate⌉ nanoseconds.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Open {
    pub(super) stages: Arc<[Stage]>,
    /// Units of the integral in one arrival, 2 * P.
    pub(super) unit: u128,
    count: u64,
    length_ns: u64,
    peak: Rate,
}

/// A stage with the integral before and after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// Start, in nanoseconds since the scenario's start.
    start_ns: u64,
    /// Integral at the start, in units.
    base: u128,
    /// Integral at the end.
    pub(super) end: u128,
    ramp: Ramp,
}

impl Stage {
    /// Returns when the integral reaches `wanted`, with `base <= wanted < end`.
    pub(super) fn due_ns(&self, wanted: u128) -> u64 {
        self.start_ns.saturating_add(self.ramp.reach(wanted - self.base))
    }
}

impl Open {
    /// Lays out the stages of `load`.
    ///
    /// Total for any input: a rate that is no whole number of millionths per hour, above one arrival a nanosecond, or a count at rate 0 is
    /// rounded down (a verified artifact has none of them).
    pub fn new(load: &OpenLoad) -> Open {
        let per_ns = denominator(&load.stages);
        let unit = 2 * u128::from(per_ns);
        let mut stages = Vec::with_capacity(load.stages.len());
        let (mut start_ns, mut base) = (0u64, 0u128);
        for stage in &load.stages {
            let (ramp, whole) = lay_out(stage, per_ns, unit);
            let end = base.saturating_add(whole);
            stages.push(Stage { start_ns, base, end, ramp });
            start_ns = start_ns.saturating_add(ramp.length_ns);
            base = end;
        }
        Open {
            stages: stages.into(),
            unit,
            count: u64::try_from(base.div_ceil(unit)).unwrap_or(u64::MAX),
            length_ns: start_ns,
            peak: peak(&load.stages),
        }
    }

    /// Returns how many arrivals there are: ⌈∫⌉.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns when arrival `number` is due, in nanoseconds since the scenario's start; `None` if there is no such arrival.
    pub fn due_ns(&self, number: u64) -> Option<u64> {
        if number >= self.count {
            return None;
        }
        let wanted = u128::from(number) * self.unit;
        let stage = self.stages.partition_point(|stage| stage.end <= wanted);
        self.stages.get(stage).map(|stage| stage.due_ns(wanted))
    }

    /// Returns how long all stages last, in nanoseconds.
    pub fn length_ns(&self) -> u64 {
        self.length_ns
    }

    /// Returns the highest rate.
    pub fn peak(&self) -> Rate {
        self.peak
    }

    /// Returns the least number that is due at `t_ns` or later; [`Open::count`] if there is none.
    pub fn first_due_at_or_after(&self, t_ns: u64) -> u64 {
        let Some(before) = t_ns.checked_sub(1) else { return 0 };
        let at = self
            .stages
            .partition_point(|stage| stage.start_ns.saturating_add(stage.ramp.length_ns) <= before);
        let Some(stage) = self.stages.get(at) else { return self.count };
        let within = stage.ramp.integral(before - stage.start_ns);
        let integral = stage.base.saturating_add(within);
        // Where nothing flows, the arrival that the integral has just reached waits for the next stage.
        let due = if stage.base == stage.end {
            integral.div_ceil(self.unit)
        } else {
            integral / self.unit + 1
        };
        u64::try_from(due).unwrap_or(u64::MAX).min(self.count)
    }

    /// Returns the numbers whose remainder by `modulus` is one of `residues`, with their due times, in order.
    ///
    /// `residues` is ascending; what is not below `modulus` is left out.
    pub fn cursor(&self, residues: &[u32], modulus: u32) -> Cursor {
        Cursor::new(self.clone(), residues, modulus)
    }
}

/// Returns the least common denominator of all rates, at most [`PER_NS_MAX`].
fn denominator(stages: &[OpenStage]) -> u64 {
    let mut per_ns = 1u64;
    for rate in stages.iter().flat_map(rates) {
        let rate_per_ns = rate.per_ns.max(1);
        let factor = rate_per_ns / gcd(per_ns, rate_per_ns).max(1);
        per_ns = match per_ns.checked_mul(factor) {
            Some(product) if product <= PER_NS_MAX => product,
            _ => return PER_NS_MAX,
        };
    }
    per_ns
}

fn rates(stage: &OpenStage) -> impl Iterator<Item = Rate> {
    let (from, to) = match stage {
        OpenStage::Rate { from, to, .. } => (Some(*from), Some(*to)),
        OpenStage::Count { rate, .. } => (Some(*rate), None),
        OpenStage::Pause { .. } => (None, None),
    };
    from.into_iter().chain(to)
}

fn lay_out(stage: &OpenStage, per_ns: u64, unit: u128) -> (Ramp, u128) {
    match stage {
        OpenStage::Rate { from, to, length_ns } => {
            let (from, to) = (scaled(*from, per_ns), scaled(*to, per_ns));
            let ramp = Ramp { from, to, length_ns: *length_ns };
            (ramp, ramp.whole())
        }
        OpenStage::Count { rate, count } => {
            let rate = scaled(*rate, per_ns);
            if rate == 0 {
                return (Ramp { from: 0, to: 0, length_ns: 0 }, 0);
            }
            let length = (u128::from(*count) * u128::from(per_ns)).div_ceil(u128::from(rate));
            let length_ns = u64::try_from(length).unwrap_or(u64::MAX);
            (Ramp { from: rate, to: rate, length_ns }, u128::from(*count) * unit)
        }
        OpenStage::Pause { length_ns } => (Ramp { from: 0, to: 0, length_ns: *length_ns }, 0),
    }
}

/// Returns `rate` as a count in `per_ns`, at most one a nanosecond.
fn scaled(rate: Rate, per_ns: u64) -> u64 {
    let count = u128::from(rate.count) * u128::from(per_ns) / u128::from(rate.per_ns.max(1));
    u64::try_from(count).unwrap_or(u64::MAX).min(per_ns)
}

fn peak(stages: &[OpenStage]) -> Rate {
    let mut peak = Rate::ZERO;
    for rate in stages.iter().flat_map(rates) {
        let (new, old) = (u128::from(rate.count), u128::from(peak.count));
        if new * u128::from(peak.per_ns) > old * u128::from(rate.per_ns) {
            peak = rate;
        }
    }
    peak
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(stages: Vec<OpenStage>) -> Open {
        Open::new(&OpenLoad { stages, max_in_flight: 10, late_after_ns: SECOND_NS })
    }

    fn rate(from: &str, to: &str, seconds: u64) -> OpenStage {
        let (from, to) = (Rate::parse(from).unwrap(), Rate::parse(to).unwrap());
        OpenStage::Rate { from, to, length_ns: seconds * SECOND_NS }
    }

    fn dues(open: &Open) -> Vec<u64> {
        (0..open.count()).map(|n| open.due_ns(n).unwrap()).collect()
    }

    #[test]
    fn a_constant_rate_starts_at_zero() {
        let open = open(vec![rate("3/s", "3/s", 1)]);
        assert_eq!(dues(&open), [0, 333_333_334, 666_666_667]);
        assert_eq!(open.due_ns(3), None);
        assert_eq!(open.peak(), Rate::parse("3/s").unwrap());
    }

    #[test]
    fn a_pause_holds_arrivals_back() {
        let pause = OpenStage::Pause { length_ns: 5 * SECOND_NS };
        let open = open(vec![rate("1/s", "1/s", 2), pause, rate("1/s", "1/s", 1)]);
        assert_eq!(dues(&open), [0, SECOND_NS, 7 * SECOND_NS]);
        assert_eq!(open.length_ns(), 8 * SECOND_NS);
    }

    #[test]
    fn fractions_are_carried_over_joints() {
        // 1.5 + 1.5 arrivals: the second stage's half completes the first one's.
        let open = open(vec![rate("1.5/s", "1.5/s", 1), rate("0.5/s", "0.5/s", 3)]);
        assert_eq!(dues(&open), [0, 666_666_667, 2 * SECOND_NS]);
    }

    #[test]
    fn a_count_is_exact_however_the_rate_divides() {
        let stage = OpenStage::Count { rate: Rate::parse("7/s").unwrap(), count: 10 };
        let open = open(vec![stage, rate("1/s", "1/s", 1)]);
        assert_eq!(open.count(), 11);
        assert_eq!(open.due_ns(9), Some(1_285_714_286));
        assert_eq!(open.due_ns(10), Some(1_428_571_429));
    }

    #[test]
    fn a_ramp_from_zero_follows_the_square_root() {
        let open = open(vec![rate("0/s", "10/s", 10)]);
        assert_eq!(open.count(), 50);
        // ∫ = t²/2, so arrival n is due at √(2n).
        assert_eq!(open.due_ns(0), Some(0));
        assert_eq!(open.due_ns(2), Some(2 * SECOND_NS));
        assert_eq!(open.due_ns(8), Some(4 * SECOND_NS));
        assert_eq!(open.due_ns(1), Some(1_414_213_563));
    }

    #[test]
    fn what_no_artifact_holds_does_not_panic() {
        let wild = Rate { count: u64::MAX, per_ns: 0 };
        let odd = Rate { count: u64::MAX, per_ns: u64::MAX - 1 };
        let stages = vec![
            OpenStage::Rate { from: wild, to: odd, length_ns: u64::MAX },
            OpenStage::Count { rate: Rate::ZERO, count: u64::MAX },
            OpenStage::Count { rate: odd, count: u64::MAX },
            OpenStage::Rate { from: odd, to: Rate::ZERO, length_ns: u64::MAX },
            OpenStage::Rate { from: Rate::ZERO, to: wild, length_ns: 0 },
        ];
        let open = open(stages);
        for number in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let due = open.due_ns(number);
            assert_eq!(due.is_some(), number < open.count());
            assert!(open.first_due_at_or_after(number) <= open.count());
        }
        assert_eq!(
            Open::new(&OpenLoad { stages: vec![], max_in_flight: 0, late_after_ns: 0 }).count(),
            0
        );
    }
}
