//! A coordinator that is killed: agents stop by themselves and keep their results, `volley run --resume` collects them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use engine::clock::Clock;
use engine::report::RunResult;
use tempfile::{TempDir, tempdir};

use crate::stage::{Nats, Process, Seen, Shop, result, run, volley, write_plan};

const SECOND_NS: u64 = 1_000_000_000;

/// The lease of all runs here.
const LEASE_NS: u64 = 3 * SECOND_NS;

/// Who takes part, and of which group.
const AGENTS: [(&str, &str); 3] = [("eu-a", "eu"), ("eu-b", "eu"), ("us-a", "us")];

fn plan(shop: &str, final_wait: &str) -> String {
    format!(
        r#"version: 1
name: fleet
seed: 11
vars: {{ shop: "{shop}" }}
endpoints: {{ shop: {{ http: {{ base_url: "{{{{ vars.shop }}}}" }} }} }}
nodes:
  groups: {{ eu: {{ agents: 2 }}, us: {{ agents: 1 }} }}
  lease: 3s
  tuning: {{ final_wait: {final_wait} }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: 300/s, for: 60s }} ] }}
    graceful_stop: 5s
    steps:
      - step: first
        http: {{ get: /health }}
      - step: second
        http: {{ get: /health }}
"#
    )
}

/// A run whose coordinator was killed.
struct Killed {
    nats: Nats,
    shop: Shop,
    folder: TempDir,
    agents: Vec<Process>,
    run: String,
    /// When it was killed, on the boot-time clock in nanoseconds.
    at: u64,
}

