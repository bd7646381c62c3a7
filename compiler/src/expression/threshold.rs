//! (pure) Pass conditions: `p95(service) < 500ms`, `share(failed) < 1%`, `value(queue) <= 100`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{SYNTAX, UNIT, UNKNOWN, bound, foreign, microseconds, trimmed};
use crate::artifact::{Aggregate, Bound, Counter, Metric, OwnKind, Phase, Quantity, Vital};
use crate::diagnostic::{Near, nearest};
use crate::template::Fault;
use crate::unit::{Rate, Share, UnitError, parse_number};

const FUNCTIONS: [&str; 12] =
    ["p50", "p90", "p95", "p99", "p99.9", "min", "max", "mean", "share", "rate", "count", "value"];

/// Other words for what is measured, and ours.
const ALIASES: [(&str, &str); 9] = [
    ("latency", "service"),
    ("duration", "service"),
    ("http_req_duration", "service"),
    ("response_time", "response"),
    ("errors", "failed"),
    ("http_req_failed", "failed"),
    ("error", "failed"),
    ("waiting", "first_byte"),
    ("requests", "started"),
];

/// The metrics of a plan's own.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Kind by name; `None` where it is broken.
    pub kinds: BTreeMap<String, Option<OwnKind>>,
    /// Whether one may be missing because of an error.
    pub incomplete: bool,
}

impl Own {
    fn of_kind(&self, wanted: OwnKind) -> impl Iterator<Item = &str> {
        let kinds = self.kinds.iter().filter(move |(_, kind)| **kind == Some(wanted));
        kinds.map(|(name, _)| name.as_str())
    }
}

/// A pass condition as a threshold's `require` says it.
#[derive(Clone, Debug, Eq, PartialEq)]
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

/// Returns whether thresholds read `name` as something that every run measures.
pub fn is_builtin(name: &str) -> bool {
    builtins().any(|known| known == name)
}

/// Returns what every run measures, as thresholds name it.
pub fn builtins() -> impl Iterator<Item = &'static str> {
    let phases = Phase::ALL.iter().map(|(name, _)| *name);
    let vitals = Vital::ALL.iter().map(|(name, _)| *name);
    let counters = Counter::ALL.iter().map(|(name, _)| *name);
    ["response", "service"].into_iter().chain(phases).chain(vitals).chain(counters)
}

/// Parses `AGG(METRIC) OP VALUE`; `None` if what it names may be a metric that an error has hidden.
///
/// # Errors
/// Not of that shape, an unknown function or metric, or a limit in a unit that the metric does not have.
pub fn parse_require(text: &str, own: &Own) -> Result<Option<Require>, Fault> {
    let good = |ours: &String| parse(ours, own).is_ok();
    parse(text, own).map_err(|fault| match foreign::respelled(text).filter(good) {
        Some(ours) => fault.help(format!("write `{ours}`")),
        None => fault,
    })
}

fn parse(text: &str, own: &Own) -> Result<Option<Require>, Fault> {
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
    let Some(metric) = metric(text, function, trimmed(text, open + 1..close), own)? else {
        return Ok(None);
    };
    let after = close + 1;
    let (bound, limit) = bound(text, after).ok_or_else(|| {
        broken(trimmed(text, after..text.len()), "expected `<`, `<=`, `>`, `>=`, `==` or `!=`")
    })?;
    if limit.is_empty() {
        return Err(broken(limit, "no limit"));
    }
    let (value, quantity) = value(&text[limit.clone()], &metric).map_err(|mut error| {
        if let (Metric::Rate(_), true) = (&metric, text[limit.clone()].ends_with('%')) {
            error.help =
                format!("a part of all is a share: `{}`", text.trim().replacen("rate", "share", 1));
        }
        Fault::new(UNIT, limit, error.message).label("not in the metric's unit").help(error.help)
    })?;
    Ok(Some(Require { metric, bound, value, quantity }))
}

/// What a function takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Function {
    Of(Aggregate),
    Share,
    Rate,
    Count,
    Value,
}

fn metric(
    text: &str,
    range: Range<usize>,
    inner: Range<usize>,
    own: &Own,
) -> Result<Option<Metric>, Fault> {
    let name = &text[range.clone()];
    let function = match name {
        "min" => Function::Of(Aggregate::Min),
        "max" => Function::Of(Aggregate::Max),
        "mean" => Function::Of(Aggregate::Mean),
        "share" => Function::Share,
        "rate" => Function::Rate,
        "count" => Function::Count,
        "value" => Function::Value,
        _ => match percentile(name) {
            Some(percentile) => Function::Of(Aggregate::Percentile(percentile)),
            None => return Err(unknown_function(name, range)),
        },
    };
    let what = &text[inner.clone()];
    if let Some(builtin) = builtin(function, what) {
        return Ok(Some(builtin));
    }
    match own.kinds.get(what).filter(|_| !is_builtin(what)) {
        Some(None) => Ok(None),
        Some(Some(kind)) => match of_own(function, *kind, what) {
            Some(metric) => Ok(Some(metric)),
            None => Err(wrong_kind(name, what, *kind, inner)),
        },
        None if own.incomplete && !is_builtin(what) && !what.is_empty() => Ok(None),
        None => Err(unknown_metric(name, function, what, inner, own)),
    }
}

