//! Verdicts on small hand-made runs of the sample's plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::artifact::{
    Aggregate, Artifact, Bound, Counter, LateStart, Metric, Moment, NoData, Quantity, Selector,
    StartAfter, Threshold,
};
use compiler::unit::Share;

use super::{Judge, Judgement, Verdict};
use crate::metrics::{LedgerRow, RunRecord, SecondRow, StepRow, Totals, Window, delivery, latency};
use crate::report::sample;

/// Second by second of `checkout`: started, failed, dropped; every transaction takes `us`.
struct Second {
    started: u64,
    failed: u64,
    dropped: u64,
    us: u64,
}

const CALM: Second = Second { started: 100, failed: 0, dropped: 0, us: 20_000 };

/// Returns the sample's plan with one threshold, and no warm-up.
fn plan(threshold: Threshold) -> Artifact {
    let mut artifact = sample::artifact();
    artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 0;
    artifact.thresholds = BTreeMap::from([("it".to_owned(), threshold)]);
    artifact
}

fn totals(artifact: &Artifact, seconds: &[Second]) -> Totals {
    let mut totals = Totals::new(artifact);
    let warm_up_ns = artifact.scenarios["checkout"].warm_up_ns;
    for (at, it) in (0u64..).zip(seconds) {
        let warm = |n: u64| if at * 1_000_000_000 < warm_up_ns { n } else { 0 };
        let mut histogram = latency::new_histogram();
        histogram.record_n(it.us, u32::try_from(it.started).unwrap()).unwrap();
        let (succeeded, scenario) = (it.started - it.failed, 1);
        let response = crate::metrics::series(artifact)
            .iter()
            .position(|it| it.scenario == 1 && it.step.is_none())
            .unwrap();
        totals.apply(
            0,
            &Window {
                from_ms: at * 1000,
                to_ms: at * 1000 + 1000,
                ledger: vec![LedgerRow {
                    scenario,
                    started: it.started,
                    succeeded,
                    failed: it.failed,
                    dropped_full: it.dropped,
                    warm_up: warm(it.started),
                    warm_up_succeeded: warm(succeeded),
                    warm_up_failed: warm(it.failed),
                    warm_up_dropped: warm(it.dropped),
                    ..LedgerRow::default()
                }],
                steps: vec![StepRow {
                    scenario,
                    step: 2,
                    ok: succeeded,
                    failed: it.failed,
                    warm_up_ok: warm(succeeded),
                    warm_up_failed: warm(it.failed),
                    ..StepRow::default()
                }],
                seconds: vec![SecondRow {
                    second: u32::try_from(at).unwrap(),
                    scenario,
                    started: it.started,
                    succeeded,
                    failed: it.failed,
                    dropped: it.dropped,
                    in_flight: 0,
                }],
                histograms: BTreeMap::from([(u32::try_from(response).unwrap(), histogram)]),
                ..Window::default()
            },
        );
    }
    totals
}

fn record(artifact: &Artifact, totals: &Totals, seconds: usize) -> RunRecord {
    let mut record = sample::record(artifact, totals);
    record.duration_us = u64::try_from(seconds).unwrap() * 1_000_000;
    record
}

fn judged(threshold: Threshold, seconds: &[Second]) -> Judgement {
    let artifact = plan(threshold);
    let totals = totals(&artifact, seconds);
    let record = record(&artifact, &totals, seconds.len());
    Judge::new(Arc::new(artifact)).verdicts(&totals, &record)[0].1
}

fn verdict(threshold: Threshold, seconds: &[Second]) -> Verdict {
    judged(threshold, seconds).verdict
}

fn failed_share(limit: u64) -> Threshold {
    sample::threshold(
        "share(failed) < …",
        Metric::Share(Counter::Failed),
        Bound::Less,
        limit,
        Quantity::Share,
    )
}

fn p99(limit_us: u64) -> Threshold {
    sample::threshold(
        "p99(response) < …",
        Metric::Response(Aggregate::Percentile(99_000)),
        Bound::Less,
        limit_us,
        Quantity::Us,
    )
}

fn failing(failed: u64) -> Second {
    Second { failed, ..CALM }
}

fn slow(us: u64) -> Second {
    Second { us, ..CALM }
}

