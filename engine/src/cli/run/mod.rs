//! `volley run`: loads a plan or an artifact, coordinates its run, writes the results.

mod child;
mod dry_run;
mod fleet;
mod load;
mod outcome;
mod progress;
mod resume;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use compiler::artifact::{self, Artifact, SecretSource};
use compiler::cli::OverrideArgs;
use compiler::exit::Exit;
use compiler::unit::Length;
use rand::Rng;
use tokio::sync::mpsc;

use self::load::Loaded;
use super::agent::token;
use super::nats::NatsArgs;
use super::pacing::Pacing;
use super::permit::PermitArgs;
use super::{chain, complain, secrets, signal};
use crate::clock::Clock;
use crate::cluster::coordinator::journal;
use crate::cluster::node::{NodeLoader, ReadSecret};
use crate::cluster::permit::Permit;
use crate::cluster::{self, Job, Seating, Sink, embedded, inside};
use crate::demo::{self, Demo};
use crate::metrics::threshold::Judge;
use crate::metrics::{Totals, Window};
use crate::report::{self, Kind, RunResult};
use crate::runtime;

/// What follows the options in the help.
const AFTER_HELP: &str = "\
Examples:
  volley run plans/checkout.yaml --demo
  volley run load.yaml --var rate=200/s --out results/nightly --report html,junit
  volley run load.yaml --nats nats://broker:4222 --lease 5s
  volley run load.yaml --nats local
  volley run load.yaml --nats nats://broker:4222 --dry-run

With --dry-run every node resolves the secrets of the plan and opens a connection to every endpoint
(else exit 96), one arrival of each scenario is sent, and all must succeed (else 99). The plan's
thresholds, start_after and max_failures are left aside. The results folder is written as ever; its
result has the warning `dry-run`. Agents with --once end after it.
  volley run --resume k3v9x0q2ab --nats nats://broker:4222 --out results/nightly

With --nats the results folder has a journal, run.jsonl, until there is a result. When this program is killed or its
machine lost, agents stop at the end of their lease and keep what nobody took; --resume collects it.

