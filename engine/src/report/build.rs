//! (pure) From what the coordinator holds at the end of a run to a result.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use compiler::artifact::{Action, Artifact, Json, Load, Phase, Piece, Quantity};
use compiler::exit::Exit;
use compiler::schedule::{Closed, Open};
use compiler::unit::{Length, SECOND_NS};
use serde_json::Number;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::laws::laws;
use super::model::{
    ErrorGroup, FORMAT, Inputs, Latency, Lateness, Model, Node, Phases, Run, RunResult, Scenario,
    ScenarioSeries, Series, Step, StepKind, Threshold, Unit, Users, WarmUp,
};
use super::warnings::{warning, warnings};
use crate::metrics::threshold::{Judge, Judgement, Verdict};
use crate::metrics::timeline::Sparse;
use crate::metrics::{
    Arrivals, DroppedBy, Ending, Histogram, RunRecord, SecondRow, SeriesKind, Totals, delivery,
    latency,
};

/// Longest series, in seconds: 30 days.
const SERIES_LEN_MAX: usize = 30 * 24 * 3600;

impl RunResult {
    /// Returns the result of a finished run: verdicts and exit code included.
    ///
    /// Node *i* of `totals` is node *i* of `record.nodes`. A result that breaks a law of its own is the outcome
    /// `internal_error`, and says which.
    pub fn build(artifact: &Artifact, record: &RunRecord, totals: &Totals) -> RunResult {
        let judge = Judge::new(Arc::new(artifact.clone()));
        let verdicts = judge.verdicts(totals, record);
        let shortfalls = delivery::shortfalls(artifact, record, totals);
        let mut exits = exits(&record.ending, &verdicts, &shortfalls);
        let mut result = RunResult {
            format: FORMAT,
            run: run(artifact, record),
            nodes: nodes(record, totals),
            arrivals: sum(&record.arrivals),
            scenarios: scenarios(artifact, record, totals),
            thresholds: thresholds(artifact, &verdicts),
            series: series(artifact, record, totals),
            warnings: warnings(artifact, record, totals, shortfalls),
        };
        result.close(Exit::strongest(&exits));
        let broken = laws(&result);
        if !broken.is_empty() {
            exits.push(Exit::Internal);
            result.close(Exit::strongest(&exits));
        }
        result.warnings.extend(broken.into_iter().map(|message| warning("law-broken", message)));
        result
    }

    fn close(&mut self, exit: Exit) {
        self.run.exit_code = exit.code();
        self.run.outcome = exit.outcome().unwrap_or("internal_error").to_owned();
    }
}

fn exits(ending: &Ending, verdicts: &[(String, Judgement)], shortfalls: &[String]) -> Vec<Exit> {
    let mut exits = vec![match ending {
        Ending::Complete => Exit::Passed,
        Ending::Interrupted => Exit::Interrupted,
        Ending::Aborted(_) | Ending::TooManyFailures(_) => Exit::ThresholdMissed,
        Ending::Overloaded(_) => Exit::NotDelivered,
        Ending::ArtifactRefused(_) => Exit::ArtifactRefused,
        Ending::ClusterFailed(_) => Exit::ClusterFailed,
        Ending::Internal(_) => Exit::Internal,
    }];
    exits.extend(verdicts.iter().map(|(_, judgement)| match judgement.verdict {
        Verdict::Pass => Exit::Passed,
        Verdict::Fail => Exit::ThresholdMissed,
        Verdict::NoData => Exit::NoData,
    }));
    if !shortfalls.is_empty() {
        exits.push(Exit::NotDelivered);
    }
    exits
}

