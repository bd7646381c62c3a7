//! A made-up run for tests: three nodes, an open and a closed scenario, a stall of the target in the middle.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use compiler::artifact::{
    Action, Aggregate, Artifact, Body, Bound, ClosedLoad, ClosedStage, Counter, Data, Delivery,
    FileRef, Format, Group, HttpAction, Load, Method, Metric, NoData, Nodes, OnAgentLoss, OpenLoad,
    OpenStage, Per, Phase, Piece, Quantity, Scenario, Selector, SlotSet, Step, Take, Text,
    Threshold, Tuning, WaitAction,
};
use compiler::schedule::Open;
use compiler::unit::{Rate, SECOND_NS, Share};

use super::RunResult;
use crate::metrics::FailureKind;
use crate::metrics::{
    Arrivals, DroppedBy, Ending, ErrorRow, LedgerRow, NodeRecord, RunRecord, SecondRow, SeriesKind,
    StepRow, Totals, Window, latency, series,
};

const LOAD_SECONDS: u64 = 40;
const SECONDS: u64 = 42;
const NODES: u64 = 3;

/// Returns a plan with the scenarios `browse` (closed) and `checkout` (open).
pub(crate) fn artifact() -> Artifact {
    let group =
        |agents| Group { agents, weight: agents, requires: BTreeMap::new(), vars: BTreeMap::new() };
    let users = Data {
        file: FileRef {
            path: "data/users.csv".to_owned(),
            bytes: 120_000,
            digest: format!("blake3:{}", "1f".repeat(32)),
        },
        format: Format::Csv,
        columns: vec!["name".to_owned()],
        rows: 10_000,
        take: Take::Unique,
        per: Per::Arrival,
    };
    Artifact {
        artifact: 1,
        plan: "checkout".to_owned(),
        description: "Shoppers browse and buy.".to_owned(),
        seed: 7,
        vars: BTreeMap::new(),
        secrets: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        data: BTreeMap::from([("users".to_owned(), users)]),
        lists: BTreeMap::new(),
        files: BTreeMap::new(),
        transactions: BTreeMap::new(),
        before: Vec::new(),
        after: Vec::new(),
        nodes: Nodes {
            groups: BTreeMap::from([("eu".to_owned(), group(2)), ("us".to_owned(), group(1))]),
            join_timeout_ns: 30 * SECOND_NS,
            lease_ns: 10 * SECOND_NS,
            on_agent_loss: OnAgentLoss::Fail,
            tuning: Tuning::default(),
        },
        scenarios: BTreeMap::from([
            ("browse".to_owned(), browse()),
            ("checkout".to_owned(), checkout()),
        ]),
        slots: 512,
        thresholds: thresholds(),
        sinks: BTreeMap::new(),
        delivery: Delivery {
            min: Share(999_000),
            max_lateness_p99_us: Some(20_000),
            max_start_spread_us: Some(50_000),
        },
        digest: format!("blake3:{}", "c0".repeat(32)),
    }
}

fn scenario(load: Load, steps: Vec<Step>, slot_base: u32) -> Scenario {
    Scenario {
        start_ns: 0,
        late_start: None,
        max_failures: None,
        connections: compiler::artifact::Connections::Pool,
        load,
        warm_up_ns: 0,
        graceful_stop_ns: 30 * SECOND_NS,
        timeout_ns: 0,
        planned: 0,
        slot_base,
        slot_count: 256,
        seats: BTreeMap::from([(
            "eu/0".to_owned(),
            SlotSet::new((slot_base..slot_base + 256).collect()),
        )]),
        data: BTreeMap::new(),
        before_each_user: Vec::new(),
        lets: Vec::new(),
        steps,
    }
}

fn browse() -> Scenario {
    let stages = vec![ClosedStage::Users { from: 20, to: 20, length_ns: LOAD_SECONDS * SECOND_NS }];
    scenario(
        Load::Closed(ClosedLoad { stages, users_max: 20, pace_ns: 0 }),
        vec![http("list", Method::Get), http("detail", Method::Get)],
        0,
    )
}

