//! Order and grouping of windows do not matter; late ones are counted.

use std::collections::BTreeMap;

use compiler::artifact::Artifact;
use proptest::prelude::*;

use super::{NodeTotals, OPEN_SECONDS, ScenarioTotals, StepCounts, Totals};
use crate::exchange::FailureKind;
use crate::metrics::timeline::Point;
use crate::metrics::{ErrorRow, Histogram, LedgerRow, SecondRow, StepRow, Window, latency, series};
use crate::report::sample;

const SECONDS: u64 = 20;

/// Everything that can be asked of totals.
#[derive(Debug, PartialEq)]
struct Seen {
    scenarios: Vec<ScenarioTotals>,
    nodes: Vec<Option<NodeTotals>>,
    histograms: Vec<Histogram>,
    points: Vec<Point>,
    stretches: Vec<Point>,
    counts: Vec<StepCounts>,
    late: u64,
    clamped: u64,
}

fn seen(artifact: &Artifact, totals: &Totals) -> Seen {
    let thresholds = || artifact.thresholds.keys();
    Seen {
        scenarios: totals.scenarios().to_vec(),
        nodes: (0..3).map(|node| totals.node(node).cloned()).collect(),
        histograms: (0u32..).zip(series(artifact)).map(|(at, _)| totals.merged(&[at])).collect(),
        points: (0..2)
            .flat_map(|at| (0..SECONDS).map(move |second| (at, second)))
            .map(|(at, second)| totals.second(at, second))
            .collect(),
        stretches: thresholds()
            .flat_map(|name| (0..4).map(|at| totals.stretch(name, at)).collect::<Vec<_>>())
            .collect(),
        counts: thresholds()
            .flat_map(|name| (0..4).map(|at| totals.stretch_counts(name, at)).collect::<Vec<_>>())
            .collect(),
        late: totals.late_windows(),
        clamped: totals.clamped(),
    }
}

/// Returns the sample's plan with a windowed threshold on latencies and one on a step's failures.
fn artifact() -> Artifact {
    let mut artifact = sample::artifact();
    let window_ns = 5_000_000_000;
    for threshold in artifact.thresholds.values_mut() {
        threshold.window_ns = window_ns;
    }
    if let Some(errors) = artifact.thresholds.get_mut("errors") {
        errors.select.step = Some("*".to_owned());
    }
    artifact
}

prop_compose! {
    fn window()(second in 0..SECONDS, scenario in 0u32..2, step in 0u32..2, n in 0u64..5, us in prop::collection::vec(1u64..5_000_000, 0..6), series in 0u32..9, cpu in 0u32..200) -> Window {
        let mut histogram = latency::new_histogram();
        for us in us {
            latency::record(&mut histogram, us);
        }
        Window {
            from_ms: second * 1000,
            to_ms: second * 1000 + 1000,
            ledger: vec![LedgerRow { scenario, started: n, succeeded: n / 2, failed: n - n / 2, dropped_late: 1, dropped_full: 2, warm_up: n / 3, warm_up_succeeded: n / 4, warm_up_failed: n / 5, warm_up_dropped: 1, active_us: 10, ..LedgerRow::default() }],
            steps: vec![StepRow { scenario, step, ok: n, failed: 1, warm_up_ok: n / 2, warm_up_failed: 1, attempts: n + 1, status: BTreeMap::from([(200, n), (500, 1)]), critical_us: 7, ..StepRow::default() }],
            errors: vec![ErrorRow { scenario, step, kind: FailureKind::Status, count: 1, sample: format!("status {}", 500 + n) }],
            seconds: vec![SecondRow { second: u32::try_from(second).unwrap(), scenario, started: n, succeeded: n / 2, failed: 1, dropped: 3, in_flight: n }],
            histograms: BTreeMap::from([(series, histogram.clone())]),
            lateness: Some(histogram.clone()),
            lag: Some(histogram),
            descriptors: u64::from(cpu) * 10,
            clamped: n,
            cpu_percent: cpu,
            rss_bytes: u64::from(cpu) * 1000,
        }
    }
}

/// Returns two windows that say the same as one.
fn halves(window: &Window) -> [Window; 2] {
    let counters =
        Window { histograms: BTreeMap::new(), lateness: None, lag: None, ..window.clone() };
    let times = Window {
        from_ms: window.from_ms,
        to_ms: window.to_ms,
        histograms: window.histograms.clone(),
        lateness: window.lateness.clone(),
        lag: window.lag.clone(),
        ..Window::default()
    };
    [counters, times]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn order_and_grouping_do_not_matter(
        (windows, shuffled) in prop::collection::vec((0usize..3, window()), 0..24)
            .prop_flat_map(|windows| (Just(windows.clone()), Just(windows).prop_shuffle())),
    ) {
        let artifact = artifact();
        let mut in_order = Totals::new(&artifact);
        for (node, window) in &windows {
            in_order.apply(*node, window);
        }
        let mut other = Totals::new(&artifact);
        for (node, window) in &shuffled {
            for half in halves(window) {
                other.apply(*node, &half);
            }
        }
        prop_assert_eq!(seen(&artifact, &in_order), seen(&artifact, &other));
        prop_assert_eq!(in_order.late_windows(), 0);
    }
}

#[test]
fn a_window_after_its_second_was_frozen_is_in_every_total_and_counted() {
    let artifact = artifact();
    let mut totals = Totals::new(&artifact);
    let mut histogram = latency::new_histogram();
    latency::record(&mut histogram, 700);
    let at = |second: u64| Window {
        from_ms: second * 1000,
        to_ms: second * 1000 + 1000,
        histograms: BTreeMap::from([(0, histogram.clone())]),
        ..Window::default()
    };
    totals.apply(0, &at(3));
    totals.apply(0, &at(3 + OPEN_SECONDS + 5));
    let frozen = totals.second(0, 3);
    totals.apply(1, &at(3));
    assert_eq!(totals.late_windows(), 1);
    assert_eq!(totals.second(0, 3), frozen);
    assert_eq!(totals.merged(&[0]).len(), 3);
}

#[test]
fn rows_that_the_plan_does_not_have_are_counted_not_believed() {
    let artifact = artifact();
    let mut totals = Totals::new(&artifact);
    let stray = Window {
        ledger: vec![LedgerRow { scenario: 9, started: 5, ..LedgerRow::default() }],
        steps: vec![StepRow { scenario: 0, step: 99, ok: 1, ..StepRow::default() }],
        histograms: BTreeMap::from([(999, latency::new_histogram())]),
        seconds: vec![SecondRow {
            scenario: 0,
            second: u32::MAX,
            started: 1,
            ..SecondRow::default()
        }],
        to_ms: 1000,
        ..Window::default()
    };
    totals.apply(0, &stray);
    assert_eq!(totals.stray_rows(), 3);
    assert_eq!(totals.scenarios()[0].started, 0);
    assert!(totals.seconds_len() <= 30 * 24 * 3600 + 1);
}
