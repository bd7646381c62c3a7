//! (pure) The laws that every result keeps, whatever happened in its run.

use super::build::{histogram_of, summary};
use super::model::{Latency, Model, RunResult, Scenario};
use crate::metrics::Arrivals;

/// Returns which laws a result breaks, one sentence each; empty when it keeps all.
pub fn laws(result: &RunResult) -> Vec<String> {
    let mut broken = Vec::new();
    arrivals(&mut broken, "run", &result.arrivals);
    for scenario in &result.scenarios {
        of_scenario(&mut broken, scenario);
    }
    sums(&mut broken, result);
    series(&mut broken, result);
    broken
}

fn arrivals(broken: &mut Vec<String>, of: &str, it: &Arrivals) {
    let by = &it.dropped_by;
    equal(
        broken,
        of,
        "planned",
        it.planned,
        "started + dropped + unaccounted",
        &[it.started, it.dropped, it.unaccounted],
    );
    equal(
        broken,
        of,
        "dropped",
        it.dropped,
        "the sum of dropped_by",
        &[by.late, by.full, by.lease, by.lost, by.stopped],
    );
    equal(
        broken,
        of,
        "started",
        it.started,
        "succeeded + failed + unfinished",
        &[it.succeeded, it.failed, it.unfinished],
    );
    if it.redistributed > it.started {
        broken.push(format!(
            "{of}: redistributed {} is more than started {}",
            it.redistributed, it.started
        ));
    }
}

fn of_scenario(broken: &mut Vec<String>, it: &Scenario) {
    let of = format!("scenario `{}`", it.name);
    arrivals(broken, &of, &it.arrivals);
    let ended = it.arrivals.succeeded + it.arrivals.failed;
    let warm = it.warm_up.service_us.count;
    equal(
        broken,
        &of,
        "succeeded + failed",
        ended,
        "service times with those of the warm-up",
        &[it.service_us.count, warm],
    );
    latency(broken, &format!("{of}, service_us"), &it.service_us);
    latency(broken, &format!("{of}, warm_up.service_us"), &it.warm_up.service_us);
    let responses = [
        ("response_us", &it.response_us, it.service_us.count),
        ("warm_up.response_us", &it.warm_up.response_us, warm),
    ];
    for (name, response, services) in responses {
        match (it.model, response) {
            (Model::Open, Some(response)) => {
                latency(broken, &format!("{of}, {name}"), response);
                equal(broken, &of, name, response.count, "as many as service times", &[services]);
            }
            (Model::Closed, None) => {}
            (Model::Open, None) => broken.push(format!("{of}: an open scenario has no {name}")),
            (Model::Closed, Some(_)) => broken.push(format!("{of}: a closed scenario has {name}")),
        }
    }
    if let Some(response) = &it.response_us {
        let pairs = [
            (response.p50, it.service_us.p50),
            (response.p99, it.service_us.p99),
            (response.max, it.service_us.max),
        ];
        if pairs.iter().any(|(response, service)| response < service) {
            broken.push(format!(
                "{of}: response times are shorter than service times, as if sent before due"
            ));
        }
    }
    steps(broken, &of, it);
}

fn steps(broken: &mut Vec<String>, of: &str, it: &Scenario) {
    let shares: f64 = it.steps.iter().map(|step| step.critical_path_share).sum();
    // Each share is rounded to four decimals.
    let off = f64::from(u32::try_from(it.steps.len()).unwrap_or(u32::MAX)) * 0.000_05 + 1e-9;
    if shares > 0.0 && (shares - 1.0).abs() > off {
        broken.push(format!("{of}: critical_path_share is {shares} over all steps, not 1"));
    }
    for step in &it.steps {
        let of = format!("{of}, step `{}`", step.name);
        let errors: u64 = step.errors.iter().map(|group| group.count).sum();
        equal(broken, &of, "failed", step.failed, "the sum of its errors", &[errors]);
        if let Some(service) = &step.service_us {
            latency(broken, &of, service);
            if service.count > step.ok + step.failed {
                broken.push(format!(
                    "{of}: {} service times of {} runs",
                    service.count,
                    step.ok + step.failed
                ));
            }
        }
        if step.attempts + step.redirects < step.status.values().sum() {
            broken.push(format!("{of}: more answers than requests"));
        }
        if !(0.0..=1.0).contains(&step.critical_path_share) {
            broken.push(format!(
                "{of}: critical_path_share {} is no share",
                step.critical_path_share
            ));
        }
    }
}