fn checkout() -> Scenario {
    let (low, high) = (Rate::new(20, SECOND_NS), Rate::new(200, SECOND_NS));
    let stages = vec![
        OpenStage::Rate { from: low, to: high, length_ns: 10 * SECOND_NS },
        OpenStage::Rate { from: high, to: high, length_ns: 30 * SECOND_NS },
    ];
    let load = OpenLoad { max_in_flight: 400, late_after_ns: SECOND_NS, ..OpenLoad::even(stages) };
    let think = Step {
        action: Action::Wait(WaitAction::Constant { length_ns: SECOND_NS / 5 }),
        ..http("think", Method::Get)
    };
    let steps = vec![
        http("login", Method::Post),
        think,
        http("order", Method::Post),
        http("status", Method::Get),
    ];
    let mut checkout = scenario(Load::Open(load.clone()), steps, 256);
    checkout.planned = Open::new(&load, &compiler::seed::Seed::root(0)).count();
    checkout.warm_up_ns = 5 * SECOND_NS;
    checkout
}

fn http(name: &str, method: Method) -> Step {
    Step::new(
        name,
        Action::Http(HttpAction {
            endpoint: "shop".to_owned(),
            method,
            path: Text(vec![Piece::Literal(format!("/{name}"))]),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            redirects: None,
        }),
    )
}

/// Returns a threshold without window, grace or abort.
pub(crate) fn threshold(
    require: &str,
    metric: Metric,
    bound: Bound,
    value: u64,
    quantity: Quantity,
) -> Threshold {
    Threshold {
        require: require.to_owned(),
        metric,
        bound,
        value,
        quantity,
        select: Selector {
            scenario: Some("checkout".to_owned()),
            step: None,
            group: None,
            split: None,
        },
        window_ns: 0,
        grace_ns: 0,
        min_samples: 0,
        abort: false,
        on_no_data: NoData::NoData,
    }
}

fn thresholds() -> BTreeMap<String, Threshold> {
    let p = |thousandths| Aggregate::Percentile(thousandths);
    let order = Selector {
        scenario: Some("checkout".to_owned()),
        step: Some("order".to_owned()),
        group: None,
        split: None,
    };
    let all = [
        (
            "end_to_end",
            threshold(
                "p99(response) < 8s",
                Metric::Response(p(99_000)),
                Bound::Less,
                8_000_000,
                Quantity::Us,
            ),
        ),
        (
            "errors",
            Threshold {
                window_ns: 10 * SECOND_NS,
                ..threshold(
                    "share(failed) < 1%",
                    Metric::Share(Counter::Failed),
                    Bound::Less,
                    10_000,
                    Quantity::Share,
                )
            },
        ),
        (
            "order_fast",
            Threshold {
                select: order,
                ..threshold(
                    "p95(service) < 500ms",
                    Metric::Service(p(95_000)),
                    Bound::Less,
                    500_000,
                    Quantity::Us,
                )
            },
        ),
        (
            "throughput",
            threshold(
                "rate(succeeded) > 150/s",
                Metric::Rate(Counter::Succeeded),
                Bound::Greater,
                150_000_000,
                Quantity::PerSecond,
            ),
        ),
    ];
    all.into_iter().map(|(name, it)| (name.to_owned(), it)).collect()
}

/// A small generator with a long period: the sample is the same on every machine.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// Returns a time with a long tail around `base_us`.
    fn time_us(&mut self, base_us: u64) -> u64 {
        let spread = self.below(base_us) + self.below(base_us);
        let tail = if self.below(50) == 0 { base_us * (2 + self.below(12)) } else { 0 };
        base_us / 2 + spread / 2 + tail
    }
}

/// Returns each node's windows in order: (node, window).
pub(crate) fn windows(artifact: &Artifact) -> Vec<(usize, Window)> {
    let mut draws = Draws(7);
    let mut all = Vec::new();
    for second in 0..SECONDS {
        for node in 0..NODES {
            let at = usize::try_from(node).unwrap();
            all.push((at, window(artifact, &mut draws, second, node)));
        }
    }
    all
}

fn window(artifact: &Artifact, draws: &mut Draws, second: u64, node: u64) -> Window {
    let mut window = Window {
        from_ms: second * 1000,
        to_ms: second * 1000 + 1000,
        cpu_percent: u32::try_from(24 + draws.below(20)).unwrap(),
        rss_bytes: 38_000_000 + node * 1_500_000 + draws.below(1_000_000),
        descriptors: 210 + node,
        ..Window::default()
    };
    let mut lateness = latency::new_histogram();
    let stalled = (24..28).contains(&second);
    for scenario in 0..2 {
        let due = due(artifact, scenario, second, node, stalled);
        let full = if stalled && scenario == 1 { due * 4 / 10 } else { 0 };
        let started = due - full;
        let failed = if stalled && scenario == 1 {
            started / 8
        } else {
            u64::from(started > 0 && draws.below(9) == 0)
        };
        for _ in 0..started {
            latency::record(
                &mut lateness,
                40 + draws.below(180) + if draws.below(300) == 0 { 2500 } else { 0 },
            );
        }
        let stall_us = if stalled { 900_000 + draws.below(900_000) } else { 0 };
        times(artifact, &mut window, (scenario, started, stall_us, second));
        rows(&mut window, (scenario, second, node), (started, failed, full));
    }
    window.lag = Some(lateness.clone());
    window.lateness = Some(lateness);
    window
}

