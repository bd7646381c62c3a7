//! (pure) Conditions: `p95(service) < 500ms` of thresholds, `< 800ms` and `> 0` of expectations.

mod condition;

use std::ops::Range;

pub use self::condition::{Operand, OperandValue, Test, parse_condition, parse_operand};
use crate::artifact::{Aggregate, Bound, Comparison, Counter, Metric, Quantity};
use crate::diagnostic::did_you_mean;
use crate::template::Fault;
use crate::unit::{Length, Rate, Share, UnitError};

const SYNTAX: &str = "plan::expression::syntax";
const UNKNOWN: &str = "plan::expression::unknown";
const UNIT: &str = "plan::expression::unit";

const FUNCTIONS: [&str; 11] =
    ["p50", "p90", "p95", "p99", "p99.9", "min", "max", "mean", "share", "rate", "count"];
const DISTRIBUTIONS: [&str; 2] = ["response", "service"];
const COUNTERS: [&str; 4] = ["started", "succeeded", "failed", "dropped"];

/// Longest spelling first, so that `<=` is not read as `<`.
const BOUNDS: [(&str, Bound); 6] = [
    ("<=", Bound::AtMost),
    (">=", Bound::AtLeast),
    ("==", Bound::Equal),
    ("!=", Bound::NotEqual),
    ("<", Bound::Less),
    (">", Bound::Greater),
];

/// A pass condition as a threshold's `require` says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Require {
    /// What is measured.
    pub metric: Metric,
    /// Which side of the limit passes.
    pub bound: Bound,
    /// The limit, in the unit of `quantity`.
    pub value: u64,
    /// Unit of `value`.
    pub quantity: Quantity,
}

/// Parses `AGG(METRIC) OP VALUE`.
///
/// # Errors
/// Not of that shape, an unknown function or metric, or a limit in a unit that the metric does not have.
pub fn parse_require(text: &str) -> Result<Require, Fault> {
    let shape = "write it as `p95(service) < 500ms`, `share(failed) < 1%`, `rate(started) > 95/s` or `count(dropped) == 0`";
    let broken = |range: Range<usize>, what: &str| {
        Fault::new(SYNTAX, range, format!("`{}` is not a condition", text.trim()))
            .label(what)
            .help(shape)
    };
    let Some(open) = text.find('(') else {
        return Err(broken(0..text.len(), "no function with a metric in parentheses"));
    };
    let Some(close) = text[open..].find(')').map(|at| open + at) else {
        return Err(broken(open..open + 1, "not closed"));
    };
    let function = trimmed(text, 0..open);
    let metric = metric(text, function, trimmed(text, open + 1..close))?;
    let after = close + 1;
    let (bound, limit) = bound(text, after).ok_or_else(|| {
        broken(trimmed(text, after..text.len()), "expected `<`, `<=`, `>`, `>=`, `==` or `!=`")
    })?;
    if limit.is_empty() {
        return Err(broken(limit, "no limit"));
    }
    let (value, quantity) = value(&text[limit.clone()], metric).map_err(|error| {
        Fault::new(UNIT, limit, error.message).label("not in the metric's unit").help(error.help)
    })?;
    Ok(Require { metric, bound, value, quantity })
}

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

fn metric(text: &str, function: Range<usize>, inner: Range<usize>) -> Result<Metric, Fault> {
    let name = &text[function.clone()];
    let aggregate = match name {
        "min" => Some(Aggregate::Min),
        "max" => Some(Aggregate::Max),
        "mean" => Some(Aggregate::Mean),
        _ => percentile(name).map(Aggregate::Percentile),
    };
    let what = &text[inner.clone()];
    if let Some(aggregate) = aggregate {
        return match what {
            "response" => Ok(Metric::Response(aggregate)),
            "service" => Ok(Metric::Service(aggregate)),
            _ => Err(unknown_metric(name, what, inner, &DISTRIBUTIONS)),
        };
    }
    let wrap = match name {
        "share" => Metric::Share,
        "rate" => Metric::Rate,
        "count" => Metric::Count,
        _ => return Err(unknown_function(name, function)),
    };
    let counter = match what {
        "started" => Counter::Started,
        "succeeded" => Counter::Succeeded,
        "failed" => Counter::Failed,
        "dropped" => Counter::Dropped,
        _ => return Err(unknown_metric(name, what, inner, &COUNTERS)),
    };
    Ok(wrap(counter))
}

/// Reads `p99.9` as 99 900; `None` unless it lies above 0 and below 100 with at most three decimals.
fn percentile(name: &str) -> Option<u32> {
    let number = name.strip_prefix('p')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || whole.len() > 2 || fraction.len() > 3 {
        return None;
    }
    let value = format!("{whole}{fraction:0<3}").parse::<u32>().ok()?;
    (value > 0).then_some(value)
}