fn builtin(function: Function, what: &str) -> Option<Metric> {
    let counter = || find(&Counter::ALL, what);
    match function {
        Function::Of(aggregate) => match what {
            "response" => Some(Metric::Response(aggregate)),
            "service" => Some(Metric::Service(aggregate)),
            _ => {
                let phase = find(&Phase::ALL, what).map(|phase| Metric::Phase { phase, aggregate });
                let vital =
                    || find(&Vital::ALL, what).map(|vital| Metric::Vital { vital, aggregate });
                phase.or_else(vital)
            }
        },
        Function::Share => counter().map(Metric::Share),
        Function::Rate => counter().map(Metric::Rate),
        Function::Count => counter().map(Metric::Count),
        Function::Value => None,
    }
}

fn of_own(function: Function, kind: OwnKind, name: &str) -> Option<Metric> {
    let metric = name.to_owned();
    match (function, kind) {
        (Function::Of(aggregate), OwnKind::Trend) => Some(Metric::Trend { metric, aggregate }),
        (Function::Count, OwnKind::Counter) => Some(Metric::OwnCount { metric }),
        (Function::Rate, OwnKind::Counter) => Some(Metric::OwnRate { metric }),
        (Function::Value, OwnKind::Gauge) => Some(Metric::Value { metric }),
        _ => None,
    }
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
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
    let fault = Fault::new(UNKNOWN, range, format!("there is no function `{name}`"))
        .label("unknown function");
    let near = match (name, nearest(name, FUNCTIONS)) {
        ("p100", _) => Near { word: "max", sure: true },
        ("avg" | "average", _) => Near { word: "mean", sure: true },
        ("med" | "median", _) => Near { word: "p50", sure: true },
        ("sum" | "total", _) => Near { word: "count", sure: false },
        // Another percentile is as likely.
        (_, Some(near)) => Near { sure: near.sure && !near.word.starts_with('p'), ..near },
        _ => {
            return fault.help(
                "the functions are `p50` to `p99.999`, `min`, `max`, `mean`, `share`, `rate`, `count` and `value`",
            );
        }
    };
    fault.suggest(near)
}

/// Says which functions a metric of the plan's own has.
fn wrong_kind(function: &str, what: &str, kind: OwnKind, range: Range<usize>) -> Fault {
    let (kind, help) = match kind {
        OwnKind::Trend => {
            ("trend", format!("write `p95({what})`, `mean({what})` or `max({what})`"))
        }
        OwnKind::Counter => ("counter", format!("write `count({what})` or `rate({what})`")),
        OwnKind::Gauge => ("gauge", format!("write `value({what})`")),
    };
    Fault::new(UNKNOWN, range, format!("`{function}` does not take `{what}`, a {kind}"))
        .label(format!("a {kind}"))
        .help(help)
}

fn unknown_metric(
    name: &str,
    function: Function,
    what: &str,
    range: Range<usize>,
    own: &Own,
) -> Fault {
    let counters = Counter::ALL.iter().map(|(name, _): &(&str, Counter)| *name);
    let known: Vec<&str> = match function {
        Function::Of(_) => {
            let of_runs = builtins()
                .take(2 + Phase::ALL.len() + Vital::ALL.len())
                .map(|name| -> &str { name });
            of_runs.chain(own.of_kind(OwnKind::Trend)).collect()
        }
        Function::Share => counters.collect(),
        Function::Rate | Function::Count => counters.chain(own.of_kind(OwnKind::Counter)).collect(),
        Function::Value => own.of_kind(OwnKind::Gauge).collect(),
    };
    let alias = ALIASES.iter().find(|(alias, ours)| *alias == what && known.contains(ours));
    let close = match alias {
        Some((_, ours)) => Some(Near { word: ours, sure: true }),
        None => nearest(what, known.iter().copied()),
    };
    let range = if range.is_empty() { range.start - 1..range.end + 1 } else { range };
    let fault = Fault::new(UNKNOWN, range, format!("`{name}` does not take `{what}`"))
        .label("unknown metric");
    match close {
        Some(near) => fault.suggest(near),
        None if known.is_empty() => {
            fault.help("no step of the plan records a gauge: give one `metrics: { … }`")
        }
        None if matches!(function, Function::Of(_))
            && Counter::ALL.iter().any(|(name, _)| *name == what) =>
        {
            fault.help(format!(
                "`{what}` is counted: write `share({what}) < 1%` or `count({what}) == 0`"
            ))
        }
        None => {
            let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            fault.help(format!("`{name}` takes one of {}", list.join(", ")))
        }
    }
}