fn due(artifact: &Artifact, scenario: usize, second: u64, node: u64, stalled: bool) -> u64 {
    let all = match &artifact.scenarios.values().nth(scenario).unwrap().load {
        Load::Open(load) => {
            let load = Open::new(load, &compiler::seed::Seed::root(0));
            let before = |second: u64| load.first_due_at_or_after(second * SECOND_NS);
            before(second + 1) - before(second)
        }
        Load::Observe { .. } => 0,
        Load::Closed(_) if second >= LOAD_SECONDS => 0,
        Load::Closed(_) => {
            if stalled {
                24
            } else {
                96
            }
        }
    };
    (all + node) / NODES
}

fn times(
    artifact: &Artifact,
    window: &mut Window,
    (scenario, started, stall_us, second): (usize, u64, u64, u64),
) {
    let warm = scenario == 1 && second < 5;
    for (at, it) in series(artifact).iter().enumerate() {
        let takes = match it.kind {
            SeriesKind::Response | SeriesKind::Service if it.step.is_none() => !warm,
            SeriesKind::Response | SeriesKind::Service => true,
            SeriesKind::WarmUpResponse | SeriesKind::WarmUpService => warm,
            SeriesKind::Phase(phase) => [Phase::FirstByte, Phase::Body].contains(&phase),
        };
        if it.scenario != scenario || !takes || started == 0 {
            continue;
        }
        // The same draws for both, so that no response is shorter than its service.
        let mut own =
            Draws(second * 131 + it.step.map_or(0, |step| 7 + u64::try_from(step).unwrap()));
        let (base_us, waited_us) = match (it.step, it.kind) {
            (Some(_), SeriesKind::Phase(Phase::Body)) => (200, 0),
            (Some(step), SeriesKind::Phase(_)) => ([7_800, 3_800, 20_800, 5_800][step], 0),
            (Some(step), _) => ([8_000, 4_000, 21_000, 6_000][step], 0),
            (None, SeriesKind::Phase(_)) => continue,
            (None, SeriesKind::Response | SeriesKind::WarmUpResponse) => {
                (35_000, 150 + stall_us / 4)
            }
            (None, SeriesKind::Service | SeriesKind::WarmUpService) => (35_000, 0),
        };
        let mut histogram = latency::new_histogram();
        for _ in 0..started {
            latency::record(&mut histogram, own.time_us(base_us) + stall_us + waited_us);
        }
        window.histograms.insert(u32::try_from(at).unwrap(), histogram);
    }
}

fn rows(
    window: &mut Window,
    (scenario, second, node): (usize, u64, u64),
    (started, failed, full): (u64, u64, u64),
) {
    let at = u32::try_from(scenario).unwrap();
    window.ledger.push(LedgerRow {
        scenario: at,
        lanes: 1,
        started,
        succeeded: started - failed,
        failed,
        dropped_full: full,
        warm_up: if scenario == 1 && second < 5 { started } else { 0 },
        warm_up_succeeded: if scenario == 1 && second < 5 { started - failed } else { 0 },
        warm_up_failed: if scenario == 1 && second < 5 { failed } else { 0 },
        warm_up_dropped: if scenario == 1 && second < 5 { full } else { 0 },
        active_us: if scenario == 0 && started > 0 { 6_600_000 } else { 0 },
        ..LedgerRow::default()
    });
    window.seconds.push(SecondRow {
        second: u32::try_from(second).unwrap(),
        scenario: at,
        started,
        succeeded: started - failed,
        failed,
        dropped: full,
        in_flight: if full > 0 { 133 } else { started / 20 },
    });
    let steps: &[u64] = if scenario == 0 { &[5, 9] } else { &[8, 0, 21, 6] };
    let waits = |step: usize| scenario == 1 && step == 1;
    let last = steps.len() - 1;
    for (step, critical) in steps.iter().enumerate() {
        let bad = if step == last { failed } else { 0 };
        let sent = if waits(step) { 0 } else { started };
        let status = BTreeMap::from([
            (200, sent - if waits(step) { 0 } else { bad }),
            (503, if waits(step) { 0 } else { bad - bad / 2 }),
        ]);
        window.steps.push(StepRow {
            scenario: at,
            step: u32::try_from(step).unwrap(),
            ok: started - bad,
            failed: bad,
            warm_up_ok: if scenario == 1 && second < 5 { started - bad } else { 0 },
            warm_up_failed: if scenario == 1 && second < 5 { bad } else { 0 },
            attempts: sent,
            status: status.into_iter().filter(|(_, count)| *count > 0).collect(),
            bytes_sent: sent * 310,
            bytes_received: sent * 1_480,
            critical_us: started * critical * 1000,
            ..StepRow::default()
        });
    }
    for (kind, count, sample) in [
        (FailureKind::Status, failed - failed / 2, "status 503, expected below 400"),
        (FailureKind::Timeout, failed / 2, "no response within 5s"),
    ] {
        if count > 0 {
            let step = u32::try_from(last).unwrap();
            window.errors.push(ErrorRow {
                scenario: at,
                step,
                kind,
                count,
                sample: format!("{sample} (node {node})"),
            });
        }
    }
}

