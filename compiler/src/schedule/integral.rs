//! (pure) The integral of an open load's rate over all its stages, exact, and the place where it reaches a number.

use super::ramp::Ramp;
use crate::artifact::OpenStage;
use crate::seed::Seed;
use crate::unit::{Rate, SECOND_NS, gcd};

/// Every rate that a plan can spell is a whole number of arrivals in this time: six decimals per hour.
const PER_NS_MAX: u64 = 3600 * SECOND_NS * 1_000_000;

/// Most intervals of one stage with a random rate, so that a schedule stays below ten megabytes.
pub const INTERVALS_MAX: u64 = 100_000;

/// The integral of the rate over time, piece by piece.
#[derive(Clone, Debug)]
pub(super) struct Integral {
    pieces: Vec<Piece>,
    /// The integral at the end of each stage of the plan.
    stage_ends: Vec<u128>,
    /// Units of the integral in one arrival, 2 * P.
    pub(super) unit: u128,
    /// The integral over everything.
    pub(super) total: u128,
    pub(super) length_ns: u64,
    pub(super) peak: Rate,
}

/// A stretch in which the rate goes in a straight line, with the integral before and after it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Start, in nanoseconds since the scenario's start.
    start_ns: u64,
    /// Integral at the start, in units.
    base: u128,
    /// Integral at the end.
    end: u128,
    ramp: Ramp,
}

impl Integral {
    /// Lays out `stages`; the rates of random stages are drawn below `seed`. Total for any input.
    pub(super) fn new(stages: &[OpenStage], seed: &Seed) -> Integral {
        let per_ns = denominator(stages);
        let mut all = Integral {
            pieces: Vec::with_capacity(stages.len()),
            stage_ends: Vec::with_capacity(stages.len()),
            unit: 2 * u128::from(per_ns),
            total: 0,
            length_ns: 0,
            peak: peak(stages),
        };
        for (at, stage) in stages.iter().enumerate() {
            all.lay_out(stage, per_ns, || seed.child(&format!("stage {at}")));
            all.stage_ends.push(all.total);
        }
        all
    }

    fn lay_out(&mut self, stage: &OpenStage, per_ns: u64, seed: impl FnOnce() -> Seed) {
        match *stage {
            OpenStage::Rate { from, to, length_ns } => {
                let (from, to) = (scaled(from, per_ns), scaled(to, per_ns));
                let ramp = Ramp { from, to, length_ns };
                self.push(ramp, ramp.whole());
            }
            OpenStage::Count { rate, count } => {
                let rate = scaled(rate, per_ns);
                if rate == 0 {
                    return self.push(Ramp { from: 0, to: 0, length_ns: 0 }, 0);
                }
                let length = (u128::from(count) * u128::from(per_ns)).div_ceil(u128::from(rate));
                let length_ns = u64::try_from(length).unwrap_or(u64::MAX);
                let ramp = Ramp { from: rate, to: rate, length_ns };
                self.push(ramp, u128::from(count) * self.unit);
            }
            OpenStage::Random { min, max, every_ns, length_ns } => {
                let (min, max) = (scaled(min, per_ns), scaled(max, per_ns));
                let span = max.saturating_sub(min).saturating_add(1);
                let every_ns = every_ns.max(length_ns.div_ceil(INTERVALS_MAX)).max(1);
                let seed = seed();
                for interval in 0..length_ns.div_ceil(every_ns) {
                    let length_ns = every_ns.min(length_ns - interval * every_ns);
                    let rate = min.saturating_add(seed.below(interval, span)).min(per_ns);
                    let ramp = Ramp { from: rate, to: rate, length_ns };
                    self.push(ramp, ramp.whole());
                }
            }
            OpenStage::Pause { length_ns } => self.push(Ramp { from: 0, to: 0, length_ns }, 0),
        }
    }

    fn push(&mut self, ramp: Ramp, whole: u128) {
        let (start_ns, base) = (self.length_ns, self.total);
        self.total = base.saturating_add(whole);
        self.pieces.push(Piece { start_ns, base, end: self.total, ramp });
        self.length_ns = start_ns.saturating_add(ramp.length_ns);
    }

    /// Returns how many whole arrivals there are below `integral`: ⌈integral⌉.
    pub(super) fn arrivals(&self, integral: u128) -> u64 {
        u64::try_from(integral.div_ceil(self.unit)).unwrap_or(u64::MAX)
    }

    /// Returns how many arrivals there are up to the end of each stage of the plan.
    pub(super) fn arrivals_by_stage(&self) -> impl Iterator<Item = u64> {
        self.stage_ends.iter().map(|end| self.arrivals(*end))
    }

    /// Returns the piece in which the integral comes to exceed `wanted`, at `from` or after it.
    ///
    /// `from` is 0, or the piece of a smaller number, which makes it quick.
    pub(super) fn piece(&self, wanted: u128, from: usize) -> Option<usize> {
        let rest = self.pieces.get(from..)?;
        // Mostly it is the same piece or the next one.
        let near = rest.iter().take(2).position(|piece| piece.end > wanted);
        let at = near.unwrap_or_else(|| rest.partition_point(|piece| piece.end <= wanted));
        (at < rest.len()).then_some(from + at)
    }

    /// Returns when the integral reaches `wanted`, in nanoseconds; it does so in `piece`.
    pub(super) fn due_in(&self, piece: usize, wanted: u128) -> u64 {
        let Some(piece) = self.pieces.get(piece) else { return self.length_ns };
        piece.start_ns.saturating_add(piece.ramp.reach(wanted.saturating_sub(piece.base)))
    }

    /// Returns when the integral comes to exceed `wanted`, rounded up to a nanosecond; `None` if it never does.
    pub(super) fn due_ns(&self, wanted: u128) -> Option<u64> {
        self.piece(wanted, 0).map(|piece| self.due_in(piece, wanted))
    }

    /// Returns the integral at `t_ns` rounded down to a unit, and whether it stands still there; `None` after the end.
    pub(super) fn at(&self, t_ns: u64) -> Option<(u128, bool)> {
        let ends = |piece: &Piece| piece.start_ns.saturating_add(piece.ramp.length_ns) <= t_ns;
        let piece = self.pieces.get(self.pieces.partition_point(ends))?;
        let within = piece.ramp.integral(t_ns - piece.start_ns);
        Some((piece.base.saturating_add(within), piece.base == piece.end))
    }
}

/// Returns the least common denominator of all rates, at most [`PER_NS_MAX`]; that where a rate is drawn, so that the
/// draw is fine.
fn denominator(stages: &[OpenStage]) -> u64 {
    if stages.iter().any(|stage| matches!(stage, OpenStage::Random { .. })) {
        return PER_NS_MAX;
    }
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
        OpenStage::Random { min, max, .. } => (Some(*min), Some(*max)),
        OpenStage::Count { rate, .. } => (Some(*rate), None),
        OpenStage::Pause { .. } => (None, None),
    };
    from.into_iter().chain(to)
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
