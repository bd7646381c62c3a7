//! Quantities that carry their unit: exact integers, parsed from and printed as the plan language spells them.

pub mod spelling;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nanoseconds in one second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// The longest run or stage, 30 days in nanoseconds.
pub const LENGTH_NS_MAX: u64 = 30 * 24 * 3600 * SECOND_NS;

/// The highest arrival rate, in arrivals per second.
pub const RATE_PER_SECOND_MAX: u64 = 1_000_000;

/// Why a text is no quantity of the wanted kind; lowercase fragments for a diagnostic's message and help.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnitError {
    /// What is wrong, such as "`10x` is not a duration".
    pub message: String,
    /// What to write instead, such as "write a number with a unit: `250ms`, `30s`, `1m30s`, `2h`".
    pub help: String,
}

/// Arrivals per unit of time, kept exact: `count` arrivals every `per_ns` nanoseconds, in lowest terms.
///
/// Invariant: `0 < per_ns`; `count` is 0 only at the foot of a ramp.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Arrivals in each `per_ns`.
    pub count: u64,
    /// Length of the interval, in nanoseconds.
    pub per_ns: u64,
}

/// A length of time in nanoseconds, at most [`LENGTH_NS_MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Length(pub u64);

/// A share in millionths: `99.9%` is 999 000.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub u64);

impl Rate {
    /// No arrivals.
    pub const ZERO: Rate = Rate { count: 0, per_ns: SECOND_NS };

    /// Returns `count` arrivals every `per_ns` nanoseconds, in lowest terms.
    pub fn new(count: u64, per_ns: u64) -> Rate {
        let divisor = gcd(count, per_ns).max(1);
        Rate { count: count / divisor, per_ns: per_ns / divisor }
    }