/// Returns the state of the whole sample run.
pub(crate) fn totals(artifact: &Artifact) -> Totals {
    let mut totals = Totals::new(artifact);
    for (node, window) in windows(artifact) {
        totals.apply(node, &window);
    }
    totals
}

/// Returns the record that fits [`totals`].
pub(crate) fn record(artifact: &Artifact, totals: &Totals) -> RunRecord {
    let names = [("agent-a", "eu/0", 0), ("agent-b", "eu/1", 1_840), ("agent-c", "us/0", -620)];
    let nodes = names.iter().map(|(name, seat, error)| NodeRecord {
        name: (*name).to_owned(),
        seats: vec![(*seat).to_owned()],
        labels: BTreeMap::from([("region".to_owned(), seat[..2].to_owned())]),
        joined_us: -4_200_000,
        start_error_us: *error,
        clock_offset_us: error * 40,
        ..NodeRecord::default()
    });
    let planned = |at: usize| artifact.scenarios.values().nth(at).unwrap().planned;
    let arrivals = totals.scenarios().iter().enumerate().map(|(at, it)| {
        let planned = planned(at).max(it.started + it.dropped_full);
        Arrivals {
            planned,
            started: it.started,
            succeeded: it.succeeded,
            failed: it.failed,
            dropped: planned - it.started,
            dropped_by: DroppedBy {
                full: it.dropped_full,
                stopped: planned - it.started - it.dropped_full,
                ..DroppedBy::default()
            },
            ..Arrivals::default()
        }
    });
    RunRecord {
        run: "k3v9x0q2ab".to_owned(),
        started_at_unix_ms: 1_795_514_400_000,
        duration_us: 41_310_000,
        ending: Ending::Complete,
        load_started: true,
        nodes: nodes.collect(),
        arrivals: arrivals.collect(),
        users_lost_us: vec![0, 0],
        undecided: Vec::new(),
        warnings: Vec::new(),
        versions: BTreeMap::from([
            ("nats".to_owned(), "2.11.4".to_owned()),
            ("volley".to_owned(), "0.1.0".to_owned()),
        ]),
        vars: BTreeMap::from([("peak".to_owned(), "200/s".to_owned())]),
        seed: 7,
    }
}

/// The sample's result: not delivered, two thresholds missed.
static FAILED: LazyLock<RunResult> = LazyLock::new(|| {
    let artifact = artifact();
    let totals = totals(&artifact);
    RunResult::build(&artifact, &record(&artifact, &totals), &totals)
});

/// The same plan with bounds that hold.
static PASSING: LazyLock<RunResult> = LazyLock::new(|| {
    let mut artifact = artifact();
    artifact.delivery.min = Share(900_000);
    artifact.thresholds.retain(|name, _| name == "end_to_end" || name == "throughput");
    let totals = totals(&artifact);
    RunResult::build(&artifact, &record(&artifact, &totals), &totals)
});

/// Returns a result that fails.
pub(crate) fn failed() -> RunResult {
    FAILED.clone()
}

/// Returns a result that passes.
pub(crate) fn passing() -> RunResult {
    PASSING.clone()
}
