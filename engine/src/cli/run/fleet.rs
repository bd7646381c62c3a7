//! Where a fleet is: agents behind a NATS server, or a private server with agents of its own.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use compiler::artifact::Artifact;
use compiler::exit::Exit;
use tokio::process::{Child, Command};

use super::load::Loaded;
use super::{Refusal, RunArgs};
use crate::cluster::bus::Bus;

/// Longest wait for a private server to come up, and for its agents to end.
const LOCAL_WAIT: Duration = Duration::from_secs(10);

/// A broker that was reached, and the processes behind it that are ours to end.
pub(super) struct Fleet {
    /// The coordinator's connection.
    pub(super) bus: Bus,
    agents: Vec<Child>,
    server: Option<Child>,
}

/// Connects to the server at `place`, or starts a private one with its agents for `local`.
pub(super) async fn reach(place: &str, args: &RunArgs, loaded: &Loaded) -> Result<Fleet, Refusal> {
    if place == "local" {
        return private_fleet(args, loaded).await;
    }
    let bus = connect(args, place).await?;
    Ok(Fleet { bus, agents: Vec::new(), server: None })
}

async fn connect(args: &RunArgs, url: &str) -> Result<Bus, Refusal> {
    let options = args.credentials.options(url, &args.cluster, None).map_err(Refusal::usage)?;
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
    let version = Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().await;
    version.map_err(|error| {
        let hint = "install it (Debian: apt-get install nats-server) or name a running one with --nats URL";
        failed("--nats local needs `nats-server` on PATH", error).hint(hint)
    })?;
    let mut server = kept(&program, "nats-server");
    server.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stderr(Stdio::null());
    let server = server.spawn().map_err(|error| failed("cannot start nats-server", error))?;
    let url = format!("nats://127.0.0.1:{port}");
    let mut fleet = Fleet { bus: up(args, &url).await?, agents: Vec::new(), server: Some(server) };
    for (seat, group) in seats(&loaded.artifact) {
        let mut agent = kept(&program, &program);
        agent.args(["agent", "--once", "--quiet", "--nats", &url, "--cluster", &args.cluster]);
        agent.args(["--name", &seat.replace('/', "-"), "--group", group]);
        for (label, value) in &loaded.artifact.nodes.groups[group].requires {
            agent.args(["--label", &format!("{label}={value}")]);
        }
        if let Some(pacing) = args.pacing {
            agent.args(["--pacing", pacing.name()]);
        }
        if let Some(file) = &args.secrets_file {
            agent.arg("--secrets-file").arg(file);
        }
        let agent = agent.spawn().map_err(|error| failed("cannot start an agent", error))?;
        fleet.agents.push(agent);
    }
    Ok(fleet)
}

/// Connects to a server that is just starting.
async fn up(args: &RunArgs, url: &str) -> Result<Bus, Refusal> {
    let address = url.trim_start_matches("nats://");
    let listens = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LOCAL_WAIT, listens).await.map_err(|_| {
        Refusal::new(
            Exit::ClusterFailed,
            format!("nats-server did not listen on {address} in time"),
        )
    })?;
    connect(args, url).await
}

/// Returns how to start `program` so that it ends with this process, even when that is killed: `volley keep` ends it
/// once the pipe of its standard input is closed. It is kept off the terminal: an interrupt is for the coordinator,
/// which stops its agents itself.
fn kept(keeper: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(keeper);
    command.args(["keep", "--"]).arg(program);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    command
}

/// Ends a kept program.
async fn end(mut child: Child) {
    drop(child.stdin.take());
    if tokio::time::timeout(LOCAL_WAIT, child.wait()).await.is_err() {
        child.kill().await.ok();
    }
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
        let Fleet { bus, agents, server } = self;
        for mut agent in agents {
            // Waiting takes care of standard input too, which is what keeps the agent alive.
            let keep = agent.stdin.take();
            if tokio::time::timeout(LOCAL_WAIT, agent.wait()).await.is_err() {
                drop(keep);
                end(agent).await;
            }
        }
        bus.close().await;
        if let Some(server) = server {
            end(server).await;
        }
    }
}

impl Refusal {
    /// Adds what to do.
    fn hint(mut self, hint: &str) -> Refusal {
        self.message = format!("{}; {hint}", self.message);
        self
    }
}
