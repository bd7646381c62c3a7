//! Where a fleet is: agents behind a NATS server, or a private server with agents of its own.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use compiler::artifact::{Artifact, COORDINATOR};
use compiler::exit::Exit;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::child::{LastWords, end, kept, status};
use super::load::Loaded;
use super::{Refusal, RunArgs};
use crate::cli::instant;
use crate::clock::Clock;
use crate::cluster;
use crate::cluster::bus::Bus;
use crate::cluster::claim::{self, ClaimError, Hold, Place};

/// Longest wait for a private server to come up, and for its agents to end.
const LOCAL_WAIT: Duration = Duration::from_secs(10);

/// A broker that was reached, and the processes behind it that are ours to end.
pub(super) struct Fleet {
    /// The coordinator's connection.
    pub(super) bus: Bus,
    /// The right to coordinate; a server of our own has nobody else on it.
    lock: Option<Hold>,
    agents: Vec<Child>,
    server: Option<Child>,
}

/// Connects to the server at `place`, or starts a private one with its agents for `local`.
pub(super) async fn reach(place: &str, args: &RunArgs, loaded: &Loaded) -> Result<Fleet, Refusal> {
    if place == "local" {
        return private_fleet(args, loaded).await;
    }
    let bus = connect(args, place, &args.cluster).await?;
    let lock = Some(lock(&bus, &args.cluster, &loaded.run).await?);
    Ok(Fleet { bus, lock, agents: Vec::new(), server: None })
}

/// Takes the right to coordinate `cluster`, which one run has at a time.
pub(super) async fn lock(bus: &Bus, cluster: &str, run: &str) -> Result<Hold, Refusal> {
    let clock = Clock::real();
    let me = claim::claimant(cluster::nonce(), Some(run.to_owned()), &clock);
    let taken = claim::take(bus.clone(), cluster, &Place::Lock, me, clock).await;
    taken.map_err(|error| {
        let why = match &error {
            ClaimError::Taken(by) => format!(
                "cluster `{cluster}` is busy: run {} coordinates it ({}, since {}); wait for its end, or use \
                 agents of your own with another --cluster",
                by.run.as_deref().unwrap_or("without an id"),
                by.title(),
                instant(by.since_ms)
            ),
            ClaimError::Bus(..) => error.to_string(),
        };
        Refusal::new(Exit::ClusterFailed, why)
    })
}

/// Connects to the server at `url` as the coordinator of `cluster`.
pub(super) async fn connect(args: &RunArgs, url: &str, cluster: &str) -> Result<Bus, Refusal> {
    let options = args.credentials.options(url, cluster, None).map_err(Refusal::usage)?;
    Bus::connect(options).await.map_err(|why| Refusal::new(Exit::ClusterFailed, why))
}

/// Starts a private `nats-server` and one agent process for each seat.
async fn private_fleet(args: &RunArgs, loaded: &Loaded) -> Result<Fleet, Refusal> {
    let failed = |what: &str, error: std::io::Error| {
        Refusal::new(Exit::ClusterFailed, format!("{what}: {error}"))
    };
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| failed("no free port for nats-server", error))?
        .port();
    let program = std::env::current_exe()
        .map_err(|error| failed("cannot find the program to start agents with", error))?;
    is_installed().await?;
    let mut server = kept(&program, "nats-server");
    server.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stderr(Stdio::piped());
    let mut server = server.spawn().map_err(|error| failed("cannot start nats-server", error))?;
    let words = LastWords::of(&mut server);
    let url = format!("nats://127.0.0.1:{port}");
    let bus = match up(args, &url, &mut server).await {
        Ok(bus) => bus,
        Err(refusal) => {
            end(server, LOCAL_WAIT).await;
            return Err(refusal.said("nats-server", &words.told().await));
        }
    };
    let mut fleet = Fleet { bus, lock: None, agents: Vec::new(), server: Some(server) };
    // The coordinator's own seat is taken inside this process.
    for (seat, group) in seats(&loaded.artifact).filter(|(_, group)| *group != COORDINATOR) {
        let mut agent = kept(&program, &program);
        agent.args(["agent", "--once", "--quiet", "--nats", &url, "--cluster", &args.cluster]);
        // It ends with this process: what it kept, nobody could ask for.
        agent.args(["--keep", "0s"]);
        agent.args(["--name", &seat.replace('/', "-"), "--group", group]);
        for (label, value) in &loaded.artifact.nodes.groups[group].requires {
            agent.args(["--label", &format!("{label}={value}")]);
        }
        if let Some(pacing) = args.pacing {
            agent.args(["--pacing", pacing.name()]);
        }
        agent.args(args.permit.flags(&loaded.permit));
        if let Some(file) = &args.secrets_file {
            agent.arg("--secrets-file").arg(file);
        }
        let agent = agent.spawn().map_err(|error| failed("cannot start an agent", error))?;
        fleet.agents.push(agent);
    }
    Ok(fleet)
}

