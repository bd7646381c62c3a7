//! Many agents in one process: the real protocol, each over a connection of its own, with a load that only counts.
//!
//! `agents --nats URL --agents N`. All join at once, serve one run each and end. A load counts through open scenarios of
//! one even rate by its clock, sends nothing, and each second reports what a node would: its ledger, a row of the second
//! and of each step, and histograms of the transaction and of each step. The size of a window, as it travels, goes to the
//! standard output. Exit code 1 if an agent ended with something else than 0.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compiler::artifact::{Artifact, Load as Planned, OnAgentLoss, OpenStage, Scenario};
use compiler::exit::Exit;
use engine::clock::{Clock, Ticks};
use engine::cluster::agent::{self, AgentOptions};
use engine::cluster::bus::Bus;
use engine::cluster::load::{Load, LoadError, LoadEvent, LoadFuture, LoadSummary, Loader, Share};
use engine::cluster::nats::NatsOptions;
use engine::cluster::wire::{ScenarioOrder, encode_window};
use engine::ledger::Takeover;
use engine::metrics::{
    Histogram, LedgerRow, SecondRow, SeriesKind, StepRow, Window, latency, series,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

const SECOND_NS: u64 = 1_000_000_000;

/// Whether the size of a window was said: all are much alike.
static SIZE_TOLD: AtomicBool = AtomicBool::new(false);

/// Threads that run all the agents.
const THREADS: usize = 2;

struct Options {
    url: String,
    agents: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let ended = runtime.block_on(serve(&options))?;
    if ended.is_empty() { Ok(()) } else { Err(ended.join("\n").into()) }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { url: String::new(), agents: 1 };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        // Cargo says this to every benchmark.
        if flag == "--bench" {
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--nats" => options.url = value,
            "--agents" => options.agents = value.parse()?,
            _ => return Err(format!("{flag} is not --nats or --agents").into()),
        }
    }
    if options.url.is_empty() {
        return Err("--nats says where the broker is".into());
    }
    Ok(options)
}

/// Runs all agents to their end; returns what went wrong.
async fn serve(options: &Options) -> Result<Vec<String>, Box<dyn Error>> {
    let loader = Arc::new(CountingLoader { clock: Clock::real() });
    let (_stop, stopped) = watch::channel(None);
    let mut agents = JoinSet::new();
    for number in 0..options.agents {
        let name = format!("agent-{number:04}");
        let nats = NatsOptions::new(&options.url, "default", Some(&name));
        let me = AgentOptions {
            name,
            cluster: "default".to_owned(),
            group: "default".to_owned(),
            labels: BTreeMap::new(),
            keep: None,
            once: true,
            say: |_| {},
        };
        let (loader, stopped) = (Arc::clone(&loader), stopped.clone());
        agents.spawn(async move {
            let name = me.name.clone();
            let bus = Bus::connect(nats).await.map_err(|why| format!("{name}: {why}"))?;
            let end = agent::run(me, loader, bus, Clock::real(), stopped).await;
            match end.exit {
                Exit::Passed => Ok(()),
                exit => Err(format!("{name}: {exit:?}: {}", end.message.unwrap_or_default())),
            }
        });
    }
    let ended = agents.join_all().await;
    Ok(ended.into_iter().filter_map(Result::err).collect())
}

/// Makes loads that count.
struct CountingLoader {
    clock: Clock,
}

#[derive(Clone, Copy, Default)]
struct Told {
    start: Option<Ticks>,
    lease_end: Ticks,
    stop: bool,
}

struct CountingLoad {
    told: watch::Sender<Told>,
    events: mpsc::Receiver<LoadEvent>,
}

impl Loader for CountingLoader {
    fn load(&self, share: Share) -> Result<Box<dyn Load>, LoadError> {
        let artifact: Artifact = serde_json::from_slice(&share.artifact)
            .map_err(|error| LoadError::Refused(error.to_string()))?;
        if artifact.nodes.on_agent_loss != OnAgentLoss::Fail {
            return Err(LoadError::Failed("only the policy `fail`".to_owned()));
        }
        let strips = artifact.scenarios.values().zip(0..).map(|(scenario, number)| {
            Strip::of(scenario, number, &share.seats)
                .ok_or_else(|| LoadError::Failed("only open loads of one even rate".to_owned()))
        });
        let strips = strips.collect::<Result<Vec<Strip>, LoadError>>()?;
        let (told, tell) = watch::channel(Told::default());
        let (sender, events) = mpsc::channel(100);
        let kinds = (0..).zip(series(&artifact)).filter(|(_, series)| {
            matches!(series.kind, SeriesKind::Response | SeriesKind::Service)
        });
        let measured = kinds.map(|(index, series)| (index, series.scenario)).collect();
        let counter = Counter { strips, measured, clock: self.clock.clone(), tell, sender };
        tokio::runtime::Handle::current().spawn(counter.run());
        Ok(Box::new(CountingLoad { told, events }))
    }
}

/// Returns a histogram of so many latencies with a long tail from 1 ms on.
fn latencies(count: u64, salt: u64) -> Histogram {
    let mut histogram = latency::new_histogram();
    for sample in 0..count {
        // The cube of a sequence without a pattern.
        let place = (sample + 31 * salt).wrapping_mul(2_654_435_761) % 10_007;
        latency::record(&mut histogram, 1_000 + place * place * place / 5_000_000);
    }
    histogram
}

impl Load for CountingLoad {
    fn start(&mut self, start: Ticks) {
        self.told.send_modify(|told| told.start = Some(start));
    }

    fn extend_lease(&mut self, end: Ticks) {
        self.told.send_modify(|told| told.lease_end = told.lease_end.max(end));
    }

