//! `volley run`: loads a plan or an artifact, coordinates its run, writes the results.

mod fleet;
mod load;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use compiler::artifact::{Artifact, SecretSource};
use compiler::cli::OverrideArgs;
use compiler::exit::Exit;
use compiler::unit::Length;
use rand::Rng;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::mpsc;

use self::load::Loaded;
use super::agent::token;
use super::nats::NatsArgs;
use super::{chain, complain, say, secrets, signal};
use crate::clock::Clock;
use crate::cluster::node::{NodeLoader, ReadSecret};
use crate::cluster::{Job, Seating, Sink, coordinator, embedded};
use crate::demo::{self, Demo};
use crate::metrics::threshold::Judge;
use crate::metrics::{Ending, Totals, Window};
use crate::report::{self, Kind, RunResult};

/// Runs a plan or a compiled artifact and writes a results folder.
///
/// Without --nats the coordinator and its nodes live in this process. Exit codes: 0 passed, 1 plan rejected, 2 usage,
/// 95 artifact refused, 96 cluster failed, 97 a threshold had no data, 98 load not delivered, 99 a threshold was
/// missed, 130 interrupted.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// A plan (YAML) or an artifact written by `plan compile`.
    #[arg(value_name = "PLAN|ARTIFACT")]
    plan: PathBuf,
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
    /// What happens when an agent is lost; overrides the plan. This version knows `fail`.
    #[arg(long, value_name = "POLICY")]
    on_agent_loss: Option<OnAgentLoss>,
    #[command(flatten)]
    overrides: OverrideArgs,
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
    Fail,
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
    let template = args.template.as_deref().map(report::read_template).transpose();
    let template = template.map_err(|error| Refusal::usage(chain(&error)))?;
    let mut loaded = load::load(&args)?;
    let out = results_folder(&args, &loaded)?;
    check_places(&args, &loaded.artifact)?;
    let secrets = read_secrets(&args, &loaded.artifact)?;
    let clock = Clock::real();
    let demo = start_demo(&args, &mut loaded, &clock)?;

    let stopped = signal::stop_requests(
        "stopping: what runs may end, results follow; once more to cut it",
    )
    .map_err(|error| Refusal::new(Exit::Internal, format!("cannot watch signals: {error}")))?;
    let fleet = match &args.nats {
        Some(place) => Some(fleet::reach(place, &args, &loaded).await?),
        None => None,
    };
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let shown = tokio::spawn(progress::show(received, args.format, args.quiet));
    let sink = RunSink {
        totals: Totals::new(&loaded.artifact),
        judge: Judge::new(Arc::clone(&loaded.artifact)),
    };
    let job = job(&args, &loaded);
    let finished = match fleet {
        Some(fleet) => {
            let bus = fleet.bus.clone();
            let finished = coordinator::run(job, bus, clock, stopped, events, sink).await;
            fleet.leave().await;
            finished
        }
        None => {
            let nodes = args.nodes.unwrap_or(1);
            let workers = super::cores() / usize::try_from(nodes).unwrap_or(usize::MAX);
            let loader = Arc::new(NodeLoader {
                clock: clock.clone(),
                workers: workers.max(1),
                read_secret: secrets,
                start_driver: super::http_drivers(),
            });
            embedded::run(job, nodes, loader, clock, stopped, events, sink).await
        }
    };
    shown.await.ok();
    if let Some(demo) = demo
        && let Err(error) = demo.stop()
    {
        complain(&format!("the demo shop did not end well: {error}"));
    }
    let result = RunResult::build(&loaded.artifact, &finished.record, &finished.sink.totals);
    std::fs::create_dir_all(&out).map_err(|error| {
        Refusal::new(Exit::Internal, format!("cannot make {}: {error}", out.display()))
    })?;
    let written = report::write(&out, &result, &args.report, template.as_ref())
        .map_err(|error| Refusal::new(Exit::Internal, chain(&error)))?;
    conclude(&args, &result, &finished.record.ending, &written);
    Ok(Exit::from_code(result.run.exit_code).unwrap_or(Exit::Internal))
}

/// Says how it ended and where the results are.
fn conclude(args: &RunArgs, result: &RunResult, ending: &Ending, written: &[PathBuf]) {
    match ending {
        Ending::Complete | Ending::Interrupted | Ending::Aborted(_) => {}
        Ending::ArtifactRefused(why) | Ending::ClusterFailed(why) | Ending::Internal(why) => {
            // The summary for people says it too.
            if args.quiet || args.format == Format::Json {
                complain(why);
            }
        }
    }
    if args.quiet {
        return;
    }
    let files = written.iter().map(|path| path.display().to_string());
    match args.format {
        Format::Human => {
            say(&report::summary(result));
            let names: String = files.map(|name| format!("  {name}\n")).collect();
            say(&format!("\nresults\n{names}"));
        }
        Format::Json => {
            let line = serde_json::json!({
                "what": "result", "outcome": result.run.outcome,
                "exit_code": result.run.exit_code, "files": files.collect::<Vec<String>>(),
            });
            say(&format!("{line}\n"));
        }
    }
}

/// The results of a run as they come in, and who judges them meanwhile.
struct RunSink {
    totals: Totals,
    judge: Judge,
}

impl Sink for RunSink {
    fn window(&mut self, node: usize, window: &Window) {
        self.totals.apply(node, window);
    }

    fn missed_abort(&mut self, complete_until: u32) -> Option<String> {
        self.judge.missed_abort(&self.totals, u64::from(complete_until))
    }
}

fn job(args: &RunArgs, loaded: &Loaded) -> Job {
    let nodes = &loaded.artifact.nodes;
    Job {
        run: loaded.run.clone(),
        cluster: args.cluster.clone(),
        artifact: Arc::clone(&loaded.artifact),
        artifact_bytes: loaded.bytes.clone(),
        files: loaded.files.clone(),
        vars: loaded.vars.clone(),
        seed: loaded.seed,
        seating: Seating::OnePerAgent,
        join_timeout_ns: args.join_timeout.map_or(nodes.join_timeout_ns, |length| length.0),
        lease_ns: args.lease.map_or(nodes.lease_ns, |length| length.0),
    }
}

/// Returns the results folder's path; it must be absent or empty.
fn results_folder(args: &RunArgs, loaded: &Loaded) -> Result<PathBuf, Refusal> {
    let Some(out) = &args.out else {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let seconds = i64::try_from(Clock::real().unix_ms() / 1000).unwrap_or(0);
        let now = OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|now| now.format(&format).ok())
            .unwrap_or_default();
        let name = format!("{}-{now}-{}", loaded.artifact.plan, loaded.run);
        return Ok(Path::new("results").join(name));
    };
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(out.clone()),
        Ok(false) => Err(Refusal::usage(format!("results folder {} is not empty", out.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(out.clone()),
        Err(error) => {
            Err(Refusal::usage(format!("cannot use results folder {}: {error}", out.display())))
        }
    }
}

fn check_places(args: &RunArgs, artifact: &Artifact) -> Result<(), Refusal> {
    let seats: u32 = artifact.nodes.groups.values().map(|group| group.agents).sum();
    match args.nodes {
        Some(0) => Err(Refusal::usage("--nodes 0: a run needs a node")),
        Some(nodes) if nodes > seats => Err(Refusal::usage(format!(
            "--nodes {nodes}: the plan has {seats} seats, so at most {seats} nodes"
        ))),
        _ => Ok(()),
    }
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
            return Err(Refusal::usage(missing.join("\nvolley: ")));
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

fn length(text: &str) -> Result<Length, String> {
    Length::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}
