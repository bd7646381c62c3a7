//! What a cluster refuses: through the real `volley`, real servers, and keys and certificates made when a test runs.

mod access;
mod certificate;
mod flood;
mod jwt;
mod permissions;
mod secrets;
mod targets;
mod trust;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::stage::{Process, Said, finish, skipped, volley, wait_for_port};

/// A `nats-server` with a configuration of its own.
struct Broker {
    url: String,
    _process: Process,
}

impl Broker {
    /// Starts one with this text as its configuration, written into `folder`; `None` where none is installed.
    fn start(folder: &Path, configuration: &str) -> Option<Broker> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = folder.join("nats.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c", file.to_str().unwrap()]);
        let log = folder.join("nats.log");
        command.arg("-l").arg(&log).stdout(Stdio::null()).stderr(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let required = std::env::var_os("VOLLEY_REQUIRE_BACKENDS").is_some();
                assert!(!required, "nats-server is required: {error}");
                skipped(&format!("nats-server ({error})"));
                return None;
            }
        };
        let process = Process(child);
        wait_for_port(SocketAddr::from(([127, 0, 0, 1], port)));
        Some(Broker { url: format!("nats://127.0.0.1:{port}"), _process: process })
    }
}

/// Writes `text` into `folder` and returns the file's path.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Starts an agent that serves one run.
fn agent(url: &str, cluster: &str, name: &str, flags: &[&str]) -> Child {
    let mut command = volley();
    command.args(["agent", "--once", "--nats", url, "--cluster", cluster, "--name", name]);
    command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Answers every request with this status and header, each on a connection of its own; returns its address, and the
/// heads of the requests that came.
fn server(answer: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    (url, heads)
}

/// A plan with one seat and ten arrivals, which start soon.
fn plan(shop: &str) -> String {
    format!(
        r#"version: 1
name: secure
vars: {{ shop: "{shop}" }}
endpoints: {{ shop: {{ http: {{ base_url: "{{{{ vars.shop }}}}" }} }} }}
nodes: {{ groups: {{ default: {{ agents: 1 }} }}, tuning: {{ start_delay: 500ms }} }}
scenarios:
  ask:
    load: {{ open: [ {{ rate: 10/s, for: 1s }} ] }}
    steps: [ {{ step: ask, http: {{ get: /health }} }} ]
"#
    )
}

/// A folder with a plan, and what a run on one agent of a cluster says.
struct Stage {
    folder: TempDir,
    plan: String,
}

impl Stage {
    /// Writes [`plan`] for a shop at this address.
    fn new(shop: &str) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let plan = file(folder.path(), "plan.yaml", &plan(shop));
        Stage { folder, plan }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Runs the plan, or `what`, on one agent `eu-1` of cluster `C`; returns what both said.
    fn run_on_agent(
        &self,
        url: &str,
        what: &str,
        run_flags: &[&str],
        agent_flags: &[&str],
    ) -> (Said, Said) {
        let agent = agent(url, "C", "eu-1", agent_flags);
        let mut command = volley();
        let out = self.out();
        command.args(["run", what, "--nats", url, "--cluster", "C", "--join-timeout", "20s"]);
        command.args(["--out", out.to_str().unwrap()]).args(run_flags);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = finish(command.spawn().unwrap());
        // An agent that was not needed waits for the next run.
        let agent = match run.code {
            96 if !run.err.contains("eu-1") => {
                let mut agent = Process(agent);
                agent.0.kill().unwrap();
                Said { code: -1, out: String::new(), err: String::new() }
            }
            _ => finish(agent),
        };
        (run, agent)
    }
}