    /// Loads of this kind have neither late starts nor failures.
    fn direct(&mut self, _: &[ScenarioOrder]) {}

    /// Under the policy `fail` nothing is taken over.
    fn take_over(&mut self, _: &[Takeover]) {}

    fn stop(&mut self, _: u64) {
        self.told.send_modify(|told| told.stop = true);
    }

    fn abort(&mut self) {
        self.stop(0);
    }

    fn next(&mut self) -> LoadFuture<'_> {
        Box::pin(async {
            match self.events.recv().await {
                Some(event) => event,
                None => std::future::pending().await,
            }
        })
    }
}

/// What a seat owns of one scenario: of every `modulus` numbers those at `residues`.
struct Strip {
    scenario: u32,
    steps: u32,
    residues: Vec<u64>,
    modulus: u64,
    planned: u64,
    rate: u64,
    /// How many have been decided.
    done: u64,
}

impl Strip {
    /// `None` for a load that has not one even rate in whole arrivals a second.
    fn of(scenario: &Scenario, number: u32, seats: &[String]) -> Option<Strip> {
        let Planned::Open(open) = &scenario.load else { return None };
        let [OpenStage::Rate { from, to, .. }] = open.stages.as_slice() else { return None };
        let slots = seats.iter().flat_map(|seat| scenario.seats[seat].as_slice());
        let mut residues: Vec<u64> =
            slots.map(|slot| u64::from(slot - scenario.slot_base)).collect();
        residues.sort_unstable();
        (from == to).then(|| Strip {
            scenario: number,
            steps: u32::try_from(scenario.steps.len()).unwrap_or(u32::MAX),
            residues,
            modulus: u64::from(scenario.slot_count),
            planned: scenario.planned,
            rate: from.count * SECOND_NS / from.per_ns,
            done: 0,
        })
    }

    /// Decides what is due at `elapsed_ns`; returns how many that are.
    fn decide(&mut self, elapsed_ns: u64) -> u64 {
        let before = self.done;
        while self.next().is_some_and(|n| (n * SECOND_NS).div_ceil(self.rate) <= elapsed_ns) {
            self.done += 1;
        }
        self.done - before
    }

    /// Returns the next number that is not decided; `None` at the end.
    fn next(&self) -> Option<u64> {
        let count = self.residues.len() as u64;
        let place = usize::try_from(self.done.checked_rem(count)?).ok()?;
        let number = self.done / count * self.modulus + self.residues[place];
        (number < self.planned).then_some(number)
    }

    fn row(&self, started: u64, at_ms: u64) -> LedgerRow {
        LedgerRow {
            scenario: self.scenario,
            lanes: 1,
            upto: self.next().unwrap_or(self.planned),
            over_ms: self.next().is_none().then_some(at_ms),
            started,
            succeeded: started,
            ..LedgerRow::default()
        }
    }
}

/// Counts through the schedule of one agent.
struct Counter {
    strips: Vec<Strip>,
    /// Series that are measured, each with its scenario.
    measured: Vec<(u32, usize)>,
    clock: Clock,
    tell: watch::Receiver<Told>,
    sender: mpsc::Sender<LoadEvent>,
}

impl Counter {
    async fn run(mut self) {
        let mut second = 0;
        let Ok(start) =
            self.tell.wait_for(|told| told.start.is_some()).await.map(|told| told.start)
        else {
            return;
        };
        loop {
            let end = start.unwrap_or(0) + (second + 1) * SECOND_NS;
            let wait = Duration::from_nanos(end.saturating_sub(self.clock.now()));
            tokio::time::sleep(wait).await;
            if self.tell.has_changed().is_err() {
                return;
            }
            let told = *self.tell.borrow();
            let fenced = self.clock.now() >= told.lease_end;
            let window = self.window(second);
            self.say(LoadEvent::Window(Box::new(window))).await;
            second += 1;
            if fenced {
                self.say(LoadEvent::Fenced).await;
            }
            if fenced || told.stop || self.strips.iter().all(|strip| strip.next().is_none()) {
                return self.say(LoadEvent::Finished(LoadSummary::default())).await;
            }
        }
    }

    /// Returns what happened in a second of the run.
    fn window(&mut self, second: u64) -> Window {
        let (from_ms, to_ms) = (second * 1_000, (second + 1) * 1_000);
        let mut window =
            Window { from_ms, to_ms, cpu_percent: 10, rss_bytes: 64 << 20, ..Window::default() };
        for strip in &mut self.strips {
            let started = strip.decide((second + 1) * SECOND_NS - 1);
            window.ledger.push(strip.row(started, to_ms));
            window.seconds.push(SecondRow {
                scenario: strip.scenario,
                second: u32::try_from(second).unwrap_or(u32::MAX),
                started,
                succeeded: started,
                ..SecondRow::default()
            });
            window.steps.extend((0..strip.steps).map(|step| StepRow {
                scenario: strip.scenario,
                step,
                ok: started,
                attempts: started,
                status: BTreeMap::from([(200, started)]),
                ..StepRow::default()
            }));
        }
        for (index, scenario) in &self.measured {
            let histogram = latencies(window.seconds[*scenario].started, second);
            window.histograms.insert(*index, histogram);
        }
        if second == 1 && !SIZE_TOLD.swap(true, Ordering::Relaxed) {
            report_size(&window);
        }
        window
    }

    async fn say(&self, event: LoadEvent) {
        // Nobody listens any more when the agent has thrown the load away.
        drop(self.sender.send(event).await);
    }
}

/// Says how large a window is; nobody may read it.
fn report_size(window: &Window) {
    let bytes = encode_window(window).map_or(0, |bytes| bytes.len());
    writeln!(stdout(), "window {bytes}").unwrap_or_default();
}