    /// Parses `200/s`, `12000/m`, `1.5/s`, `90/h`.
    ///
    /// # Errors
    /// Not a number with one of the units `/s /m /h`, more than six decimals, or above [`RATE_PER_SECOND_MAX`].
    pub fn parse(text: &str) -> Result<Rate, UnitError> {
        let error = |what: &str| UnitError {
            message: format!("`{text}` {what}"),
            help: "write a rate as arrivals per second, minute or hour: `200/s`, `12000/m`, `90/h`"
                .to_owned(),
        };
        let (number, unit) = text.trim().split_once('/').ok_or_else(|| error("is not a rate"))?;
        let per_ns = match unit.trim() {
            "s" => SECOND_NS,
            "m" => 60 * SECOND_NS,
            "h" => 3600 * SECOND_NS,
            _ => return Err(error("has no unit that a rate can have")),
        };
        let (mantissa, scale) = decimal(number.trim()).ok_or_else(|| error("is not a rate"))?;
        let count = mantissa;
        let per = per_ns.checked_mul(scale).ok_or_else(|| error("has too many decimals"))?;
        let rate = Rate::new(count, per);
        let limit = u128::from(RATE_PER_SECOND_MAX) * u128::from(rate.per_ns);
        if u128::from(rate.count) * u128::from(SECOND_NS) > limit {
            return Err(error("is above the highest rate, 1000000/s"));
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    /// Writes the rate as a plan spells it, in the shortest unit that keeps it whole, else in the shortest that six decimals hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit_ns, unit) in [(SECOND_NS, "s"), (60 * SECOND_NS, "m"), (3600 * SECOND_NS, "h")] {
            let scaled = u128::from(self.count) * u128::from(unit_ns);
            if scaled.is_multiple_of(u128::from(self.per_ns)) {
                return write!(f, "{}/{unit}", scaled / u128::from(self.per_ns));
            }
        }
        let units = [(SECOND_NS, "s"), (60 * SECOND_NS, "m"), (3600 * SECOND_NS, "h")];
        let micro = |unit_ns: u64| u128::from(self.count) * u128::from(unit_ns) * 1_000_000;
        let exact = |unit_ns: u64| micro(unit_ns).is_multiple_of(u128::from(self.per_ns));
        let (unit_ns, unit) = units.into_iter().find(|(ns, _)| exact(*ns)).unwrap_or(units[0]);
        let micro = micro(unit_ns) / u128::from(self.per_ns.max(1));
        let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        write!(f, "{}/{unit}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Length {
    /// Parses `250ms`, `30s`, `1m30s`, `1.5s`, `2h`, `800us`.
    ///
    /// # Errors
    /// Not a sequence of numbers with the units `h m s ms us` in falling order, or longer than [`LENGTH_NS_MAX`].
    pub fn parse(text: &str) -> Result<Length, UnitError> {
        const UNITS: [(&str, u64); 5] = [
            ("h", 3600 * SECOND_NS),
            ("m", 60 * SECOND_NS),
            ("s", SECOND_NS),
            ("ms", 1_000_000),
            ("us", 1_000),
        ];
        let error = |what: &str| UnitError {
            message: format!("`{text}` {what}"),
            help: "write a number with a unit: `250ms`, `30s`, `1m30s`, `2h`".to_owned(),
        };
        let mut rest = text.trim();
        let mut total: u64 = 0;
        let mut floor = 0;
        if rest.is_empty() {
            return Err(error("is not a duration"));
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (mantissa, scale) = decimal(number).ok_or_else(|| error("is not a duration"))?;
            if unit.is_empty() {
                return Err(error("has no unit"));
            }
            let at = UNITS
                .iter()
                .position(|(name, _)| *name == unit)
                .ok_or_else(|| error("has a unit that no duration has"))?;
            if at < floor {
                return Err(error("is not a duration: units go from large to small"));
            }
            floor = at + 1;
            let ns = u128::from(mantissa) * u128::from(UNITS[at].1) / u128::from(scale);
            total = u64::try_from(ns)
                .ok()
                .and_then(|ns| total.checked_add(ns))
                .filter(|ns| *ns <= LENGTH_NS_MAX)
                .ok_or_else(|| error("is longer than 30 days"))?;
            rest = tail;
        }
        Ok(Length(total))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 6] = [
            ("h", 3600 * SECOND_NS),
            ("m", 60 * SECOND_NS),
            ("s", SECOND_NS),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, size) in UNITS {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl Share {
    /// The whole.
    pub const ONE: Share = Share(1_000_000);

    /// Parses `95%`, `0.1%`.
    ///
    /// # Errors
    /// Not a number before `%`, more than four decimals, or above 100 %.
    pub fn parse(text: &str) -> Result<Share, UnitError> {
        let error = || UnitError {
            message: format!("`{text}` is not a share"),
            help: "write a percentage between `0%` and `100%`, such as `99.9%`".to_owned(),
        };
        let number = text.trim().strip_suffix('%').ok_or_else(error)?;
        let (mantissa, scale) = decimal(number.trim()).ok_or_else(error)?;
        let millionths = u128::from(mantissa) * 10_000;
        if scale > 10_000 || millionths > u128::from(scale) * 1_000_000 {
            return Err(error());
        }
        u64::try_from(millionths / u128::from(scale)).map(Share).map_err(|_| error())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Parses a byte count: `512`, `10KiB`, `10MiB`, `1GiB`.
///
/// # Errors
/// Not a whole number with one of the units `B KiB MiB GiB`.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError {
        message: format!("`{text}` is not a size"),
        help: "write a whole number with a unit: `512B`, `64KiB`, `10MiB`".to_owned(),
    };
    let text_trimmed = text.trim();
    let digits = text_trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(text_trimmed.len());
    let (number, unit) = text_trimmed.split_at(digits);
    let size: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(error()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(size)).ok_or_else(error)
}

/// Returns the greatest common divisor; `gcd(0, n)` is `n`.
pub fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Returns the greatest common divisor of wide numbers; `gcd_wide(0, n)` is `n`.
pub fn gcd_wide(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd_wide(b, a % b) }
}

/// Parses `0.1`, `12` into millionths; a number without a unit.
///
/// # Errors
/// Not a plain decimal number of at least 0 with at most six decimals.
pub fn parse_number(text: &str) -> Result<u64, UnitError> {
    let text = text.trim();
    let error = |help: &str| UnitError {
        message: format!("`{text}` is not a number"),
        help: help.to_owned(),
    };
    if text.starts_with('-') {
        return Err(error("write a number of at least 0: values below it have no limit"));
    }
    let split = decimal(text).and_then(|(mantissa, scale)| {
        let wide = u128::from(mantissa) * 1_000_000 / u128::from(scale);
        u64::try_from(wide).ok()
    });
    split.ok_or_else(|| error("write a number without a unit, such as `0.1` or `250`"))
}

/// Splits `1.25` into (125, 100); `None` unless it is a plain decimal number with at most six decimals.
fn decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let dot_without_digits = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || !plain(whole) || !plain(fraction) || dot_without_digits {
        return None;
    }
    let scale = 10u64.pow(u32::try_from(fraction.len()).ok().filter(|n| *n <= 6)?);
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(fraction).map(|n| (n, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_as_they_are_written() {
        for text in ["200/s", "90/m", "7/h", "0.000001/h", "0.7/h"] {
            assert_eq!(Rate::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Rate::parse("12000/m").unwrap(), Rate::parse("200/s").unwrap());
        assert_eq!(Rate::parse("1.5/s").unwrap(), Rate { count: 3, per_ns: 2 * SECOND_NS });
        for text in ["250ms", "30s", "1m30s", "2h", "800us"] {
            assert_eq!(Length::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Length::parse("1.5s").unwrap(), Length(1_500_000_000));
        for text in ["99.9%", "1%", "100%", "0.01%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_bytes("10MiB").unwrap(), 10 << 20);
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["200", "200/x", "/s", "-1/s", "1e3/s", "1000001/s", "1./s", "0.1234567/s"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
        for text in ["", "30", "s", "1s1m", "1s1s", "31d", "721h", "1.2.3s", "-1s"] {
            assert!(Length::parse(text).is_err(), "{text}");
        }
        for text in ["99.9", "101%", "%", "-1%", "0.00001%"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
        for text in ["", "10MB", "1.5MiB", "-1B"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
