//! (pure) The HTML report: one file that fetches nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Value;
use sha2::{Digest, Sha256};

use super::build::histogram_of;
use super::chart::{Axis, Chart, Line, Measure, POINTS_MAX, time_axis};
use super::format;
use super::model::{Latency, RunResult, Scenario, ScenarioSeries};
use super::template::{TemplateError, render};

const PAGE: &str = include_str!("templates/report.html");
const STYLE: &str = include_str!("templates/report.css");
const SCRIPT: &str = include_str!("templates/report.js");

/// Most scenarios that get charts; the others are in the tables.
const CHARTED_MAX: usize = 24;

/// Most scenarios whose charts have all the points a chart can have.
const CHARTED_FINE: usize = 4;

/// Fewest points of a chart over time, whatever the number of charts.
const POINTS_MIN: usize = 120;

/// Largest copy of the result inside the page, in bytes; a larger one is named instead.
const DATA_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Renders the page.
///
/// # Errors
/// The template fails: a bug, since it is ours.
pub(super) fn html(result: &RunResult) -> Result<String, TemplateError> {
    let script = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let charted_max = if result.run.duration_us > 0 { CHARTED_MAX } else { 0 };
    let charted = || result.scenarios.iter().take(charted_max);
    let series = |it: &Scenario| result.series.scenarios.get(&it.name);
    let charts = |chart: &dyn Fn(&Scenario) -> Option<Chart>| -> Vec<Value> {
        let charts = charted().filter_map(chart);
        charts.map(|chart| Value::from_safe_string(chart.html())).collect()
    };
    let points = points(charted().count());
    let embedded = embedded(result);
    let extra = minijinja::context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        script_hash => Value::from_safe_string(script),
        data => embedded.map(Value::from_safe_string),
        not_charted => result.scenarios.len().saturating_sub(CHARTED_MAX),
        ran => charted_max > 0,
        load => charts(&|it| series(it).map(|series| load(it, series, points))),
        latency => charts(&|it| {
            let timed = |series: &&ScenarioSeries| series.p50.iter().any(Option::is_some);
            series(it).filter(timed).map(|series| latency(it, series, points))
        }),
        percentiles => charts(&|it| percentiles(it)),
    };
    render("report.html", PAGE, result, extra)
}