/// Finds out whether there is a `nats-server` that can be started.
async fn is_installed() -> Result<(), Refusal> {
    let mut version = Command::new("nats-server");
    version.arg("--version");
    let why = match status(version, LOCAL_WAIT).await {
        Some(Ok(_)) => return Ok(()),
        Some(Err(error)) => error.to_string(),
        None => "it did not tell its version in time".to_owned(),
    };
    let message = format!("--nats local needs `nats-server` on PATH: {why}");
    let hint =
        "install it (Debian: apt-get install nats-server) or name a running one with --nats URL";
    Err(Refusal::new(Exit::ClusterFailed, message).hint(hint))
}

/// Connects to `server`, which is just starting.
async fn up(args: &RunArgs, url: &str, server: &mut Child) -> Result<Bus, Refusal> {
    let address = url.trim_start_matches("nats://");
    let listens = async {
        loop {
            if let Ok(Some(status)) = server.try_wait() {
                return Err(format!("nats-server ended at once ({status})"));
            }
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let late = || Err(format!("nats-server did not listen on {address} in time"));
    let listens = tokio::time::timeout(LOCAL_WAIT, listens).await.unwrap_or_else(|_| late());
    listens.map_err(|why| Refusal::new(Exit::ClusterFailed, why))?;
    connect(args, url, &args.cluster).await
}

/// Returns every seat with its group.
fn seats(artifact: &Artifact) -> impl Iterator<Item = (String, &str)> {
    artifact.nodes.groups.iter().flat_map(|(name, group)| {
        (0..group.agents).map(move |number| (format!("{name}/{number}"), name.as_str()))
    })
}

impl Fleet {
    /// Ends what was started here: agents end by themselves when the run is over, and are cut after [`LOCAL_WAIT`].
    pub(super) async fn leave(self) {
        let Fleet { bus, lock, agents, server } = self;
        let mut leaving = JoinSet::new();
        for mut agent in agents {
            leaving.spawn(async move {
                // Waiting takes care of standard input too, which is what keeps the agent alive.
                let keep = agent.stdin.take();
                if tokio::time::timeout(LOCAL_WAIT, agent.wait()).await.is_err() {
                    drop(keep);
                    end(agent, LOCAL_WAIT).await;
                }
            });
        }
        leaving.join_all().await;
        drop(lock);
        bus.close().await;
        if let Some(server) = server {
            end(server, LOCAL_WAIT).await;
        }
    }
}

impl Refusal {
    /// Adds what to do.
    fn hint(mut self, hint: &str) -> Refusal {
        self.message = format!("{}; {hint}", self.message);
        self
    }
    /// Adds what a process said last, if it said anything.
    fn said(mut self, who: &str, words: &str) -> Refusal {
        if !words.is_empty() {
            self.message = format!("{}; {who} said:\n  {words}", self.message);
        }
        self
    }
}