Progress goes to stderr, the summary to stdout. With --format json stdout has one object a line:
  {\"at_us\": 3012345, \"node\": \"eu-0\" or null, \"what\": …}
  `what` is a name (\"ready\", \"started\", \"suspect\", \"back\", \"drained\", \"finished\",
  \"broker_away\") or a name with fields: waiting {seats}, joined {seats}, armed {in_us}, tick {second,
  started, succeeded, failed, dropped, in_flight}, lost {reason}, takes_over {from, seats}, stopping
  {reason}, scenario_starts {scenario, in_us}, scenario_stopped {scenario, reason}, broker_back
  {away_us}, warning {code, message}; the last line is {\"what\": \"result\", \"outcome\", \"exit_code\", \"files\"}.
  Readers skip names that they do not know.

Ctrl-C or SIGTERM stops the load, lets what runs end and writes the results; a second one cuts.

Exit codes, the same on one process and on many; the first of 130, 70, 95, 96, 98, 99, 97 wins:
  0   passed
  1   the plan was rejected
  2   usage: a bad flag, an unreadable file, a missing secret, nothing to resume
  70  internal error, a bug
  95  the artifact or a data file was refused, or nobody who is trusted signed it
  96  the cluster failed: not formed in time, agents lost beyond the policy, the broker gone, the
      coordinator lost
  97  a threshold had no data
  98  the planned load was not delivered, or an overload ended it
  99  a threshold was missed, or a scenario reached its max_failures
  130 interrupted";

/// Options of `volley run`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct RunArgs {
    /// A plan (YAML) or an artifact written by `plan compile`.
    #[arg(value_name = "PLAN|ARTIFACT", required_unless_present = "resume")]
    plan: Option<PathBuf>,
    /// Collect what is left of a run whose coordinator was lost, and write its result into the run's own --out; nothing
    /// is started again.
    #[arg(
        long,
        value_name = "RUN",
        requires = "nats",
        requires = "out",
        conflicts_with_all = ["plan", "demo", "nodes", "lease", "on_agent_loss", "pacing", "data_dir", "secrets_file"]
    )]
    resume: Option<String>,
    /// Start the demo shop in this process and put its address into `vars.shop`.
    #[arg(long)]
    demo: bool,
    /// Run on this many nodes in this process; seat i goes to node i mod N.
    #[arg(long, value_name = "N", conflicts_with = "nats")]
    nodes: Option<u32>,
    /// Coordinate agents over this NATS server; `local` starts a private server and one agent for each seat.
    #[arg(long, value_name = "URL|local")]
    nats: Option<String>,
    #[command(flatten)]
    credentials: NatsArgs,
    /// Which agents: those started with the same id.
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// Longest wait for every seat to be taken; overrides the plan.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    join_timeout: Option<Length>,
    /// How long an agent may send load unheard; overrides the plan.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    lease: Option<Length>,
    /// What happens when an agent is lost; overrides the plan.
    #[arg(long, value_name = "POLICY")]
    on_agent_loss: Option<OnAgentLoss>,
    /// How punctual arrivals of open loads are [default: precise]; agents behind a NATS server have their own.
    #[arg(long, value_name = "MODE")]
    pacing: Option<Pacing>,
    /// Send one arrival of each scenario, at once and for real, instead of the load: are secrets, endpoints and agents
    /// there, does the plan work?
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    overrides: OverrideArgs,
    #[command(flatten)]
    permit: PermitArgs,
    /// Read data and body files from here instead of the plan's folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// `NAME=value` lines, read besides the environment for secrets.
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Results folder, absent or empty [default: results/<plan>-<time>-<run>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Which reports to write, of html,md,txt,csv,junit.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "html,md,txt,csv,junit"
    )]
    report: Vec<Kind>,
    /// Render a template of your own besides, to `user-<name>`.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// No progress, no summary; errors only.
    #[arg(long)]
    quiet: bool,
    /// Terminal output: for people, or one JSON object a line for each event.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// What happens when an agent is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum OnAgentLoss {
    /// The run stops, exit 96.
    Fail,
    /// The run goes on without its arrivals.
    Continue,
    /// Others of its group take its arrivals over.
    Redistribute,
}

impl From<OnAgentLoss> for artifact::OnAgentLoss {
    fn from(policy: OnAgentLoss) -> artifact::OnAgentLoss {
        match policy {
            OnAgentLoss::Fail => artifact::OnAgentLoss::Fail,
            OnAgentLoss::Continue => artifact::OnAgentLoss::Continue,
            OnAgentLoss::Redistribute => artifact::OnAgentLoss::Redistribute,
        }
    }
}

/// An end before the run: what to print, and what to exit with.
struct Refusal {
    exit: Exit,
    message: String,
}

impl Refusal {
    fn new(exit: Exit, message: impl Into<String>) -> Refusal {
        Refusal { exit, message: message.into() }
    }

    fn usage(message: impl Into<String>) -> Refusal {
        Refusal::new(Exit::Usage, message)
    }
}

/// Events that may wait for the terminal; a terminal that stands still longer loses events, not load.
const EVENTS_MAX: usize = 4096;

/// Runs `volley run`.
pub(super) async fn run(args: RunArgs) -> Exit {
    match attempt(args).await {
        Ok(exit) => exit,
        Err(refusal) => {
            if !refusal.message.is_empty() {
                complain(&refusal.message);
            }
            refusal.exit
        }
    }
}

