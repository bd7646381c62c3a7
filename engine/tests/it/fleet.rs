//! `volley run` over a real `nats-server`: the same plan, the same requests, and the truth when an agent dies.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use crate::stage::{Nats, Shop, finish, result, run, skipped, volley, write_plan};

/// A plan for three seats; each arrival sends two requests that show its data row and its draws.
fn plan(shop: &str, rate: &str, length: &str) -> String {
    format!(
        r#"version: 1
name: fleet
seed: 11
vars: {{ shop: "{shop}" }}
endpoints: {{ shop: {{ http: {{ base_url: "{{{{ vars.shop }}}}" }} }} }}
data: {{ users: {{ file: users.csv, take: unique }} }}
nodes: {{ groups: {{ eu: {{ agents: 2 }}, us: {{ agents: 1 }} }}, lease: 3s }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: {rate}, for: {length} }} ] }}
    graceful_stop: 5s
    steps:
      - step: first
        http: {{ get: /health, query: {{ page: "{{{{ rand.int(1, 100000) }}}}", u: "{{{{ data.users.name }}}}" }} }}
      - step: second
        http: {{ get: /health, query: {{ id: "{{{{ rand.uuid() }}}}", pick: "{{{{ rand.pick(['a', 'b', 'c']) }}}}" }} }}
"#
    )
}

/// Requests by arrival number and step, whatever the run's id.
type Requests = BTreeMap<(u64, String), (u32, String)>;

/// Runs the plan at `rate` for `length` as `how` says, and returns what the shop saw.
fn requests(rate: &str, length: &str, how: impl Fn(&str, &Path)) -> Requests {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &plan(&shop.url, rate, length), 13_000);
    how(&path, folder.path());
    let seen = shop.requests().into_iter().map(|((arrival, step), times)| {
        let number = arrival.rsplit('.').next().unwrap().parse::<u64>().unwrap();
        ((number, step), times)
    });
    seen.collect()
}

fn embedded(path: &str, folder: &Path, nodes: &str) {
    let out = folder.join("out");
    run(&["run", path, "--nodes", nodes, "--out", out.to_str().unwrap()]).exits(0);
    result(&out);
}

fn on_agents(nats: &Nats, path: &str, folder: &Path) {
    let agents = [nats.agent("eu-a", "eu"), nats.agent("eu-b", "eu"), nats.agent("us-a", "us")];
    let out = folder.join("out");
    let args = ["run", path, "--nats", &nats.url, "--out", out.to_str().unwrap()];
    run(&args).exits(0);
    let result = result(&out);
    assert_eq!(result.nodes.len(), 3);
    for mut agent in agents {
        assert_eq!(agent.0.wait().unwrap().code(), Some(0), "an agent with --once ends with 0");
    }
}

#[test]
fn one_process_three_nodes_and_three_agents_send_the_same_requests() {
    let Some(nats) = Nats::start() else { return };
    let one = requests("100/s", "2s", |path, folder| embedded(path, folder, "1"));
    let three = requests("100/s", "2s", |path, folder| embedded(path, folder, "3"));
    let fleet = requests("100/s", "2s", |path, folder| on_agents(&nats, path, folder));
    assert_eq!(one.len(), 400);
    assert!(one.values().all(|(times, _)| *times == 1));
    assert_eq!(one, three);
    assert_eq!(one, fleet);
}

#[test]
fn three_agents_send_every_planned_arrival_once() {
    let Some(nats) = Nats::start() else { return };
    let mut listed = String::new();
    let seen = {
        let folder = tempdir().unwrap();
        let shop = Shop::start(folder.path(), &[]);
        let path = write_plan(folder.path(), &plan(&shop.url, "600/s", "20s"), 13_000);
        on_agents(&nats, &path, folder.path());
        let explain = ["plan", "explain", &path, "--arrivals", "browse", "--format", "json"];
        listed.push_str(&run(&explain).exits(0).out);
        let result = result(&folder.path().join("out"));
        assert_eq!((result.arrivals.planned, result.arrivals.started), (12_000, 12_000));
        shop.requests()
    };
    assert_eq!(seen.len(), 24_000);
    let planned: Vec<u64> = listed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|arrival| arrival["number"].as_u64().unwrap())
        .collect();
    assert_eq!(planned, (0..12_000).collect::<Vec<u64>>());
    let run_id = seen.keys().next().unwrap().0.split('.').next().unwrap().to_owned();
    for number in planned {
        for step in ["first", "second"] {
            let key = (format!("{run_id}.browse.{number}"), step.to_owned());
            assert_eq!(seen.get(&key).map(|(times, _)| *times), Some(1), "{key:?}");
        }
    }
}