/// Returns the result as JSON that cannot end its script element; `None` when it is too large for a page.
fn embedded(result: &RunResult) -> Option<String> {
    let json = serde_json::to_string(result).ok().filter(|json| json.len() <= DATA_BYTES_MAX)?;
    let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Some(escaped.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// Returns how many points each chart over time may have: few charts are drawn finely, many keep the page small.
fn points(charted: usize) -> usize {
    (POINTS_MAX * CHARTED_FINE / charted.max(1)).clamp(POINTS_MIN, POINTS_MAX)
}

fn load(scenario: &Scenario, series: &ScenarioSeries, points: usize) -> Chart {
    let stretch = series.started.len().div_ceil(points).max(1);
    let mean = |list: &[u64]| -> Vec<Option<f64>> {
        let stretches = list.chunks(stretch);
        stretches.map(|it| Some(it.iter().sum::<u64>() as f64 / it.len() as f64)).collect()
    };
    let line =
        |name: &str, style, list: &[u64]| Line { name: name.to_owned(), style, values: mean(list) };
    let mut lines = vec![
        line("planned", "planned", &series.planned),
        line("started", "started", &series.started),
        line("failed", "failed", &series.failed),
        line("dropped", "dropped", &series.dropped),
    ];
    // A red line along the axis would say that something was dropped.
    let is_idle = |line: &Line| line.values.iter().flatten().all(|value| *value == 0.0);
    lines.retain(|line| !(["failed", "dropped"].contains(&line.style) && is_idle(line)));
    if scenario.model == super::model::Model::Closed {
        // A closed plan sets users, not starts.
        lines.remove(0);
    }
    let it = &scenario.arrivals;
    Chart {
        id: format!("load-{}", scenario.name),
        title: format!("{}: arrivals", scenario.name),
        description: format!(
            "{} of {} planned arrivals were started, {} dropped, {} failed.",
            format::count(it.started),
            format::count(it.planned),
            format::count(it.dropped),
            format::count(it.failed)
        ),
        measure: Measure::PerSecond,
        axis: time_axis(series.started.len().div_ceil(stretch), stretch),
        lines,
    }
}

fn latency(scenario: &Scenario, series: &ScenarioSeries, points: usize) -> Chart {
    let stretch = series.p50.len().div_ceil(points).max(1);
    let worst = |list: &[Option<u64>]| -> Vec<Option<f64>> {
        let stretches = list.chunks(stretch);
        stretches.map(|it| it.iter().flatten().max().map(|us| *us as f64)).collect()
    };
    let line = |name: &str, style, list: &[Option<u64>]| Line {
        name: name.to_owned(),
        style,
        values: worst(list),
    };
    let (kind, whole) = super::view::main_latency(scenario);
    let by = if stretch == 1 {
        "by second".to_owned()
    } else {
        format!("highest second of each {stretch}")
    };
    Chart {
        id: format!("latency-{}", scenario.name),
        title: format!("{}: {kind} time, {by}", scenario.name),
        description: format!(
            "Over the whole run p50 was {}, p95 {}, p99 {}.",
            format::duration(whole.p50),
            format::duration(whole.p95),
            format::duration(whole.p99)
        ),
        measure: Measure::Us,
        axis: time_axis(series.p50.len().div_ceil(stretch), stretch),
        lines: vec![
            line("p50", "p50", &series.p50),
            line("p95", "p95", &series.p95),
            line("p99", "p99", &series.p99),
        ],
    }
}

/// The distribution against the share of transactions, each nine as wide as the one before.
fn percentiles(scenario: &Scenario) -> Option<Chart> {
    let (_, whole) = super::view::main_latency(scenario);
    if whole.count == 0 {
        return None;
    }
    let nines = (whole.count as f64).log10().clamp(1.0, 6.0);
    let steps = 60u32;
    let shares: Vec<f64> = (0..=steps)
        .map(|step| 1.0 - 10f64.powf(-nines * f64::from(step) / f64::from(steps)))
        .collect();
    let line = |name: &str, style, latency: &Latency| -> Option<Line> {
        let histogram = histogram_of(latency).filter(|it| !it.is_empty())?;
        let at = |share: &f64| Some(histogram.value_at_quantile(*share) as f64);
        Some(Line { name: name.to_owned(), style, values: shares.iter().map(at).collect() })
    };
    let response = scenario.response_us.as_ref().and_then(|it| line("response", "response", it));
    let service = line("service", "service", &scenario.service_us);
    let name = |share: f64| {
        let text = format!("{:.4}", share * 100.0);
        format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
    };
    let ticks = [
        (0.0, "0%"),
        (1.0, "90%"),
        (2.0, "99%"),
        (3.0, "99.9%"),
        (4.0, "99.99%"),
        (5.0, "99.999%"),
    ];
    let ticks = ticks.iter().filter(|(nine, _)| *nine <= nines);
    Some(Chart {
        id: format!("percentiles-{}", scenario.name),
        title: format!("{}: time by percentile", scenario.name),
        description: format!(
            "Half of the transactions took at most {}, 99 percent at most {}, the slowest {}.",
            format::duration(whole.p50),
            format::duration(whole.p99),
            format::duration(whole.max)
        ),
        measure: Measure::Us,
        axis: Axis {
            name: "Percentile",
            points: shares
                .iter()
                .enumerate()
                .map(|(at, share)| (at as f64 / f64::from(steps), name(*share)))
                .collect(),
            ticks: ticks.map(|(nine, name)| (nine / nines, (*name).to_owned())).collect(),
        },
        lines: [response, service].into_iter().flatten().collect(),
    })
}
