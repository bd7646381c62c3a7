//! The scene of a fault: a shop, a broker, agents behind links of their own, and a run that is watched.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use engine::clock::{Clock, Ticks};
use engine::report::RunResult;
use serde_json::Value;
use tempfile::TempDir;

use super::link::Link;
use super::witness::Witness;
use crate::stage::{self, Nats, Process, Shop, volley, write_plan};

/// Seconds in nanoseconds.
pub(super) const S: u64 = 1_000_000_000;

/// Agents of a scene: `a`, `b` and `c`.
pub(super) const AGENTS: u64 = 3;

/// Beyond the times that the protocol promises: two cores may be building something else.
const SLACK: Duration = Duration::from_secs(20);

/// Events that wait for the test.
const EVENTS_MAX: usize = 10_000;

/// What is planned, and what holds it together.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Arrivals a second, of all agents together.
    pub(super) rate: u64,
    pub(super) seconds: u64,
    pub(super) lease_s: u64,
    /// `nodes.on_agent_loss`.
    pub(super) policy: &'static str,
    /// Least share that must be delivered, in percent.
    pub(super) delivery: u64,
    /// Longest wait for the report of an agent.
    pub(super) final_wait_s: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        let (rate, seconds, lease_s, final_wait_s) = (150, 8, 3, 4);
        Plan { rate, seconds, lease_s, policy: "fail", delivery: 99, final_wait_s }
    }
}

impl Plan {
    /// Arrivals that are planned.
    pub(super) fn planned(&self) -> u64 {
        self.rate * self.seconds
    }

    /// The lease in nanoseconds.
    pub(super) fn lease_ns(&self) -> u64 {
        self.lease_s * S
    }

    /// Most arrivals that one lost agent may leave unaccounted: its share of the rate for lease and guard (200 ms and a
    /// thousandth), a window (1 s) and the time till its acknowledgement (1 s).
    pub(super) fn unaccounted_max(&self) -> u64 {
        let ms = self.lease_s * 1_001 + 200 + 1_000 + 1_000;
        (self.rate * ms).div_ceil(1_000 * AGENTS) + 1
    }

    fn text(&self, shop: &str) -> String {
        let Plan { rate, seconds, lease_s, policy, delivery, final_wait_s } = self;
        format!(
            r#"version: 1
name: fault
seed: 5
vars: {{ shop: "{shop}" }}
endpoints: {{ shop: {{ http: {{ base_url: "{{{{ vars.shop }}}}" }} }} }}
nodes:
  groups: {{ default: {{ agents: {AGENTS} }} }}
  lease: {lease_s}s
  on_agent_loss: {policy}
  tuning: {{ beat: 500ms, suspect: 1s, start_delay: 1s, final_wait: {final_wait_s}s }}
delivery: {{ min: {delivery}% }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: {rate}/s, for: {seconds}s }} ] }}
    graceful_stop: 2s
    steps: [ {{ step: look, http: {{ get: /health }} }} ]
"#
        )
    }

    /// Longest time from the start of `volley run` to its end, whatever happens.
    fn limit(&self) -> Duration {
        // Enrolment, start and load; a lease and a drain; twice the wait for reports, before and after a stop.
        let seconds = 10 + self.seconds + self.lease_s + 2 + 2 * self.final_wait_s;
        Duration::from_secs(seconds) + SLACK
    }
}

/// An agent of a scene.
pub(super) struct Agent {
    pub(super) process: Process,
    pub(super) link: Link,
}

/// Everything that can break.
pub(super) struct Scene {
    pub(super) plan: Plan,
    pub(super) nats: Nats,
    /// By number; `a`, `b` and `c` come first.
    pub(super) agents: Vec<Agent>,
    shop: Shop,
    path: String,
    folder: TempDir,
}

impl Scene {
    /// Sets `plan` up; `None` where there is no `nats-server`.
    pub(super) fn new(plan: Plan) -> Option<Scene> {
        let nats = Nats::start()?;
        let folder = tempfile::tempdir().unwrap();
        let shop = Shop::start(folder.path(), &[]);
        let path = write_plan(folder.path(), &plan.text(&shop.url), 1);
        let mut scene = Scene { plan, nats, agents: Vec::new(), shop, path, folder };
        for name in ["a", "b", "c"] {
            scene.add_agent(name);
        }
        Some(scene)
    }

    /// Starts one more agent.
    pub(super) fn add_agent(&mut self, name: &str) {
        let link = Link::to(self.nats.address);
        let url = format!("nats://{}", link.address);
        self.agents.push(Agent { process: stage::agent(&url, name, "default"), link });
    }