fn run(artifact: &Artifact, record: &RunRecord) -> Run {
    let at_ns = i128::from(record.started_at_unix_ms) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(at_ns).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let data = artifact.data.iter().map(|(name, it)| (name.clone(), it.file.digest.clone()));
    Run {
        id: record.run.clone(),
        plan: artifact.plan.clone(),
        started_at: at.format(&Rfc3339).unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned()),
        duration_us: record.duration_us,
        outcome: String::new(),
        exit_code: 0,
        aborted_by: match &record.ending {
            Ending::Aborted(name) => Some(name.clone()),
            Ending::TooManyFailures(scenario) => Some(format!("{scenario}.max_failures")),
            Ending::Overloaded(scenario) => Some(format!("{scenario}.on_overload")),
            Ending::Complete
            | Ending::Interrupted
            | Ending::ArtifactRefused(_)
            | Ending::ClusterFailed(_)
            | Ending::Internal(_) => None,
        },
        versions: record.versions.clone(),
        inputs: Inputs {
            artifact: artifact.digest.clone(),
            seed: record.seed,
            vars: vars(artifact, record),
            data: data.collect(),
        },
    }
}

/// Returns the plan's vars as the run used them: the compiled values, over them those of the command line.
///
/// No secret is among them: a var is a constant of the plan, and secrets are only ever named there.
fn vars(artifact: &Artifact, record: &RunRecord) -> BTreeMap<String, String> {
    let compiled = artifact.vars.iter().map(|(name, var)| {
        let text = match plain(&var.value) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        (name.clone(), text)
    });
    compiled.chain(record.vars.clone()).collect()
}

/// Returns a var's value as JSON; it holds no slots.
fn plain(value: &Json) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Json::Null | Json::Slot(_) => Value::Null,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        Json::Text(text) => {
            let pieces = text.0.iter().filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Slot(_) => None,
            });
            pieces.collect::<String>().into()
        }
        Json::List(items) => items.iter().map(plain).collect(),
        Json::Object(fields) => fields.iter().map(|(key, it)| (key.clone(), plain(it))).collect(),
    }
}

/// Returns the nodes of a run, in order.
pub(super) fn nodes(record: &RunRecord, totals: &Totals) -> Vec<Node> {
    let all = record.nodes.iter().enumerate();
    all.map(|(at, node)| {
        let known = totals.node(at).cloned().unwrap_or_default();
        let lateness = node.lateness.as_ref().or(known.lateness.as_ref());
        let lateness = lateness.filter(|it| !it.is_empty());
        Node {
            name: node.name.clone(),
            seats: node.seats.clone(),
            labels: node.labels.clone(),
            joined_us: node.joined_us,
            lost_us: node.lost_us,
            start_error_us: node.start_error_us,
            clock_offset_us: node.clock_offset_us,
            cpu_percent_max: node.cpu_percent_max.max(known.cpu_percent_max),
            rss_bytes_max: node.rss_bytes_max.max(known.rss_bytes_max),
            lateness_us: lateness.map_or_else(Lateness::default, late_by),
            timer_lag_us: node.lag.as_ref().or(known.lag.as_ref()).map(late_by),
            descriptors_max: Some(node.descriptors_max.max(known.descriptors_max))
                .filter(|most| *most > 0),
        }
    })
    .collect()
}

fn late_by(late: &Histogram) -> Lateness {
    Lateness {
        p50: late.value_at_quantile(0.5),
        p99: late.value_at_quantile(0.99),
        max: late.max(),
    }
}

/// Returns the sum of all scenarios' arrivals.
fn sum(all: &[Arrivals]) -> Arrivals {
    all.iter().fold(Arrivals::default(), |sum, it| Arrivals {
        planned: sum.planned + it.planned,
        started: sum.started + it.started,
        succeeded: sum.succeeded + it.succeeded,
        failed: sum.failed + it.failed,
        unfinished: sum.unfinished + it.unfinished,
        unaccounted: sum.unaccounted + it.unaccounted,
        redistributed: sum.redistributed + it.redistributed,
        dropped: sum.dropped + it.dropped,
        dropped_by: DroppedBy {
            late: sum.dropped_by.late + it.dropped_by.late,
            full: sum.dropped_by.full + it.dropped_by.full,
            lease: sum.dropped_by.lease + it.dropped_by.lease,
            lost: sum.dropped_by.lost + it.dropped_by.lost,
            stopped: sum.dropped_by.stopped + it.dropped_by.stopped,
        },
    })
}

