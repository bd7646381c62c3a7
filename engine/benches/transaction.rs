//! What a transaction costs the generator itself, without a network: prints nanoseconds of processor time for each.
//!
//! `cargo bench -p engine --bench transaction`. The closed load starts the next transaction as soon as the last one ended;
//! the open ones start so many a second on time.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;

use compiler::artifact::Artifact;
use engine::clock::Clock;
use engine::driver::{Answer, Driver, Script, ScriptDriver};
use engine::metrics::Window;
use engine::runtime::{Node, NodeEvent, Pacing, Setup};
use engine::user::{Inputs, Program};
use rustix::time::{ClockId, clock_gettime};

const ARTIFACT: &str = r#"{
  "artifact": 1, "plan": "bench", "description": "", "seed": 0, "vars": {}, "secrets": {},
  "endpoints": {"shop": {"http": {"base_url": [{"literal": "http://127.0.0.1:9"}], "headers": [],
    "timeout_ns": 1000000000, "tracking": true, "max_body_bytes": 1000000}}},
  "data": {}, "files": {},
  "nodes": {"groups": {"all": {"agents": 1, "weight": 1, "requires": {}, "vars": {}}}, "join_timeout_ns": 1000000000,
    "lease_ns": 10000000000, "on_agent_loss": "fail", "tuning": {"ready_timeout_ns": 1000000000,
    "beat_ns": 1000000000, "suspect_ns": 1000000000, "start_delay_ns": 0, "delta_ns": 1000000000,
    "retry_ns": 1000000000, "final_wait_ns": 1000000000, "get_timeout_ns": 1000000000}},
  "scenarios": {"load": {"start_ns": 0, "load": LOAD, "warm_up_ns": 0, "graceful_stop_ns": 1000000000, "timeout_ns": 0,
    "planned": 0, "slot_base": 0, "slot_count": 256, "seats": {"all/0": "0-255"}, "data": {}, "steps": [
      {"name": "get", "needs": [], "timeout_ns": 0, "action": {"http": {"use": "shop", "method": "get",
       "path": [{"literal": "/products"}], "query": [], "headers": [], "body": "empty"}},
       "expect": {"status": [], "duration": [], "json": [], "header": [], "body": []}, "capture": []}]}},
  "slots": 256, "thresholds": {}, "delivery": {"min": 0, "max_lateness_p99_us": null, "max_start_spread_us": null},
  "digest": ""
}"#;

const CLOSED: &str = r#"{"closed": {"stages": [{"count": {"users": 50, "count": 1000000, "within_ns": 60000000000}}],
  "users_max": 50}}"#;
const OPEN: &str = r#"{"open": {"stages": [{"rate": {"from": {"count": 1, "per_ns": GAP},
  "to": {"count": 1, "per_ns": GAP}, "length_ns": 3000000000}}], "max_in_flight": 10000, "late_after_ns": 1000000000}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    measure("closed, 50 users", CLOSED)?;
    measure("open, 2 000/s", &OPEN.replace("GAP", "500000"))?;
    measure("open, 10 000/s", &OPEN.replace("GAP", "100000"))?;
    measure("open, 100 000/s", &OPEN.replace("GAP", "10000"))
}

fn measure(name: &str, load: &str) -> Result<(), Box<dyn Error>> {
    let artifact: Artifact = serde_json::from_str(&ARTIFACT.replace("LOAD", load))?;
    let program = Arc::new(Program::prepare(Arc::new(artifact), Inputs::default())?);
    let clock = Clock::real();
    let script = Script::new(|_| Answer::new(200, 0));
    let (node, events) = Node::spawn(Setup {
        program,
        seats: vec!["all/0".to_owned()],
        clock: clock.clone(),
        workers: 1,
        pacing: Pacing::Precise,
        start_driver: Arc::new(move |_, clock| {
            Ok(Driver::Script(ScriptDriver::new(script.clone(), clock.clone())))
        }),
    })?;
    let (cpu, wall) = (cpu_ns(), clock.now());
    node.extend_lease(u64::MAX);
    node.start(wall);
    let whole = collect(events);
    let (cpu, wall) = (cpu_ns() - cpu, clock.now() - wall);
    let started: u64 = whole.ledger.iter().map(|row| row.started).sum();
    let dropped: u64 = whole.ledger.iter().map(|row| row.dropped_late + row.dropped_full).sum();
    let late =
        whole.lateness.map_or([0; 3], |late| [0.5, 0.99, 1.0].map(|q| late.value_at_quantile(q)));
    let mut out = stdout().lock();
    writeln!(out, "{name}: {started} transactions, {dropped} dropped, {} ms", wall / 1_000_000)?;
    writeln!(
        out,
        "  processor {} ns each, {} % of a core",
        cpu / started.max(1),
        cpu * 100 / wall
    )?;
    writeln!(out, "  lateness p50 {} us, p99 {} us, max {} us", late[0], late[1], late[2])?;
    Ok(())
}

fn collect(mut events: tokio::sync::mpsc::Receiver<NodeEvent>) -> Window {
    let mut whole = Window::default();
    while let Some(event) = events.blocking_recv() {
        if let NodeEvent::Window(window) = event {
            whole.absorb(window);
        }
    }
    whole
}

/// Returns the processor time of this process in nanoseconds.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}
