//! `volley agent`: waits for runs on a NATS server and executes a seat of each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use compiler::artifact::SecretSource;
use compiler::exit::Exit;
use tokio::sync::watch;

use super::nats::{NatsArgs, token};
use super::signal::Signals;
use super::{complain, secrets};
use crate::clock::Clock;
use crate::cluster::StopRequest;
use crate::cluster::agent::{self, AgentOptions};
use crate::cluster::bus::Bus;
use crate::cluster::node::NodeLoader;

/// Waits for runs, executes a seat of each, reports, and waits again.
///
/// It takes a seat of its group if its labels include what the group requires. Exit codes: 0 ended, with --once
/// whatever the run's verdict, 95 artifact refused, 96 cannot enrol, 130 interrupted.
#[derive(Args, Debug)]
pub(super) struct AgentArgs {
    /// NATS server: nats://host:port, several with commas
    #[arg(long, value_name = "URL", env = "VOLLEY_NATS")]
    nats: String,
    /// Which coordinator's agents: those with the same id
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// Name, one process each [default: host name and process id]
    #[arg(long, value_name = "NAME", value_parser = token)]
    name: Option<String>,
    /// Which group's seats it takes
    #[arg(long, value_name = "G", default_value = "default")]
    group: String,
    /// A label, compared as text with what groups require; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// End after one run
    #[arg(long)]
    once: bool,
    /// Threads that send load [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// `NAME=value` lines, read besides the environment for secrets
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    #[command(flatten)]
    credentials: NatsArgs,
}

/// Runs `volley agent`.
pub(super) async fn run(args: AgentArgs) -> Exit {
    match attempt(args).await {
        Ok(exit) => exit,
        Err((exit, message)) => {
            complain(&message);
            exit
        }
    }
}

async fn attempt(args: AgentArgs) -> Result<Exit, (Exit, String)> {
    let usage = |message: String| (Exit::Usage, message);
    let file = match &args.secrets_file {
        Some(path) => secrets::read_file(path).map_err(usage)?,
        None => BTreeMap::new(),
    };
    let name = args.name.unwrap_or_else(own_name);
    let nats = args.credentials.options(&args.nats, &args.cluster, Some(&name)).map_err(usage)?;
    let signals = Signals::new()
        .map_err(|error| (Exit::Internal, format!("cannot watch signals: {error}")))?;
    let bus = Bus::connect(nats).await.map_err(|why| (Exit::ClusterFailed, why))?;
    let clock = Clock::real();
    let loader = NodeLoader {
        clock: clock.clone(),
        workers: args.workers.map_or_else(super::cores, usize::from),
        read_secret: Arc::new(move |source: &SecretSource| secrets::look_up(source, &file)),
        start_driver: super::http_drivers(),
    };
    let options = AgentOptions {
        name: name.clone(),
        cluster: args.cluster,
        group: args.group,
        labels: args.labels.into_iter().collect(),
        once: args.once,
    };
    complain_not(&format!("agent {name} waits for runs on {}", args.nats));
    let stop = watch_signals(signals);
    let end = agent::run(options, Arc::new(loader), bus.clone(), clock, stop).await;
    bus.close().await;
    match end.message {
        Some(message) => Err((end.exit, message)),
        None => Ok(end.exit),
    }
}

/// Tells where the agent stands; a note on standard error, not an error.
fn complain_not(message: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{message}").ok();
}

/// The first signal drains, the second ends at once.
fn watch_signals(mut signals: Signals) -> watch::Receiver<Option<StopRequest>> {
    let (stop, stopped) = watch::channel(None);
    tokio::spawn(async move {
        for request in [StopRequest::Drain, StopRequest::Abort] {
            signals.next().await;
            stop.send_replace(Some(request));
        }
        stop.closed().await;
    });
    stopped
}

/// Returns this machine's name and the process id, as a subject can hold them.
fn own_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let host: String = host.chars().take(48).map(fits).collect();
    format!("{host}-{}", std::process::id())
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}
