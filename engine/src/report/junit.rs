//! [pure] `junit.xml`: a suite for each scenario and one for the run; a case for each threshold, for delivery and for
//! the run's end.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::format;
use super::model::{RunResult, Scenario, Threshold};
use super::view::{main_latency, view};
use crate::metrics::threshold::Verdict;

/// Writes the report.
///
/// # Errors
/// The crate cannot serialise it.
pub(super) fn junit(result: &RunResult) -> Result<String, SerializeError> {
    let time = Duration::from_micros(result.run.duration_us);
    let mut report = Report::new(result.run.plan.as_str());
    report.set_time(time);
    let mut run = TestSuite::new(format!("{}: run", result.run.plan));
    run.set_time(time);
    run.add_property(Property::new("run.id", result.run.id.as_str()));
    run.add_property(Property::new("outcome", result.run.outcome.as_str()));
    run.add_property(Property::new("artifact", result.run.inputs.artifact.as_str()));
    run.add_test_case(ending(result));
    run.add_test_case(delivery(result));
    let of_run = result.thresholds.iter().filter(|it| it.scenario.is_none());
    run.add_test_cases(of_run.map(|it| case(&result.run.plan, it)));
    report.add_test_suite(run);
    for scenario in &result.scenarios {
        report.add_test_suite(suite(result, scenario, time));
    }
    report.to_string()
}

fn suite(result: &RunResult, scenario: &Scenario, time: Duration) -> TestSuite {
    let mut suite = TestSuite::new(scenario.name.as_str());
    suite.set_time(time);
    let (kind, latency) = main_latency(scenario);
    let it = &scenario.arrivals;
    let figures = [
        ("planned".to_owned(), it.planned),
        ("started".to_owned(), it.started),
        ("succeeded".to_owned(), it.succeeded),
        ("failed".to_owned(), it.failed),
        ("dropped".to_owned(), it.dropped),
        (format!("{kind}.p50_us"), latency.p50),
        (format!("{kind}.p95_us"), latency.p95),
        (format!("{kind}.p99_us"), latency.p99),
    ];
    suite.add_properties(figures.map(|(name, value)| Property::new(name, value.to_string())));
    let class = format!("{}.{}", result.run.plan, scenario.name);
    let own = result.thresholds.iter().filter(|it| it.scenario.as_ref() == Some(&scenario.name));
    suite.add_test_cases(own.map(|it| case(&class, it)));
    suite
}

fn case(class: &str, threshold: &Threshold) -> TestCase {
    let seen = format::observed(threshold);
    let window = threshold.window.as_ref().map_or_else(String::new, |it| format!(" in each {it}"));
    let require = &threshold.require;
    let status = match threshold.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => {
            failed(NonSuccessKind::Failure, "threshold", &format!("{require}{window}, was {seen}"))
        }
        Verdict::NoData => {
            failed(NonSuccessKind::Error, "no_data", &format!("{require}{window}: no data"))
        }
    };
    let mut case = TestCase::new(threshold.name.as_str(), status);
    case.set_classname(class);
    case
}

fn delivery(result: &RunResult) -> TestCase {
    let short: Vec<&str> = (result.warnings.iter())
        .filter(|warning| warning.code == "not-delivered")
        .map(|warning| warning.message.as_str())
        .collect();
    let status = if short.is_empty() {
        TestCaseStatus::success()
    } else {
        failed(NonSuccessKind::Failure, "delivery", &short.join("; "))
    };
    let mut case = TestCase::new("delivery", status);
    case.set_classname(result.run.plan.as_str());
    case
}

/// What ended the run early is an error of the run, not a missed condition.
fn ending(result: &RunResult) -> TestCase {
    let status = match result.run.outcome.as_str() {
        "passed" | "threshold_missed" | "not_delivered" | "no_data" => TestCaseStatus::success(),
        outcome => failed(NonSuccessKind::Error, outcome, &view(result).sentence),
    };
    let mut case = TestCase::new("completed", status);
    case.set_classname(result.run.plan.as_str());
    case
}

fn failed(kind: NonSuccessKind, of: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of);
    status.set_message(message);
    status
}