/// A summary is what its histogram says, and its numbers are in order.
fn latency(broken: &mut Vec<String>, of: &str, it: &Latency) {
    let Some(histogram) = histogram_of(it) else {
        broken.push(format!("{of}: the histogram does not decode"));
        return;
    };
    if summary(&histogram) != *it {
        broken.push(format!("{of}: the summary is not what its histogram says"));
    }
    let order = [it.min, it.p50, it.p90, it.p95, it.p99, it.p999, it.max];
    if !order.is_sorted() {
        broken.push(format!("{of}: percentiles fall: {order:?}"));
    }
}

fn sums(broken: &mut Vec<String>, result: &RunResult) {
    type Field = (&'static str, fn(&Arrivals) -> u64);
    let fields: [Field; 8] = [
        ("planned", |it| it.planned),
        ("started", |it| it.started),
        ("succeeded", |it| it.succeeded),
        ("failed", |it| it.failed),
        ("unfinished", |it| it.unfinished),
        ("unaccounted", |it| it.unaccounted),
        ("redistributed", |it| it.redistributed),
        ("dropped", |it| it.dropped),
    ];
    for (name, field) in fields {
        let parts: Vec<u64> = result.scenarios.iter().map(|it| field(&it.arrivals)).collect();
        equal(broken, "run", name, field(&result.arrivals), "the sum of its scenarios", &parts);
    }
}

/// Returns whether every node reported to its end: only then are the seconds as complete as the ledger.
fn is_whole(result: &RunResult) -> bool {
    let cut = ["cluster_failed", "artifact_refused", "internal_error"];
    !cut.contains(&result.run.outcome.as_str())
        && result.nodes.iter().all(|node| node.lost_us.is_none())
}

fn series(broken: &mut Vec<String>, result: &RunResult) {
    let mut lengths = Vec::new();
    for (name, it) in &result.series.scenarios {
        let counts =
            [&it.planned, &it.started, &it.succeeded, &it.failed, &it.dropped, &it.in_flight];
        lengths.extend(counts.iter().map(|list| list.len()));
        lengths.extend([it.p50.len(), it.p95.len(), it.p99.len()]);
        let Some(scenario) = result.scenarios.iter().find(|it| it.name == *name) else {
            broken.push(format!("series of `{name}`, which is no scenario"));
            continue;
        };
        if is_whole(result) {
            let of = format!("series of `{name}`");
            let all = &scenario.arrivals;
            equal(
                broken,
                &of,
                "what was started in all",
                all.started,
                "the sum by second",
                &it.started,
            );
            equal(
                broken,
                &of,
                "what succeeded in all",
                all.succeeded,
                "the sum by second",
                &it.succeeded,
            );
            equal(broken, &of, "what failed in all", all.failed, "the sum by second", &it.failed);
            // What was not sent is in the second in which it was due, so that every planned arrival is somewhere.
            let dropped = it.dropped.iter().sum::<u64>();
            let accounted = match scenario.model {
                Model::Open => it.planned.iter().sum::<u64>().saturating_sub(all.started),
                Model::Closed => all.dropped_by.late + all.dropped_by.full,
            };
            if dropped != accounted {
                broken.push(format!("{of}: {dropped} dropped by second, not {accounted}"));
            }
        }
        let (planned, in_all) = (it.planned.iter().sum::<u64>(), scenario.arrivals.planned);
        if planned > in_all {
            broken
                .push(format!("series of `{name}`: {planned} planned by second, {in_all} in all"));
        }
    }
    if lengths.iter().any(|length| Some(length) != lengths.first()) {
        broken.push("lists of the series differ in length".to_owned());
    }
    if result.series.scenarios.len() != result.scenarios.len() {
        broken.push("a scenario has no series".to_owned());
    }
}

fn equal(broken: &mut Vec<String>, of: &str, name: &str, whole: u64, what: &str, parts: &[u64]) {
    let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
    if u128::from(whole) != sum {
        broken.push(format!("{of}: {name} is {whole}, not {what} ({sum})"));
    }
}
