//! A node in virtual time: the real workers and the real collector on one paused runtime, answered by a script.

mod closed;
mod direction;
mod every_load;
mod node;
mod open;
mod overload;
mod stall;
mod takeover;
mod transaction;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use compiler::artifact::{
    Action, Artifact, Body, Delivery, Endpoint, Group, HttpAction, HttpEndpoint, Load, Method,
    Nodes, OnAgentLoss, OpenLoad, OpenStage, Piece, Scenario, Step, Text, Tuning, WaitAction,
};
use compiler::partition::{GroupShare, Partition};
use compiler::schedule::Open;
use compiler::unit::{Rate, Share};
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};

use super::collect::EVENTS_MAX;
use super::*;
use crate::driver::{Answer, Script, ScriptDriver};
use crate::exchange::Request;
use crate::metrics::{LedgerRow, Series, SeriesKind, StepRow, series};
use crate::user::Inputs;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MS: u64 = 1_000_000;
const AGENTS: u32 = 2;

/// Everything that a node told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) windows: Vec<Window>,
    pub(super) fenced: usize,
    pub(super) summary: Option<NodeSummary>,
    /// When it finished.
    pub(super) finished: Ticks,
    /// Arrival numbers and steps in the order in which their requests were sent.
    pub(super) sent: Vec<(u64, String)>,
    /// The same with the time: step, arrival number, tick.
    pub(super) sent_at: Vec<(String, u64, Ticks)>,
}

impl Seen {
    /// Returns all windows as one.
    pub(super) fn whole(&self) -> Window {
        let mut whole = Window { from_ms: u64::MAX, ..Window::default() };
        for window in &self.windows {
            whole.absorb(window.clone());
        }
        whole
    }

    /// Returns the sum of a scenario's rows over all lanes.
    pub(super) fn ledger(&self, scenario: u32) -> LedgerRow {
        let mut sum = LedgerRow::default();
        for row in self.whole().ledger.iter().filter(|row| row.scenario == scenario) {
            sum.upto = sum.upto.max(row.upto);
            sum.started += row.started;
            sum.succeeded += row.succeeded;
            sum.failed += row.failed;
            sum.dropped_late += row.dropped_late;
            sum.dropped_full += row.dropped_full;
            sum.warm_up += row.warm_up;
            sum.active_us += row.active_us;
        }
        sum
    }

    pub(super) fn step(&self, step: u32) -> StepRow {
        self.whole().steps.into_iter().find(|row| row.step == step).unwrap_or_default()
    }

    /// Returns count, smallest and largest of a series of the first scenario.
    pub(super) fn latency(
        &self,
        artifact: &Artifact,
        step: Option<usize>,
        kind: SeriesKind,
    ) -> (u64, u64, u64) {
        let wanted = Series { scenario: 0, step, kind };
        let index = series(artifact).iter().position(|series| *series == wanted).unwrap();
        let whole = self.whole();
        let histogram = whole.histograms.get(&u32::try_from(index).unwrap());
        histogram.map_or((0, 0, 0), |histogram| (histogram.len(), histogram.min(), histogram.max()))
    }
}

/// Returns a plan of one scenario, dealt to two seats.
pub(super) fn plan(scenario: Scenario) -> Artifact {
    let endpoint = HttpEndpoint {
        base_url: text("http://127.0.0.1:9"),
        headers: Vec::new(),
        timeout_ns: 60 * SECOND,
        tracking: true,
        max_body_bytes: 1_000,
        options: Box::default(),
    };
    let group =
        Group { agents: AGENTS, weight: 2, requires: BTreeMap::new(), vars: BTreeMap::new() };
    Artifact {
        artifact: compiler::artifact::FORMAT,
        plan: "test".to_owned(),
        description: String::new(),
        seed: 0,
        vars: BTreeMap::new(),
        secrets: BTreeMap::new(),
        endpoints: [("shop".to_owned(), Endpoint::Http(endpoint))].into(),
        data: BTreeMap::new(),
        lists: BTreeMap::new(),
        files: BTreeMap::new(),
        transactions: BTreeMap::new(),
        before: Vec::new(),
        after: Vec::new(),
        nodes: Nodes {
            groups: [("all".to_owned(), group)].into(),
            join_timeout_ns: SECOND,
            lease_ns: 10 * SECOND,
            on_agent_loss: OnAgentLoss::Fail,
            tuning: Tuning::default(),
        },
        slots: scenario.slot_count,
        scenarios: [("load".to_owned(), scenario)].into(),
        thresholds: BTreeMap::new(),
        sinks: BTreeMap::new(),
        delivery: Delivery {
            min: Share(999_000),
            max_lateness_p99_us: None,
            max_start_spread_us: None,
        },
        digest: String::new(),
    }
}

