//! `volley agent`: waits for runs on a NATS server, executes its seat, reports.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use compiler::exit::Exit;
use tokio::sync::watch;

use super::nats::NatsArgs;
use super::secrets;
use crate::clock::Clock;
use crate::cluster::agent::{self, AgentEnd, AgentOptions};
use crate::cluster::bus::Bus;
use crate::cluster::node::NodeLoader;
use crate::cluster::{self, StopRequest};
use crate::driver::{Driver, HttpDriver};

/// Flags of `volley agent`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example: volley agent --nats nats://broker:4222 --group eu --label zone=a --once"
)]
pub struct AgentArgs {
    /// The NATS server; several with commas.
    #[arg(long, value_name = "URL")]
    nats: String,
    /// Which coordinators it serves.
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// Its name, one process each; by default made of the host's name and the process id.
    #[arg(long, value_name = "NAME", value_parser = token)]
    name: Option<String>,
    /// Which group's seats it takes.
    #[arg(long, value_name = "G", default_value = "default")]
    group: String,
    /// A label, compared with what groups require; several times for several.
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Ends after one run.
    #[arg(long)]
    once: bool,
    /// Threads that run load; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// `NAME=value` lines, read besides the environment for secrets.
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    #[command(flatten)]
    access: NatsArgs,
}

/// Serves until a signal, or after one run with `--once`. A second signal ends it at once.
pub async fn run(args: AgentArgs) -> Exit {
    let end = serve(args).await;
    if let Some(message) = &end.message {
        // Nobody is left to be told when the standard error is gone.
        writeln!(io::stderr(), "volley agent: {message}").unwrap_or_default();
    }
    end.exit
}

async fn serve(args: AgentArgs) -> AgentEnd {
    let fail = |exit, message| AgentEnd { exit, message: Some(message) };
    let stop = match stop_on_signals() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Internal, format!("signals cannot be watched: {error}")),
    };
    let name = args.name.clone().unwrap_or_else(default_name);
    let prepared = secrets::reader(args.secrets_file.as_deref()).and_then(|read_secret| {
        let nats = args.access.options(&args.nats, &args.cluster, Some(&name))?;
        Ok((read_secret, nats))
    });
    let (read_secret, nats) = match prepared {
        Ok(prepared) => prepared,
        Err(message) => return fail(Exit::Usage, message),
    };
    let bus = match Bus::connect(nats).await {
        Ok(bus) => bus,
        Err(message) => return fail(Exit::ClusterFailed, message),
    };
    tracing::info!(name, cluster = args.cluster, group = args.group, "waiting for runs");
    let clock = Clock::real();
    let loader = NodeLoader {
        clock: clock.clone(),
        workers: args.workers.map_or_else(cores, usize::from),
        read_secret,
        start_driver: Arc::new(|program, clock| {
            Ok(Driver::Http(HttpDriver::new(program.targets(), clock.clone())?))
        }),
    };
    let options = AgentOptions {
        name,
        cluster: args.cluster,
        group: args.group,
        labels: args.labels.into_iter().collect::<BTreeMap<String, String>>(),
        once: args.once,
    };
    agent::run(options, Arc::new(loader), bus, clock, stop).await
}

/// Returns a channel on which the first SIGINT or SIGTERM asks to drain, the second to abort.
///
/// # Errors
/// The operating system does not let us.
pub fn stop_on_signals() -> io::Result<watch::Receiver<Option<StopRequest>>> {
    let (sender, receiver) = watch::channel(None);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            for request in [StopRequest::Drain, StopRequest::Abort] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_replace(Some(request));
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        for request in [StopRequest::Drain, StopRequest::Abort] {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            sender.send_replace(Some(request));
        }
    });
    Ok(receiver)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the host's name and the process id as one token.
fn default_name() -> String {
    let host: String = cluster::host()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' })
        .take(48)
        .collect();
    format!("{host}-{}", std::process::id())
}

fn token(text: &str) -> Result<String, String> {
    if cluster::is_token(text) {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 64 characters of `A-Z a-z 0-9 _ -`".to_owned())
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write a label as `key=value`")?;
    if key.is_empty() {
        return Err("a label needs a key before `=`".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        agent: AgentArgs,
    }

    #[test]
    fn flags_are_checked_before_anything_is_connected() {
        let parse = |flags: &[&str]| {
            let all = ["agent", "--nats", "nats://h"].iter().chain(flags);
            Cli::try_parse_from(all).map(|cli| cli.agent)
        };
        let args = parse(&["--label", "zone=a=b", "--label", "x=", "--workers", "4"]).unwrap();
        let labels = [("zone".to_owned(), "a=b".to_owned()), ("x".to_owned(), String::new())];
        assert_eq!((args.labels.as_slice(), args.workers), (labels.as_slice(), Some(4)));
        assert!(cluster::is_token(&default_name()));
        for bad in [
            ["--label", "zone"],
            ["--name", "a.b"],
            ["--workers", "0"],
            ["--nats-user", "u"],
            ["--tls-cert", "c"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
