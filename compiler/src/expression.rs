//! (pure) Conditions: `p95(service) < 500ms` of thresholds, `< 800ms` and `> 0` of expectations.

mod condition;
mod foreign;
mod threshold;

use std::ops::Range;

pub use self::condition::{Operand, OperandValue, Test, parse_condition, parse_operand};
pub use self::threshold::{Own, Require, builtins, is_builtin, parse_require};
use crate::artifact::{Bound, Comparison};
use crate::template::Fault;
use crate::unit::{Length, UnitError};

const SYNTAX: &str = "plan::expression::syntax";
const UNKNOWN: &str = "plan::expression::unknown";
const UNIT: &str = "plan::expression::unit";

/// Longest spelling first, so that `<=` is not read as `<`.
const BOUNDS: [(&str, Bound); 6] = [
    ("<=", Bound::AtMost),
    (">=", Bound::AtLeast),
    ("==", Bound::Equal),
    ("!=", Bound::NotEqual),
    ("<", Bound::Less),
    (">", Bound::Greater),
];

/// Parses `< 800ms` into a bound in microseconds.
///
/// # Errors
/// No comparison, or the limit is not a duration of whole microseconds.
pub fn parse_duration_bound(text: &str) -> Result<Comparison, Fault> {
    let Some((bound, limit)) = bound(text, 0) else {
        let message = format!("`{}` is not a comparison", text.trim());
        return Err(Fault::new(SYNTAX, 0..text.len(), message)
            .label("no comparison")
            .help("write an operator and a duration, such as `< 800ms`"));
    };
    let value = microseconds(&text[limit.clone()]).map_err(|error| {
        Fault::new(UNIT, limit, error.message).label("not a duration").help(error.help)
    })?;
    Ok(Comparison { bound, value })
}

/// Reads `> 0` as a comparison with a JSON number; `None` for any other text, which then stands for itself.
pub fn parse_number_bound(text: &str) -> Option<(Bound, String)> {
    let (bound, limit) = bound(text, 0)?;
    let number = &text[limit];
    serde_json::from_str::<serde_json::Number>(number).ok()?;
    Some((bound, number.to_owned()))
}

/// Returns whether `text` is meant as a comparison: an operator, and a value apart from it or a number.
pub fn begins_with_bound(text: &str) -> bool {
    let Some((_, limit)) = bound(text, 0) else { return false };
    let apart = text[..limit.start].ends_with(char::is_whitespace);
    let rest = &text[limit];
    (apart && !rest.is_empty())
        || rest.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        || rest.starts_with("{{")
}

/// Reads an operator at `from` and returns it with the range of what follows.
fn bound(text: &str, from: usize) -> Option<(Bound, Range<usize>)> {
    let rest = trimmed(text, from..text.len());
    let (symbol, bound) =
        BOUNDS.iter().find(|(symbol, _)| text[rest.clone()].starts_with(symbol))?;
    Some((*bound, trimmed(text, rest.start + symbol.len()..rest.end)))
}

/// Narrows a range to what is not space.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..(start + part.trim().len())
}

fn microseconds(text: &str) -> Result<u64, UnitError> {
    let length = Length::parse(text)?;
    if length.0.is_multiple_of(1_000) {
        return Ok(length.0 / 1_000);
    }
    Err(UnitError {
        message: format!("`{text}` is finer than a microsecond"),
        help: "latencies are measured in whole microseconds, such as `800us`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_stand_alone() {
        let us = |text: &str| parse_duration_bound(text).map(|c| (c.bound, c.value)).ok();
        assert_eq!(us("< 800ms"), Some((Bound::Less, 800_000)));
        assert_eq!(us(">=1s"), Some((Bound::AtLeast, 1_000_000)));
        assert_eq!(us("800ms"), None);
        assert_eq!(us("< 800"), None);
        assert_eq!(parse_number_bound("> 0"), Some((Bound::Greater, "0".to_owned())));
        assert_eq!(parse_number_bound("!= -1.5e3"), Some((Bound::NotEqual, "-1.5e3".to_owned())));
        for text in ["accepted", "> x", "<html>", "", ">", "> 01"] {
            assert_eq!(parse_number_bound(text), None, "{text}");
        }
        for text in ["> x", "!= null", "<= {{ vars.n }}", ">{{ vars.n }}", "> 01", ">5ms"] {
            assert!(begins_with_bound(text), "{text}");
        }
        for text in ["accepted", "<html>", "", ">", "=>", "<a href=x>"] {
            assert!(!begins_with_bound(text), "{text}");
        }
    }
}