#[test]
fn shares_are_compared_without_rounding() {
    // One of a hundred is not below one percent; one of a hundred and one is.
    assert_eq!(verdict(failed_share(10_000), &[failing(1)]), Verdict::Fail);
    assert_eq!(
        verdict(failed_share(10_000), &[Second { started: 101, ..failing(1) }]),
        Verdict::Pass
    );
    let at_most = Threshold { bound: Bound::AtMost, ..failed_share(10_000) };
    assert_eq!(verdict(at_most.clone(), &[failing(1)]), Verdict::Pass);
    // 10 000.0001 millionths.
    assert_eq!(
        verdict(at_most, &[Second { started: 99_999_999, ..failing(1_000_000) }]),
        Verdict::Fail
    );
}

#[test]
fn counters_that_never_fired_read_zero_and_shares_of_nothing_are_no_data() {
    let count = |bound| {
        sample::threshold(
            "count(failed)",
            Metric::Count(Counter::Failed),
            bound,
            0,
            Quantity::Count,
        )
    };
    assert_eq!(verdict(count(Bound::Equal), &[]), Verdict::Pass);
    assert_eq!(verdict(count(Bound::Greater), &[]), Verdict::Fail);
    assert_eq!(verdict(failed_share(10_000), &[]), Verdict::NoData);
    assert_eq!(verdict(p99(1_000), &[]), Verdict::NoData);
    let lenient = Threshold { on_no_data: NoData::Pass, ..p99(1_000) };
    assert_eq!(verdict(lenient, &[]), Verdict::Pass);
}

#[test]
fn too_few_samples_are_no_data() {
    let picky = |min_samples| Threshold { min_samples, ..p99(30_000) };
    assert_eq!(verdict(picky(100), &[CALM]), Verdict::Pass);
    assert_eq!(verdict(picky(101), &[CALM]), Verdict::NoData);
}

#[test]
fn one_bad_window_fails_although_the_whole_run_passes() {
    let seconds =
        || (0..30).map(|at| if at == 14 { failing(50) } else { CALM }).collect::<Vec<_>>();
    let windowed = Threshold { window_ns: 10_000_000_000, ..failed_share(40_000) };
    assert_eq!(verdict(failed_share(40_000), &seconds()), Verdict::Pass);
    let judgement = judged(windowed.clone(), &seconds());
    assert_eq!((judgement.verdict, judgement.observed.unwrap().whole()), (Verdict::Fail, 50_000));
    let graceful = Threshold { grace_ns: 20_000_000_000, ..windowed };
    assert_eq!(verdict(graceful, &seconds()), Verdict::Pass);
    let seconds: Vec<Second> =
        (0..30).map(|at| if at == 14 { slow(900_000) } else { CALM }).collect();
    let windowed = Threshold { window_ns: 10_000_000_000, ..p99(800_000) };
    let judgement = judged(windowed, &seconds);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.observed.unwrap().whole() >= 900_000);
}

#[test]
fn steps_are_judged_alone_and_together_also_in_windows() {
    let of = |step: &str, window_ns| Threshold {
        select: Selector {
            scenario: Some("checkout".to_owned()),
            step: Some(step.to_owned()),
            group: None,
            split: None,
        },
        window_ns,
        ..failed_share(10_000)
    };
    for window_ns in [0, 5_000_000_000] {
        assert_eq!(
            verdict(of("order", window_ns), &[failing(5), CALM]),
            Verdict::Fail,
            "{window_ns}"
        );
        assert_eq!(verdict(of("*", window_ns), &[failing(5), CALM]), Verdict::Fail, "{window_ns}");
        assert_eq!(
            verdict(of("login", window_ns), &[failing(5), CALM]),
            Verdict::NoData,
            "{window_ns}"
        );
    }
}

#[test]
fn a_rate_is_per_second_of_the_load() {
    let rate = |bound, value| {
        sample::threshold(
            "rate(started)",
            Metric::Rate(Counter::Started),
            bound,
            value,
            Quantity::PerSecond,
        )
    };
    let seconds = || {
        (0..42)
            .map(|at| if at < 40 { CALM } else { Second { started: 0, ..CALM } })
            .collect::<Vec<_>>()
    };
    assert_eq!(verdict(rate(Bound::AtLeast, 100_000_000), &seconds()), Verdict::Pass);
    assert_eq!(verdict(rate(Bound::Greater, 100_000_000), &seconds()), Verdict::Fail);
    let windowed = Threshold { window_ns: 10_000_000_000, ..rate(Bound::AtLeast, 100_000_000) };
    assert_eq!(verdict(windowed, &seconds()), Verdict::Pass);
}