fn value(text: &str, metric: &Metric) -> Result<(u64, Quantity), UnitError> {
    match metric {
        Metric::Vital { vital: Vital::Cls, .. } | Metric::Trend { .. } | Metric::Value { .. } => {
            parse_number(text).map(|number| (number, Quantity::Number))
        }
        Metric::Response(_) | Metric::Service(_) | Metric::Phase { .. } | Metric::Vital { .. } => {
            microseconds(text).map(|us| (us, Quantity::Us))
        }
        Metric::Share(_) => Share::parse(text).map(|share| (share.0, Quantity::Share)),
        Metric::Rate(_) | Metric::OwnRate { .. } => Rate::parse(text).and_then(|rate| {
            let micro = u128::from(rate.count) * 1_000_000_000_000_000 / u128::from(rate.per_ns);
            let value = u64::try_from(micro).map_err(|_| UnitError {
                message: format!("`{text}` is too high a rate"),
                help: "the highest rate is `1000000/s`".to_owned(),
            })?;
            Ok((value, Quantity::PerSecond))
        }),
        Metric::Count(_) | Metric::OwnCount { .. } => {
            let count = text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
            count.map(|count| (count, Quantity::Count)).ok_or_else(|| UnitError {
                message: format!("`{text}` is not a count"),
                help: "write a whole number without a unit; shares are `share(…) < 1%`".to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> String {
        match parse_require(text, &own()) {
            Ok(None) => "hidden".to_owned(),
            Ok(Some(require)) => format!(
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
        check("p95(service) < 500", "plan::expression::unit@500");
        check("p95(service) < 1%", "plan::expression::unit@1%");
        check("p95(service) < 0.5us", "plan::expression::unit@0.5us");
        check("share(failed) < 5", "plan::expression::unit@5");
        check("rate(started) > 95", "plan::expression::unit@95");
        check("count(dropped) < 1%", "plan::expression::unit@1%");
        check("count(dropped) < +1", "plan::expression::unit@+1");
        check("é(service) < 5ms", "plan::expression::unknown@é");
    }

    fn own() -> Own {
        let kinds = [
            ("cart", Some(OwnKind::Trend)),
            ("hits", Some(OwnKind::Counter)),
            ("queue", Some(OwnKind::Gauge)),
            ("odd", None),
        ];
        let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind)).into_iter().collect();
        Own { kinds, incomplete: false }
    }

    #[test]
    fn what_is_suggested_can_be_written() {
        let help = |text: &str| parse_require(text, &own()).unwrap_err().help;
        assert_eq!(help("p(95)<500"), "write `p95(service) < 500ms`");
        for text in ["p(95)=<500", "avg => 5", "p(0)<500", "http_req_failed === 1%", "p95<5 apples"]
        {
            let help = help(text);
            assert!(!help.starts_with("write `"), "{text}: {help}");
        }
    }

    #[test]
    fn metrics_of_every_kind_have_their_functions_and_units() {
        let check = |text: &str, expected: &str| assert_eq!(judged(text), expected, "{text}");
        check("p95(tls) < 5ms", "Phase { phase: Tls, aggregate: Percentile(95000) } < 5000 Us");
        check("max(lcp) < 2.5s", "Vital { vital: Lcp, aggregate: Max } < 2500000 Us");
        check(
            "p75(cls) <= 0.1",
            "Vital { vital: Cls, aggregate: Percentile(75000) } <= 100000 Number",
        );
        check("p75(cls) <= 1ms", "plan::expression::unit@1ms");
        check("mean(cart) < 99.5", "Trend { metric: \"cart\", aggregate: Mean } < 99500000 Number");
        check("mean(cart) < 99ms", "plan::expression::unit@99ms");
        check("mean(cart) < -1", "plan::expression::unit@-1");
        check("count(hits) > 7", "OwnCount { metric: \"hits\" } > 7 Count");
        check("rate(hits) > 7/m", "OwnRate { metric: \"hits\" } > 116666 PerSecond");
        check("value(queue) == 0", "Value { metric: \"queue\" } == 0 Number");
        check("value(cart) == 0", "plan::expression::unknown@cart");
        check("p95(hits) < 1", "plan::expression::unknown@hits");
        check("share(hits) < 1%", "plan::expression::unknown@hits");
        check("value(x) < 5", "plan::expression::unknown@x");
        check("p95(odd) < 1ms", "hidden");
        check("share(timed_out) < 1%", "Share(TimedOut) < 10000 Share");
        check("count(duplicate) == 0", "Count(Duplicate) == 0 Count");
        check("rate(unaccounted) == 0/s", "Rate(Unaccounted) == 0 PerSecond");
    }

    #[test]
    fn what_an_error_hides_is_not_called_unknown() {
        let own = Own { kinds: BTreeMap::new(), incomplete: true };
        assert_eq!(parse_require("p95(cart) < 1", &own), Ok(None));
        assert!(parse_require("p95(failed) < 1ms", &own).is_err());
        assert!(parse_require("share(service) < 1%", &own).is_err());
    }
}
