//! (pure) What every human view says first: the verdict in words, its reasons, the figures that matter.

use serde::Serialize;

use super::format;
use super::model::{Latency, Model, RunResult, Scenario};
use super::warnings::{OVERLOADED, TOO_MANY_FAILURES};
use crate::metrics::threshold::Verdict;

/// Codes of the warnings that the check of the delivery shows.
const DELIVERY: [&str; 3] = ["not-delivered", "unfinished", "waited-too-long"];

/// Codes of the warnings that the check of the generator shows.
const GENERATOR: [&str; 6] =
    ["generator-late", "cpu-high", "clamped", "node-lost", "law-broken", "stray-rows"];

/// The head of a report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    /// `pass`, `fail` or `warn`.
    pub(crate) tone: &'static str,
    /// A sign that says the same without colour.
    pub(crate) sign: &'static str,
    /// The verdict in a few words.
    pub(crate) headline: String,
    /// The verdict in a sentence.
    pub(crate) sentence: String,
    /// Thresholds, delivery, generator health.
    pub(crate) checks: Vec<Check>,
    /// Warnings that no check shows.
    pub(crate) others: Vec<super::model::Warning>,
    /// Figures.
    pub(crate) figures: Vec<Figure>,
    /// Whether some transactions had to wait noticeably before they were sent; a sentence that says so.
    pub(crate) waiting: Option<String>,
    /// Whether there is a closed scenario.
    pub(crate) closed: bool,
}

/// One of the things a verdict rests on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) text: String,
    pub(crate) details: Vec<String>,
}

/// One figure with its name and a note.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) note: String,
    pub(crate) tone: &'static str,
}

/// Returns the head of a result's report.
pub(crate) fn view(result: &RunResult) -> View {
    let (tone, headline, sentence) = verdict(result);
    View {
        tone,
        sign: sign(tone),
        headline: headline.to_owned(),
        sentence,
        checks: vec![thresholds(result), delivery(result), generator(result)],
        others: {
            let shown = |code: &str| DELIVERY.contains(&code) || GENERATOR.contains(&code);
            result.warnings.iter().filter(|it| !shown(&it.code)).cloned().collect()
        },
        figures: figures(result),
        waiting: waiting(result),
        closed: result.scenarios.iter().any(|it| it.model == Model::Closed),
    }
}

fn sign(tone: &str) -> &'static str {
    match tone {
        "pass" => "✓",
        "fail" => "✕",
        _ => "!",
    }
}

fn verdict(result: &RunResult) -> (&'static str, &'static str, String) {
    let why = |code: &str| {
        let found = result.warnings.iter().find(|warning| warning.code == code);
        found.map_or_else(|| "the reason was not recorded".to_owned(), |it| it.message.clone())
    };
    let said = |code: &str| result.warnings.iter().any(|it| it.code == code);
    match result.run.outcome.as_str() {
        "passed" => ("pass", "Passed", passed(result)),
        "threshold_missed" => match &result.run.aborted_by {
            Some(_) if said(TOO_MANY_FAILURES) => ("fail", "Failed", why(TOO_MANY_FAILURES)),
            Some(name) => {
                ("fail", "Failed", format!("The threshold `{name}` was missed and ended the run."))
            }
            None => {
                let (missed, all) = (with(result, Verdict::Fail).len(), result.thresholds.len());
                ("fail", "Failed", format!("{missed} of {all} thresholds missed."))
            }
        },
        "not_delivered" if said(OVERLOADED) => ("fail", "Not valid", why(OVERLOADED)),
        "not_delivered" => (
            "fail",
            "Not valid",
            "The planned load was not delivered, so the measurements are not of the plan."
                .to_owned(),
        ),
        "no_data" => (
            "warn",
            "Undecided",
            format!(
                "{} of {} thresholds had no data.",
                with(result, Verdict::NoData).len(),
                result.thresholds.len()
            ),
        ),
        "interrupted" => (
            "warn",
            "Interrupted",
            "The run was stopped from outside; what follows is what had happened by then."
                .to_owned(),
        ),
        "cluster_failed" => ("fail", "Cluster failed", why("cluster-failed")),
        "artifact_refused" => ("fail", "Refused", why("artifact-refused")),
        _ => (
            "fail",
            "Internal error",
            "This is a bug of Volley, please report it with this file.".to_owned(),
        ),
    }
}