fn scenarios(artifact: &Artifact, record: &RunRecord, totals: &Totals) -> Vec<Scenario> {
    let known = artifact.scenarios.iter().zip(totals.scenarios()).enumerate();
    known
        .map(|(at, ((name, scenario), counted))| {
            let summary = |kind| summary(&totals.histogram(at, None, kind));
            let (model, planned_us) = match &scenario.load {
                Load::Open(_) => (Model::Open, 0),
                Load::Closed(load) => (Model::Closed, Closed::new(load).planned_us()),
                Load::Observe { .. } => (Model::Closed, 0),
            };
            let if_open = |kind| (model == Model::Open).then(|| summary(kind));
            Scenario {
                name: name.clone(),
                model,
                arrivals: record.arrivals.get(at).copied().unwrap_or_default(),
                users: Users {
                    planned_us,
                    active_us: counted.active_us,
                    lost_us: record.users_lost_us.get(at).copied().unwrap_or(0),
                },
                response_us: if_open(SeriesKind::Response),
                service_us: summary(SeriesKind::Service),
                warm_up: WarmUp {
                    arrivals: counted.warm_up,
                    response_us: if_open(SeriesKind::WarmUpResponse),
                    service_us: summary(SeriesKind::WarmUpService),
                },
                steps: steps(at, scenario, totals),
                correlations: Vec::new(),
            }
        })
        .collect()
}

fn phases(scenario: usize, step: usize, totals: &Totals) -> Phases {
    let of = |phase| summary(&totals.histogram(scenario, Some(step), SeriesKind::Phase(phase)));
    Phases {
        dns: of(Phase::Dns),
        connect: of(Phase::Connect),
        tls: of(Phase::Tls),
        first_byte: of(Phase::FirstByte),
        body: of(Phase::Body),
    }
}

fn steps(at: usize, scenario: &compiler::artifact::Scenario, totals: &Totals) -> Vec<Step> {
    let Some(counted) = totals.scenarios().get(at) else { return Vec::new() };
    let critical_us: u64 = counted.steps.iter().map(|row| row.critical_us).sum();
    let known = scenario.steps.iter().zip(&counted.steps).enumerate();
    known
        .filter_map(|(place, (step, row))| {
            let kind = match step.action {
                Action::Wait(_) => StepKind::Wait,
                Action::Http(_) => StepKind::Http,
                // Refused before a run: `user::unbuilt`.
                _ => return None,
            };
            let service = totals.histogram(at, Some(place), SeriesKind::Service);
            let errors = counted.errors.iter().filter(|((step, _), _)| *step == place);
            let mut errors: Vec<ErrorGroup> = errors
                .map(|((_, kind), total)| ErrorGroup {
                    kind: *kind,
                    count: total.count,
                    sample: total.sample.clone(),
                })
                .collect();
            errors.sort_by_key(|group| (std::cmp::Reverse(group.count), group.kind));
            Some(Step {
                name: step.name.clone(),
                kind,
                ok: row.ok,
                failed: row.failed,
                skipped: row.skipped,
                attempts: row.attempts,
                redirects: row.redirects,
                status: row.status.clone(),
                errors,
                service_us: (kind == StepKind::Http).then(|| summary(&service)),
                phases_us: (kind == StepKind::Http).then(|| phases(at, place, totals)),
                bytes_sent: row.bytes_sent,
                bytes_received: row.bytes_received,
                critical_path_share: fraction(row.critical_us, critical_us),
            })
        })
        .collect()
}

/// Returns `part` of `whole` to four decimals; 0 of nothing.
fn fraction(part: u64, whole: u64) -> f64 {
    let whole = u128::from(whole);
    let ten_thousandths = (u128::from(part) * 10_000 + whole / 2).checked_div(whole).unwrap_or(0);
    f64::from(u32::try_from(ten_thousandths).unwrap_or(u32::MAX)) / 10_000.0
}

/// Returns a histogram as a result holds it.
pub(super) fn summary(histogram: &Histogram) -> Latency {
    let count = histogram.len();
    let at = |quantile| if count == 0 { 0 } else { histogram.value_at_quantile(quantile) };
    let mut values = Sparse::default();
    values.add(histogram);
    Latency {
        count,
        min: histogram.min().min(histogram.max()),
        mean: values.aggregate(compiler::artifact::Aggregate::Mean).unwrap_or(0),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
        histogram: STANDARD.encode(latency::encode(histogram)),
    }
}