#[test]
fn aborting_thresholds_are_judged_during_the_run_once_their_windows_are_complete() {
    let missed = |threshold: Threshold, seconds: &[Second], until: u64| {
        let artifact = plan(Threshold { abort: true, ..threshold });
        let totals = totals(&artifact, seconds);
        Judge::new(Arc::new(artifact)).missed_abort(&totals, until)
    };
    let bad: Vec<Second> = (0..10).map(|_| failing(50)).collect();
    let windowed = Threshold { window_ns: 10_000_000_000, ..failed_share(10_000) };
    assert_eq!(missed(windowed.clone(), &bad, 9), None);
    assert_eq!(missed(windowed, &bad, 10), Some("it".to_owned()));
    let graceful = Threshold { grace_ns: 5_000_000_000, ..failed_share(10_000) };
    assert_eq!(missed(graceful.clone(), &bad, 5), None);
    assert_eq!(missed(graceful, &bad, 6), Some("it".to_owned()));
    let count = |bound, value| {
        sample::threshold("count", Metric::Count(Counter::Failed), bound, value, Quantity::Count)
    };
    assert_eq!(missed(count(Bound::Greater, 10_000), &bad, 10), None, "it may still come");
    assert_eq!(missed(count(Bound::Equal, 10_000), &bad, 10), None, "it may still come");
    assert_eq!(missed(count(Bound::Equal, 499), &bad, 10), Some("it".to_owned()));
    let calm = plan(failed_share(0));
    let totals = totals(&calm, &bad);
    assert_eq!(Judge::new(Arc::new(calm)).missed_abort(&totals, 10), None, "it does not say abort");
}

#[test]
fn warm_up_is_not_judged() {
    let mut artifact = plan(failed_share(10_000));
    artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 2_000_000_000;
    let seconds = [failing(90), failing(90), CALM, CALM];
    let totals = totals(&artifact, &seconds);
    let record = record(&artifact, &totals, 4);
    let judgement = Judge::new(Arc::new(artifact)).verdicts(&totals, &record)[0].1;
    assert_eq!(judgement.verdict, Verdict::Pass);
}

/// Returns the share of failures that a threshold on every step sees of these seconds, the first two warm-up.
fn steps_failed(window_ns: u64, seconds: &[Second]) -> Option<super::Observed> {
    let mut threshold = failed_share(10_000);
    threshold.select.step = Some("*".to_owned());
    threshold.window_ns = window_ns;
    let mut artifact = plan(threshold);
    artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 2_000_000_000;
    let totals = totals(&artifact, seconds);
    let record = record(&artifact, &totals, seconds.len());
    Judge::new(Arc::new(artifact)).verdicts(&totals, &record)[0].1.observed
}

#[test]
fn warm_up_is_not_judged_at_steps_either() {
    let seconds = [failing(90), failing(90), CALM, CALM];
    for window_ns in [0, 1_000_000_000] {
        let seen = steps_failed(window_ns, &seconds).unwrap();
        assert_eq!(seen.amount, 0, "{window_ns}");
    }
}

#[test]
fn what_is_left_of_the_warm_up_after_its_end_is_not_judged() {
    let mut artifact = plan(failed_share(10_000));
    artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 2_000_000_000;
    let mut totals = totals(&artifact, &[CALM, CALM, CALM]);
    // Started in the warm-up, failed in the third second.
    let row = LedgerRow { scenario: 1, failed: 50, warm_up_failed: 50, ..LedgerRow::default() };
    let second = SecondRow { second: 2, scenario: 1, failed: 50, ..SecondRow::default() };
    let late = Window { ledger: vec![row], seconds: vec![second], ..Window::default() };
    totals.apply(0, &late);
    let judge = Judge::new(Arc::new(artifact.clone()));
    let record = record(&artifact, &totals, 3);
    assert_eq!(judge.verdicts(&totals, &record)[0].1.verdict, Verdict::Pass);
}