fn unknown_function(name: &str, range: Range<usize>) -> Fault {
    if name == "value" {
        return Fault::new(
            "plan::unsupported",
            range,
            "`value(…)` is part of the plan language, but this version cannot do it yet",
        )
        .label("not built yet")
        .help("judge a latency, a share, a rate or a count");
    }
    let help = match (name, did_you_mean(name, FUNCTIONS)) {
        ("avg" | "average", _) => "did you mean `mean`?".to_owned(),
        ("med" | "median", _) => "did you mean `p50`?".to_owned(),
        ("p100", _) => "the largest value is `max`".to_owned(),
        (_, Some(close)) => format!("did you mean `{close}`?"),
        _ => "the functions are `p50` to `p99.999`, `min`, `max`, `mean`, `share`, `rate` and `count`"
            .to_owned(),
    };
    Fault::new(UNKNOWN, range, format!("there is no function `{name}`"))
        .label("unknown function")
        .help(help)
}

fn unknown_metric(function: &str, what: &str, range: Range<usize>, known: &[&str]) -> Fault {
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let help = match did_you_mean(what, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("`{function}` takes one of {list}"),
    };
    let range = if range.is_empty() { range.start - 1..range.end + 1 } else { range };
    Fault::new(UNKNOWN, range, format!("`{function}` does not take `{what}`"))
        .label("unknown metric")
        .help(help)
}

fn value(text: &str, metric: Metric) -> Result<(u64, Quantity), UnitError> {
    match metric {
        Metric::Response(_) | Metric::Service(_) => microseconds(text).map(|us| (us, Quantity::Us)),
        Metric::Share(_) => Share::parse(text).map(|share| (share.0, Quantity::Share)),
        Metric::Rate(_) => Rate::parse(text).and_then(|rate| {
            let micro = u128::from(rate.count) * 1_000_000_000_000_000 / u128::from(rate.per_ns);
            let value = u64::try_from(micro).map_err(|_| UnitError {
                message: format!("`{text}` is too high a rate"),
                help: "the highest rate is `1000000/s`".to_owned(),
            })?;
            Ok((value, Quantity::PerSecond))
        }),
        Metric::Count(_) => {
            let count = text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
            count.map(|count| (count, Quantity::Count)).ok_or_else(|| UnitError {
                message: format!("`{text}` is not a count"),
                help: "write a whole number without a unit; shares are `share(…) < 1%`".to_owned(),
            })
        }
    }
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

    fn judged(text: &str) -> String {
        match parse_require(text) {
            Ok(require) => format!(
                "{:?} {} {} {:?}",
                require.metric,
                require.bound.symbol(),
                require.value,
                require.quantity
            ),
            Err(fault) => format!("{}@{}", fault.code, &text[fault.range]),
        }
    }

    #[test]
    fn conditions_are_typed_or_refused_at_their_place() {
        let check = |text: &str, expected: &str| assert_eq!(judged(text), expected, "{text}");
        check("p95(service) < 500ms", "Service(Percentile(95000)) < 500000 Us");
        check(" p99.9( response )<=3s ", "Response(Percentile(99900)) <= 3000000 Us");
        check("p5(service) < 1s", "Service(Percentile(5000)) < 1000000 Us");
        check("mean(service) > 800us", "Service(Mean) > 800 Us");
        check("share(failed) < 1%", "Share(Failed) < 10000 Share");
        check("rate(started) > 95/s", "Rate(Started) > 95000000 PerSecond");
        check("rate(started) >= 1.5/s", "Rate(Started) >= 1500000 PerSecond");
        check("count(dropped) == 0", "Count(Dropped) == 0 Count");
        check("p95 < 500ms", "plan::expression::syntax@p95 < 500ms");
        check("p95(service < 500ms", "plan::expression::syntax@(");
        check("p95(service) 500ms", "plan::expression::syntax@500ms");
        check("p95(service) <", "plan::expression::syntax@");
        check("p95(servce) < 5ms", "plan::expression::unknown@servce");
        check("p95() < 5ms", "plan::expression::unknown@()");
        check("avg(service) < 5ms", "plan::expression::unknown@avg");
        check("p100(service) < 5ms", "plan::expression::unknown@p100");
        check("p0(service) < 5ms", "plan::expression::unknown@p0");
        check("share(response) < 5%", "plan::expression::unknown@response");
        check("value(x) < 5", "plan::unsupported@value");
        check("p95(service) < 500", "plan::expression::unit@500");
        check("p95(service) < 1%", "plan::expression::unit@1%");
        check("p95(service) < 0.5us", "plan::expression::unit@0.5us");
        check("share(failed) < 5", "plan::expression::unit@5");
        check("rate(started) > 95", "plan::expression::unit@95");
        check("count(dropped) < 1%", "plan::expression::unit@1%");
        check("count(dropped) < +1", "plan::expression::unit@+1");
        check("é(service) < 5ms", "plan::expression::unknown@é");
    }

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