/// Reads a result's histogram back; `None` if it is none.
pub(super) fn histogram_of(latency: &Latency) -> Option<Histogram> {
    latency::decode(&STANDARD.decode(&latency.histogram).ok()?).ok()
}

fn thresholds(artifact: &Artifact, verdicts: &[(String, Judgement)]) -> Vec<Threshold> {
    let known = artifact.thresholds.values().zip(verdicts);
    known
        .map(|(it, (name, judgement))| {
            let (unit, observed) = match it.quantity {
                Quantity::Us => (Unit::Us, judgement.observed.map(|it| it.whole().into())),
                Quantity::Count => (Unit::Count, judgement.observed.map(|it| it.whole().into())),
                Quantity::Share | Quantity::PerSecond | Quantity::Number => {
                    let unit = match it.quantity {
                        Quantity::Share => Unit::Share,
                        Quantity::Number => Unit::Count,
                        Quantity::PerSecond | Quantity::Us | Quantity::Count => Unit::PerSecond,
                    };
                    let value = judgement.observed.map(|it| it.in_units_of(1_000_000));
                    (unit, value.and_then(Number::from_f64))
                }
            };
            Threshold {
                name: name.clone(),
                require: it.require.clone(),
                scenario: it.select.scenario.clone(),
                step: it.select.step.clone(),
                group: it.select.group.clone(),
                split: it.select.split.clone(),
                window: (it.window_ns > 0).then(|| Length(it.window_ns).to_string()),
                observed,
                unit,
                verdict: judgement.verdict,
            }
        })
        .collect()
}

fn series(artifact: &Artifact, record: &RunRecord, totals: &Totals) -> Series {
    let seconds = record.duration_us.div_ceil(1_000_000).max(totals.seconds_len());
    let len = usize::try_from(seconds).unwrap_or(usize::MAX).min(SERIES_LEN_MAX);
    let known = artifact.scenarios.iter().zip(totals.scenarios()).enumerate();
    let scenarios = known.map(|(at, ((name, scenario), counted))| {
        let mut series = ScenarioSeries::default();
        for second in 0..u32::try_from(len).unwrap_or(u32::MAX) {
            let row = counted.seconds.get(&second).copied().unwrap_or_default();
            let undecided = record.undecided.get(at).and_then(|by| by.get(second as usize));
            push_row(&mut series, &row, undecided.copied().unwrap_or(0));
            let point = totals.second(at, u64::from(second));
            let value = |place: usize| point.values.get(place).copied().flatten();
            series.p50.push(value(0));
            series.p95.push(value(1));
            series.p99.push(value(2));
        }
        series.planned = match &scenario.load {
            Load::Open(load) => {
                let open = Open::of(artifact.seed, name, load);
                planned_per_second(&open, totals.start_ns(at), seconds)
            }
            Load::Closed(_) | Load::Observe { .. } => series.started.clone(),
        };
        series.planned.resize(len, 0);
        (name.clone(), series)
    });
    Series { interval_us: 1_000_000, scenarios: scenarios.collect::<BTreeMap<_, _>>() }
}

fn push_row(series: &mut ScenarioSeries, row: &SecondRow, undecided: u64) {
    series.started.push(row.started);
    series.succeeded.push(row.succeeded);
    series.failed.push(row.failed);
    series.dropped.push(row.dropped + undecided);
    series.in_flight.push(row.in_flight);
}

/// Returns how many arrivals are due in each second of the run.
fn planned_per_second(load: &Open, start_ns: u64, seconds: u64) -> Vec<u64> {
    let before = |second: u64| match (second * SECOND_NS).checked_sub(start_ns) {
        Some(on_own_clock_ns) => load.first_due_at_or_after(on_own_clock_ns),
        None => 0,
    };
    let edges: Vec<u64> = (0..=seconds).map(before).collect();
    edges.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}
