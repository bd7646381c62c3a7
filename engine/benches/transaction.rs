//! What a transaction costs the generator itself, without a network: prints nanoseconds of processor time for each.
//!
//! `cargo bench -p engine --bench transaction`. A transaction is one step: rendered from a template with a number and a
//! random draw, scheduled, answered by a script, checked and recorded. The closed load starts the next transaction as soon
//! as the last one ended; the open ones start so many a second on time. `-- --closed N` runs N closed transactions and
//! nothing else, in one window: for counting instructions, see `benches/instructions`.

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
    "beat_ns": 1000000000, "suspect_ns": 1000000000, "start_delay_ns": 0, "delta_ns": DELTA,
    "retry_ns": 1000000000, "final_wait_ns": 1000000000, "get_timeout_ns": 1000000000}},
  "scenarios": {"load": {"start_ns": 0, "load": LOAD, "warm_up_ns": 0, "graceful_stop_ns": 1000000000, "timeout_ns": 0,
    "planned": 0, "slot_base": 0, "slot_count": 256, "seats": {"all/0": "0-255"}, "data": {}, "steps": [
      {"name": "get", "needs": [], "timeout_ns": 0, "action": {"http": {"use": "shop", "method": "get",
       "path": [{"literal": "/products/"}, {"slot": {"from": "arrival_number", "filters": []}}],
       "query": [{"name": "page", "value": [{"slot": {"from": {"rand_int": {"min": 1, "max": 5, "place": 0}},
       "filters": []}}]}], "headers": [], "body": "empty"}},
       "expect": {"status": [{"from": 200, "to": 200}], "duration": [], "json": [], "header": [], "body": []}, "capture": []}]}},
  "slots": 256, "thresholds": {}, "delivery": {"min": 0, "max_lateness_p99_us": null, "max_start_spread_us": null},
  "digest": ""
}"#;

const CLOSED: &str = r#"{"closed": {"stages": [{"count": {"users": 50, "count": COUNT, "within_ns": 600000000000}}],
  "users_max": 50}}"#;
const OPEN: &str = r#"{"open": {"stages": [{"rate": {"from": {"count": 1, "per_ns": GAP},
  "to": {"count": 1, "per_ns": GAP}, "length_ns": 3000000000}}], "max_in_flight": 10000, "late_after_ns": 1000000000}}"#;

/// Length of a window, in nanoseconds: as in a run, or longer than any run.
const SECOND: &str = "1000000000";
const DAY: &str = "86400000000000";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    if let Some(flag) = args.next() {
        let count = args.next().and_then(|count| count.parse::<u32>().ok());
        let (true, Some(count)) = (flag == "--closed", count) else {
            return Err("write nothing, or --closed and a number of transactions".into());
        };
        return measure("closed, 50 users", &CLOSED.replace("COUNT", &count.to_string()), DAY);
    }
    measure("closed, 50 users", &CLOSED.replace("COUNT", "1000000"), SECOND)?;
    measure("open, 1 000/s", &OPEN.replace("GAP", "1000000"), SECOND)?;
    measure("open, 2 000/s", &OPEN.replace("GAP", "500000"), SECOND)?;
    measure("open, 10 000/s", &OPEN.replace("GAP", "100000"), SECOND)?;
    measure("open, 100 000/s", &OPEN.replace("GAP", "10000"), SECOND)
}

fn measure(name: &str, load: &str, delta_ns: &str) -> Result<(), Box<dyn Error>> {
    let artifact = ARTIFACT.replace("LOAD", load).replace("DELTA", delta_ns);
    let artifact: Artifact = serde_json::from_str(&artifact)?;
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
    let failed: u64 = whole.ledger.iter().map(|row| row.failed).sum();
    if failed > 0 || started == 0 {
        return Err(format!("{failed} of {started} transactions failed: {:?}", whole.errors).into());
    }
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
