//! `volley agent`: waits for runs on a NATS server, executes its seat, reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compiler::artifact::COORDINATOR;
use compiler::exit::Exit;
use compiler::unit::Length;

use super::nats::NatsArgs;
use super::pacing::Pacing;
use super::permit::PermitArgs;
use super::run::length;
use super::{complain, note, secrets, signal};
use crate::clock::Clock;
use crate::cluster;
use crate::cluster::agent::{self, AgentEnd, AgentOptions, KeepOptions};
use crate::cluster::bus::Bus;
use crate::cluster::nats::shown;
use crate::cluster::node::NodeLoader;

/// Flags of `volley agent`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  volley agent --nats nats://broker:4222\n  \
                  volley agent --nats nats://broker:4222 --group eu --label zone=a --once\n\n\
                  When the coordinator is lost, the load stops at the end of the lease and the results are kept, \
                  until `volley run --resume` takes them or --keep is over.\n\n\
                  Ctrl-C or SIGTERM leaves a run after what runs has ended; a second one cuts.\n\n\
                  Exit codes:\n  0   served one run with --once, whatever its verdict\n  \
                  2   usage: a bad flag, an unreadable file\n  \
                  95  with --once: refused the artifact, or nobody it trusts signed it\n  \
                  96  cannot enrol: no broker, denied, the name is taken, no such group; \
                  with --once also a run it could not serve\n  130 interrupted")]
pub(super) struct AgentArgs {
    /// The NATS server; several with commas.
    #[arg(long, value_name = "URL", env = "VOLLEY_NATS", hide_env_values = true)]
    nats: String,
    /// Which coordinators it serves.
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// Its name, one process each [default: the host's name and the process id].
    #[arg(long, value_name = "NAME", value_parser = own_token)]
    name: Option<String>,
    /// Which group's seats it takes.
    #[arg(long, value_name = "G", default_value = "default", value_parser = own)]
    group: String,
    /// A label, compared with what groups require; several times for several.
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// End after one run.
    #[arg(long)]
    once: bool,
    /// Say nothing but errors.
    #[arg(long, hide = true)]
    quiet: bool,
    /// Threads that run load [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// How punctual arrivals of open loads are.
    #[arg(long, value_name = "MODE", default_value = "precise")]
    pacing: Pacing,
    /// Where results are kept that no coordinator took; a restarted agent of the same --name delivers them
    /// [default: $XDG_STATE_HOME/volley or ~/.local/state/volley].
    #[arg(long, value_name = "DIR")]
    keep_dir: Option<PathBuf>,
    /// For how long; `0s` keeps nothing. At most 1 GiB, the oldest goes first.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = length)]
    keep: Length,
    /// `NAME=value` lines, read besides the environment for secrets.
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    #[command(flatten)]
    permit: PermitArgs,
    #[command(flatten)]
    access: NatsArgs,
}

/// Serves until a signal, or after one run with `--once`. A second signal ends it at once.
pub(super) async fn run(args: AgentArgs) -> Exit {
    let end = serve(args).await;
    if let Some(message) = &end.message {
        match end.exit {
            Exit::Interrupted => note(message),
            _ => complain(message),
        }
    }
    end.exit
}

async fn serve(args: AgentArgs) -> AgentEnd {
    let fail = |exit, message| AgentEnd { exit, message: Some(message) };
    let stop = match signal::stop_requests("stopping: what runs may end; once more to cut it") {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Internal, format!("signals cannot be watched: {error}")),
    };
    let name = args.name.clone().unwrap_or_else(default_name);
    let prepared = secrets::reader(args.secrets_file.as_deref()).and_then(|read_secret| {
        let permit = args.permit.permit().map_err(|error| super::chain(&error))?;
        let nats = args.access.options(&args.nats, &args.cluster, Some(&name))?;
        Ok((read_secret, permit, nats))
    });
    let (read_secret, permit, nats) = match prepared {
        Ok(prepared) => prepared,
        Err(message) => return fail(Exit::Usage, message),
    };
    let bus = match Bus::connect(nats).await {
        Ok(bus) => bus,
        Err(message) => return fail(Exit::ClusterFailed, message),
    };
    let clock = Clock::real();
    let loader = NodeLoader {
        clock: clock.clone(),
        workers: args.workers.map_or_else(super::cores, usize::from),
        pacing: args.pacing.into(),
        read_secret,
        start_driver: super::http_drivers(permit.targets.clone()),
        permit,
    };
    let keep = keep(&args);
    let options = AgentOptions {
        name,
        cluster: args.cluster,
        group: args.group,
        labels: args.labels.into_iter().collect::<BTreeMap<String, String>>(),
        once: args.once,
        keep,
        say: if args.quiet { |_| {} } else { note },
    };
    (options.say)(&format!("connected to {}", shown(&args.nats)));
    let end = agent::run(options, Arc::new(loader), bus.clone(), clock, stop).await;
    bus.close().await;
    end
}

/// Returns how results are kept that nobody has taken; `None` if they are not.
fn keep(args: &AgentArgs) -> Option<KeepOptions> {
    let state =
        || std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    let home = || std::env::home_dir().map(|home| home.join(".local/state"));
    let standard = || state().or_else(home).map(|folder| folder.join("volley"));
    let folder = args.keep_dir.clone().or_else(standard);
    let keep = Duration::from_nanos(args.keep.0);
    (!keep.is_zero()).then_some(KeepOptions { folder, keep })
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

pub(super) fn token(text: &str) -> Result<String, String> {
    if cluster::is_token(text) {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 64 characters of `A-Z a-z 0-9 _ -`".to_owned())
    }
}

fn own_token(text: &str) -> Result<String, String> {
    own(text).and_then(|text| token(&text))
}

/// Refuses what the node inside `volley run` is called.
fn own(text: &str) -> Result<String, String> {
    if text == COORDINATOR {
        return Err("`coordinator` is the node inside `volley run`: choose another word".to_owned());
    }
    Ok(text.to_owned())
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
            ["--name", "coordinator"],
            ["--group", "coordinator"],
            ["--workers", "0"],
            ["--nats-user", "u"],
            ["--tls-cert", "c"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