async fn attempt(args: RunArgs) -> Result<Exit, Refusal> {
    if let (Some(run), Some(out)) = (&args.resume, &args.out) {
        return resume::resume(&args, run, out).await;
    }
    let template = args.template.as_deref().map(report::read_template).transpose();
    let template = template.map_err(|error| Refusal::usage(chain(&error)))?;
    let plan = args.plan.as_deref().ok_or_else(|| Refusal::usage("name a plan or an artifact"))?;
    let mut loaded = load::load(plan, &args)?;
    let out = outcome::results_folder(&args, &loaded)?;
    check_places(&args, &loaded.artifact)?;
    let secrets = read_secrets(&args, &loaded.artifact)?;
    let clock = Clock::real();
    let demo = start_demo(&args, &mut loaded, &clock)?;
    if args.dry_run {
        loaded.artifact = Arc::new(cluster::dry_run(&loaded.artifact));
    }

    let stopped = signal::stop_requests(
        "stopping: what runs may end, results follow; once more to cut it",
    )
    .map_err(|error| Refusal::new(Exit::Internal, format!("cannot watch signals: {error}")))?;
    let fleet = match &args.nats {
        Some(place) => Some(fleet::reach(place, &args, &loaded).await?),
        None => None,
    };
    let out = outcome::prepare(out)?;
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let shown = tokio::spawn(progress::show(received, args.format, args.quiet));
    let sink = RunSink::new(&loaded.artifact);
    let job = job(&args, &loaded, &out);
    let nodes = args.nodes.unwrap_or(1);
    let loader = Arc::new(loader(&args, nodes, loaded.permit.clone(), secrets, &clock));
    let mut finished = match fleet {
        Some(fleet) => {
            let bus = fleet.bus.clone();
            let finished = inside::run(job, bus, loader, clock, stopped, events, sink).await;
            fleet.leave().await;
            finished
        }
        None => embedded::run(job, nodes, loader, clock, stopped, events, sink).await,
    };
    shown.await.ok();
    if let Some(demo) = demo
        && let Err(error) = demo.stop()
    {
        complain(&format!("the demo shop did not end well: {error}"));
    }
    if args.dry_run {
        let (code, message) = dry_run::WARNING;
        finished.record.warnings.push((code.to_owned(), message.to_owned()));
    }
    let result = RunResult::build(&loaded.artifact, &finished.record, &finished.sink.totals);
    let spare = std::env::temp_dir();
    let kept = outcome::write(&out, &spare, &result, &args.report, template.as_ref());
    outcome::conclude(&args, &result, &finished.record.ending, &kept);
    resume::close_journal(&out);
    Ok(kept.exit(&result))
}

/// The results of a run as they come in, and who judges them meanwhile.
struct RunSink {
    totals: Totals,
    judge: Judge,
}

impl RunSink {
    fn new(artifact: &Arc<Artifact>) -> RunSink {
        RunSink { totals: Totals::new(artifact), judge: Judge::new(Arc::clone(artifact)) }
    }
}

impl Sink for RunSink {
    fn window(&mut self, node: usize, window: &Window) {
        self.totals.apply(node, window);
    }

    fn starts(&mut self, scenario: usize, start_ns: u64) {
        self.totals.start_at(scenario, start_ns);
    }

    fn missed_abort(&mut self, complete_until: u32) -> Option<String> {
        self.judge.missed_abort(&self.totals, u64::from(complete_until))
    }
}

/// Returns what prepares one of `nodes` nodes of this process.
fn loader(
    args: &RunArgs,
    nodes: u32,
    permit: Permit,
    read_secret: ReadSecret,
    clock: &Clock,
) -> NodeLoader {
    let start_driver = super::http_drivers(permit.targets.clone());
    let workers = super::cores() / usize::try_from(nodes).unwrap_or(usize::MAX);
    NodeLoader {
        clock: clock.clone(),
        workers: workers.max(1),
        pacing: args.pacing.map_or(runtime::Pacing::Precise, runtime::Pacing::from),
        permit,
        read_secret,
        start_driver,
    }
}

fn job(args: &RunArgs, loaded: &Loaded, out: &Path) -> Job {
    let nodes = &loaded.artifact.nodes;
    Job {
        run: loaded.run.clone(),
        cluster: args.cluster.clone(),
        artifact: Arc::clone(&loaded.artifact),
        artifact_bytes: loaded.bytes.clone(),
        signatures: loaded.signatures.clone(),
        files: loaded.files.clone(),
        vars: loaded.vars.clone(),
        seed: loaded.seed,
        dry_run: args.dry_run,
        seating: Seating::OnePerAgent,
        join_timeout_ns: args.join_timeout.map_or(nodes.join_timeout_ns, |length| length.0),
        lease_ns: args.lease.map_or(nodes.lease_ns, |length| length.0),
        on_agent_loss: args.on_agent_loss.map_or(nodes.on_agent_loss, Into::into),
        journal: (args.nats.is_some() && !args.dry_run).then(|| out.join(journal::FILE)),
    }
}