pub(super) fn scenario(load: Load, steps: Vec<Step>) -> Scenario {
    let shares = [GroupShare { name: "all", agents: AGENTS, weight: 2 }];
    let partition = Partition::new(&shares).unwrap();
    Scenario {
        start_ns: 0,
        late_start: None,
        max_failures: None,
        connections: compiler::artifact::Connections::Pool,
        planned: match &load {
            Load::Open(load) => Open::of(0, "load", load).count(),
            Load::Closed(_) | Load::Observe { .. } => 0,
        },
        load,
        warm_up_ns: 0,
        graceful_stop_ns: 30 * SECOND,
        timeout_ns: 0,
        slot_base: 0,
        slot_count: partition.slots(),
        seats: partition.owned(0),
        data: BTreeMap::new(),
        before_each_user: Vec::new(),
        lets: Vec::new(),
        steps,
    }
}

/// Returns an open load of one constant rate.
pub(super) fn constant(rate: &str, length_ns: u64) -> OpenLoad {
    let rate = Rate::parse(rate).unwrap();
    let stages = vec![OpenStage::Rate { from: rate, to: rate, length_ns }];
    OpenLoad { max_in_flight: 10_000, late_after_ns: SECOND, ..OpenLoad::even(stages) }
}

pub(super) fn get(name: &str, needs: &[&str]) -> Step {
    let http = HttpAction {
        endpoint: "shop".to_owned(),
        method: Method::Get,
        path: text(&format!("/{name}")),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        redirects: None,
    };
    step(name, needs, Action::Http(http))
}

pub(super) fn wait(name: &str, needs: &[&str], length_ns: u64) -> Step {
    step(name, needs, Action::Wait(WaitAction::Constant { length_ns }))
}

fn step(name: &str, needs: &[&str], action: Action) -> Step {
    let needs = needs.iter().map(|need| (*need).to_owned()).collect();
    Step { needs, ..Step::new(name, action) }
}

fn text(text: &str) -> Text {
    Text(vec![Piece::Literal(text.to_owned())])
}

pub(super) fn seats() -> Vec<String> {
    (0..AGENTS).map(|agent| format!("all/{agent}")).collect()
}

/// Runs all seats of a plan on one node in virtual time; `owner` gives the node its orders and may drop it.
pub(super) fn simulate<F: Future<Output = Option<Node>> + 'static>(
    artifact: &Artifact,
    workers: usize,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    owner: impl FnOnce(Node, Clock) -> F,
) -> Seen {
    simulate_on(artifact, seats(), workers, answer, owner)
}

/// Runs some seats of a plan on one node in virtual time.
pub(super) fn simulate_on<F: Future<Output = Option<Node>> + 'static>(
    artifact: &Artifact,
    seats: Vec<String>,
    workers: usize,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    owner: impl FnOnce(Node, Clock) -> F,
) -> Seen {
    let program = Program::prepare(Arc::new(artifact.clone()), Inputs::default()).unwrap();
    let program = Arc::new(program);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sent);
        let clock = Clock::tokio();
        let (sent_at, watch) = (Arc::new(Mutex::new(Vec::new())), clock.clone());
        let times = Arc::clone(&sent_at);
        let script = Script::new(move |request| {
            let (number, step) = arrival_of(request);
            log.lock().unwrap().push((number, step.clone()));
            times.lock().unwrap().push((step, number, watch.now()));
            answer(request)
        });
        let setup = Setup {
            program,
            seats,
            clock: clock.clone(),
            workers,
            pacing: Pacing::Precise,
            start_driver: Arc::new(move |_, clock| {
                Ok(Driver::Script(ScriptDriver::new(script.clone(), clock.clone())))
            }),
        };
        let parts = Parts::new(setup).unwrap();
        let (events, mut receiver) = mpsc::channel(EVENTS_MAX);
        let shared = Arc::clone(&parts.node.shared);
        for worker in parts.workers {
            spawn_local(worker::run(worker));
        }
        spawn_local(parts.collector.run(parts.reports, events, move || shared.is_fenced()));
        let owner = spawn_local(owner(parts.node, clock.clone()));
        let mut seen = Seen::default();
        while let Some(event) = receiver.recv().await {
            match event {
                NodeEvent::Window(window) => seen.windows.push(window),
                NodeEvent::Fenced => seen.fenced += 1,
                NodeEvent::Finished(summary) => {
                    assert!(seen.summary.is_none());
                    seen.summary = Some(summary);
                    seen.finished = clock.now();
                }
            }
        }
        drop(owner.await.unwrap());
        seen.sent = sent.lock().unwrap().clone();
        seen.sent_at = sent_at.lock().unwrap().clone();
        seen
    })
}

/// Runs a plan undisturbed to its natural end.
pub(super) fn run(
    artifact: &Artifact,
    workers: usize,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> Seen {
    simulate(artifact, workers, answer, |node, clock| async move {
        node.extend_lease(u64::MAX);
        node.start(clock.now());
        Some(node)
    })
}

/// Returns the arrival number and the step of a request, as its tracking headers say.
fn arrival_of(request: &Request) -> (u64, String) {
    let header = |name: &str| request.head.header(name).unwrap().to_owned();
    let arrival = header("x-volley-arrival");
    let number = arrival.rsplit('.').next().unwrap().parse().unwrap();
    (number, header("x-volley-step"))
}