/// A counted load may have ended at its time before its count: then not everything was delivered.
fn passed(result: &RunResult) -> String {
    let stopped = result.arrivals.dropped_by.stopped;
    let delivered = if stopped == 0 {
        "the planned load was delivered".to_owned()
    } else {
        format!("what was due was sent; {} arrivals did not fit the time", format::count(stopped))
    };
    if result.thresholds.is_empty() {
        let it = &result.arrivals;
        let failed = match (it.failed, it.succeeded + it.failed) {
            (0, _) => String::new(),
            (failed, ended) => format!(
                ", but {} of {} transactions failed",
                format::count(failed),
                format::count(ended)
            ),
        };
        format!("The plan has no thresholds; {delivered}{failed}.")
    } else {
        format!("Every threshold held and {delivered}.")
    }
}

fn with(result: &RunResult, verdict: Verdict) -> Vec<&super::model::Threshold> {
    result.thresholds.iter().filter(|it| it.verdict == verdict).collect()
}

fn thresholds(result: &RunResult) -> Check {
    let (missed, silent) = (with(result, Verdict::Fail), with(result, Verdict::NoData));
    let all = result.thresholds.len();
    let (tone, text) = match (all, missed.len(), silent.len()) {
        (0, _, _) => ("none", "none in the plan".to_owned()),
        (all, 0, 0) if ["interrupted", "cluster_failed"].contains(&result.run.outcome.as_str()) => {
            ("pass", format!("all {all} held until then"))
        }
        (all, 0, 0) => ("pass", format!("all {all} held")),
        (all, 0, silent) => ("warn", format!("{silent} of {all} had no data")),
        (all, missed, 0) => ("fail", format!("{missed} of {all} missed")),
        (all, missed, silent) => {
            ("fail", format!("{missed} of {all} missed, {silent} had no data"))
        }
    };
    let details = missed.iter().chain(&silent);
    Check {
        name: "Thresholds",
        tone,
        sign: sign(tone),
        text,
        details: details
            .map(|it| match it.observed {
                Some(_) => format!("{}: {}, was {}", it.name, it.require, format::observed(it)),
                None => format!("{}: {}, no data", it.name, it.require),
            })
            .collect(),
    }
}

fn delivery(result: &RunResult) -> Check {
    let short: Vec<String> = messages(result, &["not-delivered"]);
    let arrivals = &result.arrivals;
    let decided = arrivals.planned.saturating_sub(arrivals.dropped_by.stopped);
    let share = format::share(arrivals.started, decided);
    let (tone, text) = match (short.is_empty(), arrivals.planned, arrivals.dropped_by.stopped) {
        (_, 0, _) => ("none", "nothing was planned".to_owned()),
        (true, _, 0) => ("pass", format!("{share} of the planned arrivals were sent")),
        (true, _, stopped) if arrivals.started == 0 => {
            let stopped = format::count(stopped);
            ("warn", format!("nothing was sent; {stopped} arrivals not reached before the end"))
        }
        (true, _, stopped) => {
            let stopped = format::count(stopped);
            (
                "warn",
                format!(
                    "{share} sent of what was due; {stopped} arrivals not reached before the end"
                ),
            )
        }
        (false, _, _) => ("fail", format!("only {share} of the planned arrivals were sent")),
    };
    let (tone, text) = match (arrivals.unfinished, tone) {
        (0, _) => (tone, text),
        (n, "pass") => ("warn", format!("{text}, {} did not come to an end", format::count(n))),
        (n, tone) => (tone, format!("{text}; {} did not come to an end", format::count(n))),
    };
    let details = messages(result, &DELIVERY);
    Check { name: "Delivery", tone, sign: sign(tone), text, details }
}

