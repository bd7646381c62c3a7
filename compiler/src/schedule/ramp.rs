//! (pure) A straight line from one rate to another: its exact integral, and the place where that reaches a number.

/// A stage whose rate goes in a straight line, in units of `1 / (2 * P)` arrivals, P the schedule's denominator.
///
/// With rates `from / P` and `to / P` per nanosecond the integral over the first `x` nanoseconds is
/// `2 * from * x + (to - from) * x² / length` units: whole for `x = length`, so nothing is lost at joints.
/// Invariant: `from`, `to` ≤ 2⁶², so that no sum here leaves 128 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ramp {
    /// Rate at the start, in `1 / P` per nanosecond.
    pub(super) from: u64,
    /// Rate at the end.
    pub(super) to: u64,
    /// Length, in nanoseconds.
    pub(super) length_ns: u64,
}

impl Ramp {
    /// Returns the integral over the whole length.
    pub(super) fn whole(self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)) * u128::from(self.length_ns)
    }

    /// Returns the integral over the first `x_ns`, rounded down to a unit.
    pub(super) fn integral(self, x_ns: u64) -> u128 {
        let x = u128::from(x_ns);
        let linear = 2 * u128::from(self.from) * x;
        if self.from == self.to || self.length_ns == 0 {
            return linear;
        }
        // change * x² / length in two divisions, because the product alone would need 160 bits.
        let length = u128::from(self.length_ns);
        let change = u128::from(self.from.abs_diff(self.to)) * x;
        let (whole, rest) = (change / length, change % length);
        let bend = whole * x;
        if self.to > self.from {
            linear + bend + rest * x / length
        } else {
            linear.saturating_sub(bend + (rest * x).div_ceil(length))
        }
    }

    /// Returns the least whole `x` at which the integral reaches `wanted`, which is below [`Ramp::whole`].
    ///
    /// The rate is positive inside a ramp that holds an arrival, so this is the infimum of the places where the
    /// integral is above `wanted`, rounded up to a nanosecond.
    pub(super) fn reach(self, wanted: u128) -> u64 {
        if self.from == self.to {
            return divide_up(wanted, 2 * u128::from(self.from.max(1)));
        }
        let (mut low, mut high) = self.bracket(wanted);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.integral(middle) >= wanted {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Returns a range, ends included, that holds the answer of [`Ramp::reach`]: a guess, widened until it does.
    fn bracket(self, wanted: u128) -> (u64, u64) {
        let guess = self.guess(wanted);
        let mut step = 1u64;
        if self.integral(guess) >= wanted {
            let mut low = guess;
            while low > 0 && self.integral(low) >= wanted {
                low = low.saturating_sub(step);
                step = step.saturating_mul(4);
            }
            return (low, guess);
        }
        let mut high = guess;
        while high < self.length_ns && self.integral(high) < wanted {
            high = high.saturating_add(step).min(self.length_ns);
            step = step.saturating_mul(4);
        }
        (guess, high)
    }

    /// Solves the quadratic in floating point; only the speed of the exact search depends on it.
    #[expect(clippy::cast_possible_truncation, reason = "a guess, clamped to the stage")]
    #[expect(clippy::cast_sign_loss, reason = "a guess, clamped to the stage")]
    fn guess(self, wanted: u128) -> u64 {
        let (from, to, length) = (self.from as f64, self.to as f64, self.length_ns as f64);
        let wanted = wanted as f64;
        let slope = (to - from) / length;
        let root = (from * from + slope * wanted).max(0.0).sqrt();
        let place = wanted / (from + root).max(f64::MIN_POSITIVE);
        (place.max(0.0) as u64).min(self.length_ns)
    }
}

/// Divides, rounding up; in 64 bits where both fit, which they do for the rates people write.
fn divide_up(amount: u128, by: u128) -> u64 {
    match (u64::try_from(amount), u64::try_from(by)) {
        (Ok(amount), Ok(by)) => amount.div_ceil(by),
        _ => u64::try_from(amount.div_ceil(by)).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::Ramp;

    #[test]
    fn a_ramp_reaches_each_unit_where_its_integral_does() {
        for (from, to) in [(0, 9), (9, 0), (4, 4), (1, 30), (30, 1), (0, 1), (1, 0)] {
            let ramp = Ramp { from, to, length_ns: 23 };
            assert_eq!(ramp.integral(23), ramp.whole());
            for wanted in 0..ramp.whole() {
                let listed = (0..=23u64).find(|x| ramp.integral(*x) >= wanted).unwrap();
                assert_eq!(ramp.reach(wanted), listed, "{from} to {to}, {wanted}");
            }
        }
    }

    #[test]
    fn the_largest_ramps_stay_exact() {
        let length_ns = 30 * 24 * 3600 * 1_000_000_000;
        let top = 3_600_000_000_000_000;
        for (from, to) in [(0, top), (top, 0), (1, top), (top, top - 1)] {
            let ramp = Ramp { from, to, length_ns };
            assert_eq!(ramp.integral(length_ns), ramp.whole());
            for wanted in [1, ramp.whole() / 7, ramp.whole() / 2, ramp.whole() - 1] {
                let x = ramp.reach(wanted);
                assert!(ramp.integral(x) >= wanted && ramp.integral(x - 1) < wanted);
            }
        }
    }
}