fn check_places(args: &RunArgs, artifact: &Artifact) -> Result<(), Refusal> {
    if args.pacing.is_some() && args.nats.as_deref().is_some_and(|place| place != "local") {
        return Err(Refusal::usage("--pacing is each agent's own: give it to `volley agent`"));
    }
    if args.permit.bounds_targets() && args.nats.as_deref().is_some_and(|place| place != "local") {
        return Err(Refusal::usage(
            "--allow-target is each agent's own: give it to `volley agent`",
        ));
    }
    let seats: u32 = artifact.nodes.groups.values().map(|group| group.agents).sum();
    match args.nodes {
        Some(0) => Err(Refusal::usage("--nodes 0: a run needs a node")),
        Some(nodes) if nodes > seats => Err(Refusal::usage(format!(
            "--nodes {nodes}: the plan has {seats} seats, so at most {seats} nodes"
        ))),
        _ if args.nats.is_some() => Ok(()),
        // All nodes are in this process.
        _ => runtime::check_descriptors(artifact, &all_seats(artifact)).map_err(Refusal::usage),
    }
}

/// Returns every seat of the plan.
fn all_seats(artifact: &Artifact) -> Vec<String> {
    let groups = artifact.nodes.groups.iter();
    groups
        .flat_map(|(name, group)| (0..group.agents).map(move |at| format!("{name}/{at}")))
        .collect()
}

/// Reads the secrets of an embedded run; over NATS each node reads its own.
fn read_secrets(args: &RunArgs, artifact: &Artifact) -> Result<ReadSecret, Refusal> {
    let read = secrets::reader(args.secrets_file.as_deref()).map_err(Refusal::usage)?;
    if args.nats.is_none() {
        let missing: Vec<String> = artifact
            .secrets
            .iter()
            .filter(|(_, source)| read(source).is_none())
            .map(|(name, source)| match source {
                SecretSource::Env(variable) => {
                    format!("secret `{name}`: environment variable {variable} is not set")
                }
                SecretSource::File(path) => format!("secret `{name}`: cannot read {path}"),
            })
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::usage(missing.join("\nerror: ")));
        }
    }
    Ok(read)
}

/// Starts the demo shop and points `vars.shop` at it.
fn start_demo(args: &RunArgs, loaded: &mut Loaded, clock: &Clock) -> Result<Option<Demo>, Refusal> {
    if !args.demo {
        return Ok(None);
    }
    if args.nats.is_some() {
        return Err(Refusal::usage(
            "--demo serves this process alone; with --nats start `volley target` and pass --var shop=URL",
        ));
    }
    if loaded.set_vars.contains("shop") {
        return Err(Refusal::usage("--demo sets `vars.shop` itself: leave --var shop out"));
    }
    match loaded.artifact.vars.get("shop") {
        None => {
            return Err(Refusal::usage(
                "--demo needs a plan with `vars: { shop: … }` to point at the shop",
            ));
        }
        Some(var) if var.fixed => {
            return Err(Refusal::usage(
                "--demo cannot set `vars.shop`: the plan's load depends on it",
            ));
        }
        Some(_) => {}
    }
    let demo = demo::start(demo::DemoOptions::default(), clock.clone()).map_err(|error| {
        Refusal::new(Exit::Internal, format!("cannot start the demo shop: {error}"))
    })?;
    loaded.vars.insert("shop".to_owned(), format!("http://{}", demo.addr));
    Ok(Some(demo))
}

/// Returns a fresh run id, ten of `[a-z0-9]`.
fn run_id() -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..10).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

/// Reads a length of time as plans write it.
pub(super) fn length(text: &str) -> Result<Length, String> {
    Length::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}