fn generator(result: &RunResult) -> Check {
    let doubts = messages(result, &GENERATOR);
    let late_us = result.nodes.iter().map(|node| node.lateness_us.p99).max();
    let cpu = result.nodes.iter().map(|node| node.cpu_percent_max).max();
    let lost = result.nodes.iter().filter(|node| node.lost_us.is_some()).count();
    let (tone, text) = match (late_us, cpu) {
        (Some(late_us), Some(cpu)) => {
            let tone = if lost > 0 {
                "fail"
            } else if doubts.is_empty() {
                "pass"
            } else {
                "warn"
            };
            let nodes = result.nodes.len();
            let of = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
            let lost = if lost > 0 { format!(", {lost} lost") } else { String::new() };
            // Only open arrivals are due at a time, and can be late.
            let has_lateness = result.nodes.iter().any(|node| node.lateness_us.max > 0);
            let late = format!("{} late (p99) and ", format::duration(late_us));
            let late = if has_lateness { late } else { String::new() };
            (tone, format!("{of}{lost}; at worst {late}{cpu}% of a core"))
        }
        _ => ("none", "no node took part".to_owned()),
    };
    Check { name: "Generator", tone, sign: sign(tone), text, details: doubts }
}

fn messages(result: &RunResult, codes: &[&str]) -> Vec<String> {
    let kept = result.warnings.iter().filter(|warning| codes.contains(&warning.code.as_str()));
    kept.map(|warning| warning.message.clone()).collect()
}

/// Returns the times that count for a scenario: response of an open one, service of a closed one.
pub(super) fn main_latency(scenario: &Scenario) -> (&'static str, &Latency) {
    match (&scenario.model, &scenario.response_us) {
        (Model::Open, Some(response)) => ("response", response),
        (Model::Open | Model::Closed, _) => ("service", &scenario.service_us),
    }
}

fn figures(result: &RunResult) -> Vec<Figure> {
    let it = &result.arrivals;
    let figure = |name: &str, value: String, note: String, tone| Figure {
        name: name.to_owned(),
        value,
        note,
        tone,
    };
    let ended = it.succeeded + it.failed;
    let seconds = result.run.duration_us as f64 / 1e6;
    let (throughput, over) = if seconds > 0.0 {
        let over = format!("mean over {}", format::duration(result.run.duration_us));
        (format::rate(it.started as f64 / seconds), over)
    } else {
        ("–".to_owned(), "no load was sent".to_owned())
    };
    let mut all = vec![
        figure(
            "Arrivals sent",
            format::count(it.started),
            format!("of {} planned", format::count(it.planned)),
            "none",
        ),
        figure("Throughput", throughput, over, "none"),
        figure(
            "Failed",
            format::share(it.failed, ended),
            format!("{} of {} ended", format::count(it.failed), format::count(ended)),
            if it.failed > 0 { "warn" } else { "none" },
        ),
        figure(
            "Not sent",
            format::count(it.dropped + it.unaccounted),
            dropped_note(result),
            if it.dropped + it.unaccounted > 0 { "warn" } else { "none" },
        ),
    ];
    // The scenario with most samples speaks for the run; the others are in the tables.
    let busiest = result.scenarios.iter().max_by_key(|it| main_latency(it).1.count);
    if let Some(scenario) = busiest {
        let (kind, latency) = main_latency(scenario);
        for (name, us) in [("p50", latency.p50), ("p99", latency.p99)] {
            all.push(figure(
                &format!("{name} {kind}"),
                if latency.count > 0 { format::duration(us) } else { "–".to_owned() },
                scenario.name.clone(),
                "none",
            ));
        }
    }
    all
}

fn dropped_note(result: &RunResult) -> String {
    let by = &result.arrivals.dropped_by;
    let parts = [
        (by.late, "late"),
        (by.full, "full"),
        (by.lease, "lease"),
        (by.lost, "lost"),
        (by.stopped, "stopped"),
        (result.arrivals.unaccounted, "unaccounted"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, why)| format!("{} {why}", format::count(*n))).collect();
    if parts.is_empty() { "nothing dropped".to_owned() } else { parts.join(", ") }
}

/// A fifth more at the 99th percentile is worth a sentence.
fn waiting(result: &RunResult) -> Option<String> {
    let gap = |it: &&Scenario| {
        it.response_us.as_ref().map_or(0, |response| response.p99.saturating_sub(it.service_us.p99))
    };
    let widest = result.scenarios.iter().max_by_key(gap)?;
    let response = widest.response_us.as_ref()?;
    (response.p99 > widest.service_us.p99 / 5 * 6 && response.count > 0).then(|| {
        format!(
            "In `{}` they differ: p99 response is {}, p99 service {}; the rest is time that arrivals waited to be sent.",
            widest.name,
            format::duration(response.p99),
            format::duration(widest.service_us.p99)
        )
    })
}