impl Killed {
    /// Starts a run, and kills its coordinator once three seconds of it are known.
    fn new(final_wait: &str) -> Option<Killed> {
        let nats = Nats::start()?;
        let folder = tempdir().unwrap();
        let shop = Shop::start(folder.path(), &[]);
        let path = write_plan(folder.path(), &plan(&shop.url, final_wait), 1);
        let agents = AGENTS.map(|(name, group)| agent(&nats, folder.path(), name, group)).into();
        let out = folder.path().join("out");
        let mut command = volley();
        command.args(["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()]);
        command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut coordinator = Process(command.spawn().unwrap());
        let stdout = BufReader::new(coordinator.0.stdout.take().unwrap());
        let lines = stdout.lines().map(Result::unwrap);
        let ticks = lines.filter(|line| line.contains("\"tick\"")).take(3).count();
        assert_eq!(ticks, 3, "the run ticks");
        drop(coordinator);
        let at = Clock::real().now();
        let journal = fs::read_to_string(out.join("run.jsonl")).unwrap();
        let head: serde_json::Value =
            serde_json::from_str(journal.lines().next().unwrap()).unwrap();
        let run = head["run"].as_str().unwrap().to_owned();
        Some(Killed { nats, shop, folder, agents, run, at })
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Waits until so many agents have their results on disk.
    fn wait_for_kept(&self, count: usize) {
        let limit = Duration::from_secs(60);
        let step = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        while kept(self.folder.path()).len() < count {
            assert!(waited < limit, "kept: {:?}", kept(self.folder.path()));
            std::thread::sleep(step);
            waited += step;
        }
    }

    fn kill(&mut self, name: &str) {
        let at = AGENTS.iter().position(|(agent, _)| *agent == name).unwrap();
        let agent = &mut self.agents[at];
        agent.0.kill().unwrap();
        agent.0.wait().unwrap();
    }

    /// Resumes the run, which ends with 96, and returns its result.
    fn resume(&self, args: &[&str]) -> RunResult {
        let out = self.out();
        let all = ["run", "--resume", &self.run, "--nats", &self.nats.url, "--out"];
        let said = run(&[&all[..], &[out.to_str().unwrap()], args].concat()).exits(96);
        assert!(said.out.contains("coordinator was lost"), "{}{}", said.out, said.err);
        let result = result(&out);
        assert_eq!(result.run.id, self.run);
        assert!(!out.join("run.jsonl").exists(), "the result takes the journal's place");
        result
    }

    /// Stops the shop, and compares what it saw with the result.
    fn witness(self, result: &RunResult) {
        let log = self.shop.seen();
        let first: Vec<&Seen> = log.iter().filter(|it| it.step == "first").collect();
        let numbers: BTreeSet<&str> = first.iter().map(|it| it.arrival.as_str()).collect();
        assert_eq!(numbers.len(), first.len(), "nothing came twice");
        let seen = first.len() as u64;
        let arrivals = result.arrivals;
        assert!(arrivals.started <= seen, "{seen} {arrivals:?}");
        assert!(seen <= arrivals.started + arrivals.unaccounted, "{seen} {arrivals:?}");
        let last = first.iter().map(|it| it.at_ns).max().unwrap();
        assert!(
            last <= self.at + LEASE_NS + SECOND_NS / 2,
            "the last arrival came {} ms after the kill",
            (last - self.at) / 1_000_000
        );
        assert_eq!(arrivals.planned, 18_000);
        assert!(arrivals.dropped_by.lease > 0, "{arrivals:?}");
    }
}

fn agent(nats: &Nats, folder: &Path, name: &str, group: &str) -> Process {
    let mut command = volley();
    command.args(["agent", "--nats", &nats.url, "--name", name, "--group", group]);
    command.arg("--keep-dir").arg(folder.join("keep"));
    Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Returns the agents that have results on disk.
fn kept(folder: &Path) -> BTreeSet<String> {
    let Ok(agents) = fs::read_dir(folder.join("keep/default")) else { return BTreeSet::new() };
    let agents = agents.map(|agent| agent.unwrap()).filter(|agent| {
        let files = fs::read_dir(agent.path()).unwrap();
        files
            .filter_map(Result::ok)
            .any(|file| file.path().extension().is_some_and(|e| e == "kept"))
    });
    agents.map(|agent| agent.file_name().into_string().unwrap()).collect()
}

#[test]
fn a_killed_coordinators_run_is_collected_to_the_last_arrival() {
    let Some(killed) = Killed::new("30s") else { return };
    // Their leases have yet to end: until then agents heed nobody else.
    let result = killed.resume(&[]);
    assert_eq!(result.arrivals.unaccounted, 0, "{:?}", result.arrivals);
    assert_eq!(result.run.outcome, "cluster_failed");
    assert!(result.nodes.iter().all(|node| node.lost_us.is_none()));
    assert!(result.run.duration_us < 15_000_000, "{}", result.run.duration_us);
    assert_eq!(kept(killed.folder.path()), BTreeSet::new(), "what was taken is kept no more");
    killed.witness(&result);
}

#[test]
fn an_agent_that_died_too_leaves_what_it_may_have_sent_unaccounted() {
    let Some(mut killed) = Killed::new("30s") else { return };
    killed.kill("eu-b");
    let result = killed.resume(&["--join-timeout", "2s"]);
    let lost: Vec<&str> =
        result.nodes.iter().filter(|n| n.lost_us.is_some()).map(|n| n.name.as_str()).collect();
    assert_eq!(lost, ["eu-b"]);
    // A third of 300/s for what its lease allowed, and what was on its way.
    let unaccounted = result.arrivals.unaccounted;
    assert!(unaccounted > 0 && unaccounted <= 700, "{:?}", result.arrivals);
    killed.witness(&result);
}

#[test]
fn agents_that_were_started_anew_deliver_what_they_kept_on_disk() {
    let Some(mut killed) = Killed::new("2s") else { return };
    killed.wait_for_kept(3);
    for (at, (name, group)) in AGENTS.into_iter().enumerate() {
        killed.kill(name);
        killed.agents[at] = agent(&killed.nats, killed.folder.path(), name, group);
    }
    let result = killed.resume(&[]);
    assert_eq!(result.arrivals.unaccounted, 0, "{:?}", result.arrivals);
    assert_eq!(kept(killed.folder.path()), BTreeSet::new(), "what was taken is kept no more");
    killed.witness(&result);
}

#[test]
fn what_cannot_be_resumed_is_refused_with_what_to_do() {
    let folder = tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let resume = ["run", "--resume", "k3v9x0q2ab", "--nats", "nats://127.0.0.1:1", "--out", out];
    let refused = |args: &[&str], says: &str| {
        let said = run(&[&resume[..], args].concat()).exits(2);
        assert!(said.err.contains(says), "{}", said.err);
    };
    refused(&[], "run.jsonl is not there");
    refused(&["plan.yaml"], "cannot be used with");
    refused(&["--demo"], "cannot be used with");
    let journal = folder.path().join("run.jsonl");
    fs::write(&journal, "{\"run\":\"k3v9x0q2ab\",\"what\":1}\n").unwrap();
    refused(&[], "damaged in line 1");
    fs::write(&journal, "{\"run\":\"k3v9").unwrap();
    refused(&[], "no head");
    let head = r#"{"run":"k3v9x0q2ab","what":{"head":{"v":1,"cluster":"c","artifact":"{}","vars":{},"seed":null,"join_timeout_ns":1,"lease_ns":1,"on_agent_loss":"fail"}}}"#;
    fs::write(&journal, format!("{head}\n")).unwrap();
    refused(&[], "the artifact in the journal does not hold");
    refused(&["--cluster", "other"], "was on cluster `c`");
    let said = run(&["run", "plans/checkout.yaml", "--out", out]).exits(2);
    assert!(said.err.contains("--resume k3v9x0q2ab"), "{}", said.err);
    let said = run(&["run", "--resume", "another", "--nats", "nats://127.0.0.1:1", "--out", out]);
    assert!(said.exits(2).err.contains("of run k3v9x0q2ab, not another"));
    fs::write(folder.path().join("result.json"), "{}").unwrap();
    refused(&[], "there is nothing to resume");
    let said = run(&["run", "--resume", "k3v9x0q2ab", "--nats", "nats://127.0.0.1:1"]).exits(2);
    assert!(said.err.contains("--out"), "{}", said.err);
}
