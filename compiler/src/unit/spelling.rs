//! (pure) Quantities as other tools spell them, put into ours where only one can be meant.

use super::{Length, Rate, parse_bytes};

/// Returns `5s` for `5 sec`, `5 Seconds` or `1h 30min`; `None` if the text does not say which unit, or is no duration.
pub fn length(text: &str) -> Option<String> {
    let mut ours = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, tail) = number(rest)?;
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let unit = match tail[..letters].to_ascii_lowercase().as_str() {
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            // `M` may be a month.
            "m" if &tail[..letters] == "m" => "m",
            "min" | "mins" | "minute" | "minutes" => "m",
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => "ms",
            "us" | "usec" | "µs" | "μs" | "micros" | "microsecond" | "microseconds" => "us",
            _ => return None,
        };
        ours.push_str(number);
        ours.push_str(unit);
        rest = tail[letters..].trim_start();
    }
    Length::parse(&ours).ok().map(|_| ours)
}

/// Returns `10/s` for `10rps`, `10 req/s` or `10 per second`.
pub fn rate(text: &str) -> Option<String> {
    let (number, unit) = number(text.trim())?;
    let unit = unit.to_ascii_lowercase().replace(' ', "");
    let per = match unit.as_str() {
        "rps" | "qps" | "tps" => "s",
        "rpm" => "m",
        "rph" => "h",
        _ => {
            let what = unit.split_once('/').or_else(|| unit.split_once("per"));
            let (what, per) = what?;
            let counted = [
                "",
                "req",
                "reqs",
                "request",
                "requests",
                "arrivals",
                "users",
                "r",
                "iters",
                "iterations",
            ];
            if !counted.contains(&what) {
                return None;
            }
            match per {
                "s" | "sec" | "second" | "1s" => "s",
                "m" | "min" | "minute" | "1m" => "m",
                "h" | "hr" | "hour" | "1h" => "h",
                _ => return None,
            }
        }
    };
    let ours = format!("{number}/{per}");
    Rate::parse(&ours).ok().map(|_| ours)
}

/// Returns `10MiB` for `10 mib`; `None` for `10MB`, which may count in thousands.
pub fn size(text: &str) -> Option<String> {
    let (number, unit) = number(text.trim())?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => "B",
        "kib" => "KiB",
        "mib" => "MiB",
        "gib" => "GiB",
        _ => return None,
    };
    let ours = format!("{number}{unit}");
    parse_bytes(&ours).ok().map(|_| ours)
}

/// Splits a number from what follows it, blanks between them left out.
fn number(text: &str) -> Option<(&str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (!number.is_empty()).then(|| (number, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_is_respelled_and_several_are_not() {
        for (text, ours) in [
            ("5 sec", Some("5s")),
            ("5 Seconds", Some("5s")),
            ("1h 30min", Some("1h30m")),
            ("250 millis", Some("250ms")),
            ("3 µs", Some("3us")),
            ("5", None),
            ("5 M", None),
            ("5 days", None),
            ("soon", None),
            ("999999h", None),
        ] {
            assert_eq!(length(text).as_deref(), ours, "{text}");
        }
        for (text, ours) in [
            ("10rps", Some("10/s")),
            ("10 req/s", Some("10/s")),
            ("10 per minute", Some("10/m")),
            ("1.5/sec", Some("1.5/s")),
            ("10/d", None),
            ("10", None),
            ("many/s", None),
            ("10 apples/s", None),
        ] {
            assert_eq!(rate(text).as_deref(), ours, "{text}");
        }
        assert_eq!(size("10 mib").as_deref(), Some("10MiB"));
        assert_eq!((size("10MB"), size("10")), (None, None));
    }
}