#[test]
fn a_killed_agent_ends_the_run_with_its_name_and_the_truth() {
    let Some(nats) = Nats::start() else { return };
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &plan(&shop.url, "300/s", "40s"), 13_000);
    let mut victim = nats.agent("eu-b", "eu");
    let _others = [nats.agent("eu-a", "eu"), nats.agent("us-a", "us")];
    let out = folder.path().join("out");
    let mut command = volley();
    command.args(["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()]);
    command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ticks = lines.by_ref().filter(|line| line.contains("\"tick\"")).take(3).count();
    assert_eq!(ticks, 3, "the run ticks");
    victim.0.kill().unwrap();
    lines.for_each(drop);
    let said = finish(child).exits(96);
    assert!(said.err.contains("eu-b"), "the agent is named: {}", said.err);

    let result = result(&out);
    assert_eq!(result.run.outcome, "cluster_failed");
    let lost: Vec<&str> =
        result.nodes.iter().filter(|n| n.lost_us.is_some()).map(|n| n.name.as_str()).collect();
    assert_eq!(lost, ["eu-b"]);
    assert_eq!(result.arrivals.planned, 12_000);
    // Its rate × (lease + guard + delta interval + ack delay), generously: a third of 300/s for 6 s.
    assert!(
        result.arrivals.unaccounted > 0 && result.arrivals.unaccounted <= 600,
        "{:?}",
        result.arrivals
    );
    assert!(result.arrivals.dropped_by.stopped > 0, "{:?}", result.arrivals);

    // The shop is the witness: nothing came twice, and what came is what was started, give or take the unaccounted.
    let seen = shop.requests();
    assert!(seen.values().all(|(times, _)| *times == 1));
    let first = seen.keys().filter(|(_, step)| step == "first").count() as u64;
    assert!(first >= result.arrivals.started, "{first} {:?}", result.arrivals);
    assert!(
        first <= result.arrivals.started + result.arrivals.unaccounted,
        "{first} {:?}",
        result.arrivals
    );
}

#[test]
fn a_cluster_without_enough_agents_says_who_is_missing() {
    let Some(nats) = Nats::start() else { return };
    let folder = tempdir().unwrap();
    let path = write_plan(folder.path(), &plan("http://127.0.0.1:1", "10/s", "1s"), 100);
    let _one = nats.agent("eu-a", "eu");
    let out = folder.path().join("out");
    let args = ["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()];
    let said = run(&[&args[..], &["--join-timeout", "3s"]].concat()).exits(96);
    assert!(said.err.contains("eu") && said.err.contains("us"), "{}", said.err);
}

#[test]
fn local_brings_its_own_broker_and_agents() {
    if Command::new("nats-server").arg("--version").output().is_err() {
        assert!(std::env::var_os("VOLLEY_REQUIRE_BACKENDS").is_none());
        skipped("nats-server");
        return;
    }
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &plan(&shop.url, "50/s", "1s"), 100);
    let out = folder.path().join("out");
    run(&["run", &path, "--nats", "local", "--out", out.to_str().unwrap()]).exits(0);
    assert_eq!(result(&out).nodes.len(), 3);
    let seen = shop.requests();
    assert_eq!(seen.len(), 100);
}

#[test]
fn a_private_server_that_does_not_start_is_quoted() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempdir().unwrap();
    let server = folder.path().join("nats-server");
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'no such option' >&2\nexit 1\n";
    fs::write(&server, script).unwrap();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
    let path = write_plan(folder.path(), &plan("http://127.0.0.1:1", "10/s", "1s"), 100);
    let out = folder.path().join("out");
    let mut command = volley();
    command.args(["run", &path, "--nats", "local", "--out", out.to_str().unwrap()]);
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = finish(command.spawn().unwrap()).exits(96);
    assert!(said.err.contains("ended at once"), "{}", said.err);
    assert!(said.err.contains("no such option"), "{}", said.err);
}