    /// Starts the run.
    pub(super) fn run(&self) -> Run {
        let out = self.folder.path().join("out");
        let mut command = volley();
        command.args(["run", &self.path, "--nats", &self.nats.url, "--format", "json"]);
        command.args(["--out", out.to_str().unwrap()]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Run::new(child, out, self.plan.limit())
    }

    /// Starts the run and waits until its load has gone on for so many seconds.
    pub(super) fn run_until_second(&self, second: u64) -> Run {
        let mut run = self.run();
        run.until(|event| {
            event["what"]["tick"]["second"].as_u64().is_some_and(|at| at + 1 >= second)
        });
        run
    }

    /// Returns what the shop saw, and ends the scene.
    pub(super) fn witness(self) -> Witness {
        Witness::new(self.plan, self.shop.seen())
    }
}

/// A `volley run` that goes on.
pub(super) struct Run {
    pub(super) process: Process,
    events: Receiver<Value>,
    seen: Vec<Value>,
    err: JoinHandle<String>,
    out: PathBuf,
    limit: Ticks,
}

/// A `volley run` that has ended.
pub(super) struct Ended {
    pub(super) err: String,
    pub(super) events: Vec<Value>,
    pub(super) result: RunResult,
}

impl Run {
    fn new(mut child: Child, out: PathBuf, limit: Duration) -> Run {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = sync_channel(EVENTS_MAX);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap();
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut said = child.stderr.take().unwrap();
        let err = thread::spawn(move || {
            let mut text = String::new();
            said.read_to_string(&mut text).unwrap();
            text
        });
        let limit = now() + u64::try_from(limit.as_nanos()).unwrap();
        Run { process: Process(child), events, seen: Vec::new(), err, out, limit }
    }

    /// Waits for an event; fails the test if the run ends without it or takes too long.
    #[track_caller]
    pub(super) fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next() {
                Some(event) if is_it(&event) => return event,
                Some(_) => {}
                None => panic!("the run ended without it: {:#?}", self.seen),
            }
        }
    }

    /// Waits for what happened to have this name, of the node of this name unless it is empty.
    #[track_caller]
    pub(super) fn until_named(&mut self, name: &str, node: &str) {
        self.until(|event| {
            is_named(event, name) && (node.is_empty() || event["node"].as_str() == Some(node))
        });
    }

    #[track_caller]
    fn next(&mut self) -> Option<Value> {
        let left = Duration::from_nanos(self.limit.saturating_sub(now()));
        match self.events.recv_timeout(left) {
            Ok(event) => {
                self.seen.push(event.clone());
                Some(event)
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                self.process.0.kill().ok();
                panic!("the run did not end in time: {:#?}", self.seen)
            }
        }
    }

    /// Waits for the end; the run must exit with `code` and have a result that keeps every law.
    #[track_caller]
    pub(super) fn ends(mut self, code: i32) -> Ended {
        while self.next().is_some() {}
        let status = self.process.0.wait().unwrap();
        let err = self.err.join().unwrap();
        let said = || format!("stderr:\n{err}\nevents: {:#?}", without_ticks(&self.seen));
        assert_eq!(status.code(), Some(code), "{}", said());
        let result = stage::result(&self.out);
        Ended { err, events: self.seen, result }
    }
}

impl Ended {
    /// Returns whether something of this name happened to a node, or to the run if `node` is empty.
    pub(super) fn happened(&self, name: &str, node: &str) -> bool {
        self.events
            .iter()
            .any(|event| is_named(event, name) && event["node"].as_str().unwrap_or("") == node)
    }

    /// Returns the agents that were lost, by name.
    pub(super) fn lost(&self) -> Vec<&str> {
        let lost = self.result.nodes.iter().filter(|node| node.lost_us.is_some());
        lost.map(|node| node.name.as_str()).collect()
    }

    /// Returns whether there is a warning of this code.
    pub(super) fn warned(&self, code: &str) -> bool {
        self.result.warnings.iter().any(|warning| warning.code == code)
    }
}

fn is_named(event: &Value, name: &str) -> bool {
    let what = &event["what"];
    what.as_str() == Some(name) || what.get(name).is_some()
}

fn without_ticks(events: &[Value]) -> Vec<String> {
    let told = events.iter().filter(|event| !is_named(event, "tick"));
    told.map(Value::to_string).collect()
}

/// Returns the time on the clock of the shop's log.
pub(super) fn now() -> Ticks {
    Clock::real().now()
}