#[test]
fn what_is_left_of_the_warm_up_enters_no_window() {
    let judge_with = |late: Window, metric, limit, quantity| {
        let threshold = sample::threshold("…", metric, Bound::AtMost, limit, quantity);
        let mut artifact = plan(Threshold { window_ns: 1_000_000_000, ..threshold });
        artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 2_000_000_000;
        let mut totals = totals(&artifact, &[CALM, CALM, CALM, CALM]);
        totals.apply(0, &late);
        let judge = Judge::new(Arc::new(artifact.clone()));
        let record = record(&artifact, &totals, 4);
        judge.verdicts(&totals, &record)[0].1
    };
    // Started in the warm-up; 50 failed in the third second, 20 of the load in the fourth.
    let late = || {
        let row = LedgerRow { scenario: 1, failed: 70, warm_up_failed: 50, ..LedgerRow::default() };
        let second =
            |second, failed| SecondRow { second, scenario: 1, failed, ..SecondRow::default() };
        let (from_ms, to_ms) = (2_000, 4_000);
        let seconds = vec![second(2, 50), second(3, 20)];
        Window { from_ms, to_ms, ledger: vec![row], seconds, ..Window::default() }
    };
    let failed = |limit| judge_with(late(), Metric::Count(Counter::Failed), limit, Quantity::Count);
    assert_eq!(failed(20).verdict, Verdict::Pass);
    assert_eq!(failed(19).verdict, Verdict::Fail);
    // Sent late, after the warm-up in which it was due: no start of the third second.
    let row = LedgerRow { scenario: 1, started: 30, warm_up: 30, ..LedgerRow::default() };
    let second = SecondRow { second: 2, scenario: 1, started: 30, ..SecondRow::default() };
    let late = Window {
        from_ms: 2_000,
        to_ms: 3_000,
        ledger: vec![row],
        seconds: vec![second],
        ..Window::default()
    };
    let rate = judge_with(late, Metric::Rate(Counter::Started), 100_000_000, Quantity::PerSecond);
    assert_eq!(rate.verdict, Verdict::Pass);
}

#[test]
fn delivery_judges_each_scenario_lateness_and_spread_and_ignores_what_was_stopped() {
    let mut artifact = plan(p99(1));
    let seconds: Vec<Second> = (0..10).map(|_| Second { dropped: 1, ..CALM }).collect();
    let totals = totals(&artifact, &seconds);
    let mut record = record(&artifact, &totals, 10);
    artifact.delivery.min = Share(990_000);
    artifact.delivery.max_start_spread_us = None;
    artifact.delivery.max_lateness_p99_us = None;
    // 1000 of 1010 were sent, some 6000 more were stopped.
    assert!(record.arrivals[1].dropped_by.stopped > 1_000);
    assert_eq!(delivery::shortfalls(&artifact, &record, &totals), Vec::<String>::new());
    artifact.delivery.min = Share(999_000);
    let reasons = delivery::shortfalls(&artifact, &record, &totals);
    assert_eq!(
        reasons,
        [
            "`checkout` sent 1000 of 1010 planned arrivals (99.0099%), the plan requires 99.9%: 10 above max_in_flight"
        ]
    );
    artifact.delivery.min = Share(0);
    artifact.delivery.max_start_spread_us = Some(2_000);
    assert_eq!(
        delivery::shortfalls(&artifact, &record, &totals),
        ["the nodes started 2460 µs apart, the plan allows 2000 µs"]
    );
    artifact.delivery.max_start_spread_us = None;
    artifact.delivery.max_lateness_p99_us = Some(20_000);
    let mut late = latency::new_histogram();
    latency::record(&mut late, 30_000);
    record.nodes[2].lateness = Some(late);
    assert_eq!(delivery::shortfalls(&artifact, &record, &totals).len(), 1);
    record.load_started = false;
    assert_eq!(delivery::shortfalls(&artifact, &record, &totals), Vec::<String>::new());
}

fn counted(metric: Metric, value: u64, quantity: Quantity) -> Threshold {
    sample::threshold("counted", metric, Bound::AtMost, value, quantity)
}

