//! [pure] Numbers for people: three digits that matter, a unit, never rounded into something else.

use super::model::{Threshold, Unit};

/// Writes microseconds as `850 µs`, `8.45 ms`, `1.24 s`, `2 min 5 s`.
pub(crate) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", significant(us)),
        1_000_000..120_000_000 => format!("{} s", significant(us / 1_000)),
        120_000_000..7_200_000_000 => {
            let seconds = us / 1_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = us / 60_000_000;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// Writes signed microseconds; a plus is not written.
pub(crate) fn offset(us: i64) -> String {
    let sign = if us < 0 { "−" } else { "" };
    format!("{sign}{}", duration(us.unsigned_abs()))
}

/// Writes thousandths with three digits that matter, as many as fit before the point.
fn significant(thousandths: u64) -> String {
    let (decimals, step) = match thousandths {
        0..9_995 => (2, 10),
        9_995..99_950 => (1, 100),
        _ => (0, 1_000),
    };
    let rounded = (thousandths + step / 2) / step * step;
    let text = format!("{}.{:03}", rounded / 1_000, rounded % 1_000);
    let cut = if decimals == 0 { 4 } else { 3 - decimals };
    text[..text.len() - cut].to_owned()
}

/// Writes a count with its thousands apart: `12,345`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a fraction of one as percent; 0 % and 100 % only when it is exactly that.
pub(crate) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent <= 0.0 {
        "0%".to_owned()
    } else if percent < 0.01 {
        "<0.01%".to_owned()
    } else if percent >= 100.0 {
        "100%".to_owned()
    } else if percent > 99.99 {
        "99.99%".to_owned()
    } else {
        let text = format!("{percent:.2}");
        format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Writes a part of a whole as percent; a dash of nothing.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// Writes something per second.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}/s") } else { format!("{per_second:.0}/s") }
}

/// Writes bytes in powers of a thousand: `1.48 MB`.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", significant(n)),
        1_000_000..1_000_000_000 => format!("{} MB", significant(n / 1_000)),
        _ => format!("{} GB", significant(n / 1_000_000)),
    }
}

/// Writes a number for the axis of a chart: `1.5k`.
pub(crate) fn compact(n: f64) -> String {
    let (value, unit) = match n {
        n if n >= 1e6 => (n / 1e6, "M"),
        n if n >= 1e3 => (n / 1e3, "k"),
        n => (n, ""),
    };
    let text = format!("{value:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Writes what a threshold saw, in its unit.
pub(crate) fn observed(threshold: &Threshold) -> String {
    let Some(number) = &threshold.observed else { return "no data".to_owned() };
    match threshold.unit {
        Unit::Us => duration(number.as_u64().unwrap_or(0)),
        Unit::Count => count(number.as_u64().unwrap_or(0)),
        Unit::Share => percent(number.as_f64().unwrap_or(0.0)),
        Unit::PerSecond => rate(number.as_f64().unwrap_or(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, compact, count, duration, offset, percent, share};

    #[test]
    fn numbers_keep_three_digits_and_never_round_into_another_statement() {
        let durations =
            [0, 850, 8_449, 9_999, 84_500, 999_999, 1_240_000, 125_000_000, 7_500_000_000];
        let written = durations.map(duration).join(" | ");
        assert_eq!(
            written,
            "0 µs | 850 µs | 8.45 ms | 10.0 ms | 84.5 ms | 1000 ms | 1.24 s | 2 min 5 s | 2 h 5 min"
        );
        assert_eq!(offset(-1_500), "−1.50 ms");
        assert_eq!([0, 999, 1_000, 1_234_567].map(count).join(" "), "0 999 1,000 1,234,567");
        assert_eq!(
            [0.0, 0.000_01, 0.0123, 0.999_999, 1.0].map(percent).join(" "),
            "0% <0.01% 1.23% 99.99% 100%"
        );
        assert_eq!((share(1, 0), share(1, 4)), ("–".to_owned(), "25%".to_owned()));
        assert_eq!([999, 1_480, 38_400_000].map(bytes).join(" "), "999 B 1.48 kB 38.4 MB");
        assert_eq!([0.0, 2.5, 1_500.0, 2e6].map(compact).join(" "), "0 2.5 1.5k 2M");
    }
}