/// A hundred arrivals a second for four seconds, of which the first is warm-up; ten each second were cut, half of its
/// steps skipped.
#[test]
fn what_was_cut_lost_or_skipped_is_judged_without_the_warm_up() {
    let judged = |threshold: Threshold, value_met: u64| {
        let mut artifact = plan(threshold);
        artifact.scenarios.get_mut("checkout").unwrap().warm_up_ns = 1_000_000_000;
        let mut totals = Totals::new(&artifact);
        for second in 0..4_u64 {
            let warm = |n: u64| if second == 0 { n } else { 0 };
            let row = LedgerRow {
                scenario: 1,
                started: 100,
                succeeded: 90,
                warm_up: warm(100),
                warm_up_succeeded: warm(90),
                ..LedgerRow::default()
            };
            let step = StepRow {
                scenario: 1,
                step: 2,
                ok: 50,
                skipped: 50,
                warm_up_ok: warm(50),
                warm_up_skipped: warm(50),
                ..StepRow::default()
            };
            let (from_ms, to_ms) = (second * 1_000, second * 1_000 + 1_000);
            let (ledger, steps) = (vec![row], vec![step]);
            totals.apply(0, &Window { from_ms, to_ms, ledger, steps, ..Window::default() });
        }
        let mut record = record(&artifact, &totals, 4);
        record.arrivals[1].unfinished = 40;
        record.arrivals[1].unaccounted = 7;
        let judge = Judge::new(Arc::new(artifact));
        let observed = judge.verdicts(&totals, &record)[0].1.observed.unwrap();
        assert_eq!(observed.whole(), value_met);
    };
    let mut all = [
        (Metric::Count(Counter::Unfinished), Quantity::Count, 30),
        (Metric::Share(Counter::Unfinished), Quantity::Share, 100_000),
        (Metric::Count(Counter::Unaccounted), Quantity::Count, 7),
        (Metric::Count(Counter::Skipped), Quantity::Count, 150),
        (Metric::Share(Counter::Skipped), Quantity::Share, 500_000),
    ]
    .map(|(metric, quantity, seen)| (counted(metric, 1, quantity), seen))
    .to_vec();
    let mut one_step = counted(Metric::Count(Counter::Skipped), 1, Quantity::Count);
    one_step.select.step = Some("*".to_owned());
    let window_ns = 2_000_000_000;
    // Two seconds a window, the first one is grace: it holds the warm-up.
    let windowed = Threshold { window_ns, grace_ns: window_ns, ..all[3].0.clone() };
    let share = Threshold { window_ns, grace_ns: window_ns, ..all[4].0.clone() };
    all.extend([(one_step, 150), (windowed, 100), (share, 500_000)]);
    for (mut threshold, seen) in all {
        threshold.select.scenario = Some("checkout".to_owned());
        judged(threshold, seen);
    }
}

#[test]
fn what_only_the_end_knows_aborts_nothing() {
    let threshold = counted(Metric::Count(Counter::Unfinished), 0, Quantity::Count);
    let artifact = plan(Threshold { abort: true, ..threshold });
    let totals = totals(&artifact, &[CALM, CALM]);
    assert_eq!(Judge::new(Arc::new(artifact)).missed_abort(&totals, 2), None);
}

#[test]
fn grace_and_windows_of_a_late_scenario_count_from_its_real_start() {
    for window_ns in [0, 5_000_000_000] {
        let graceful =
            Threshold { abort: true, grace_ns: 5_000_000_000, window_ns, ..failed_share(10_000) };
        let mut artifact = plan(graceful);
        let after =
            StartAfter { scenario: "browse".to_owned(), state: Moment::Finished, delay_ns: 0 };
        artifact.scenarios.get_mut("checkout").unwrap().late_start =
            Some(LateStart { latest_ns: 100_000_000_000, after: vec![after] });
        let bad: Vec<Second> = (0..30).map(|_| failing(50)).collect();
        let mut totals = totals(&artifact, &bad);
        let judge = Judge::new(Arc::new(artifact));
        assert_eq!(judge.missed_abort(&totals, 30), None, "until it starts it has its grace");
        totals.start_at(1, 7_000_000_000);
        assert_eq!(judge.missed_abort(&totals, 12), None);
        assert_eq!(judge.missed_abort(&totals, 17), Some("it".to_owned()), "{window_ns}");
    }
}
