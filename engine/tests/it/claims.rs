//! One process for each name and one coordinator for each cluster, and who is there, over a real `nats-server`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::tempdir;

use crate::stage::{Nats, Process, Said, Shop, finish, run, volley, write_plan};

fn agent(nats: &Nats, name: &str) -> Command {
    let mut command = volley();
    command.args(["agent", "--nats", &nats.url, "--name", name, "--once"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until `child` says `word` on standard error; returns everything that it said until then.
fn says(child: &mut Child, word: &str) -> String {
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    while !said.contains(word) {
        said.push_str(&lines.next().unwrap_or_else(|| panic!("no `{word}` in:\n{said}")));
        said.push('\n');
    }
    // The pipe must not fill up.
    std::thread::spawn(move || lines.for_each(drop));
    said
}

/// A plan of one seat and 300 requests in six seconds.
fn lone_plan(shop: &str) -> String {
    format!(
        r#"version: 1
name: alone
endpoints: {{ shop: {{ http: {{ base_url: "{shop}" }} }} }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: 50/s, for: 6s }} ] }}
    steps: [ {{ step: look, http: {{ get: /health }} }} ]
"#
    )
}

/// Starts an agent and waits until its name is its own.
fn held(nats: &Nats, name: &str) -> Process {
    let mut child = agent(nats, name).spawn().unwrap();
    says(&mut child, "waits for runs");
    Process(child)
}

#[test]
fn a_name_is_one_process_and_the_second_learns_whose_it_is() {
    let Some(nats) = Nats::start() else { return };
    let mut first = held(&nats, "eu-1");
    let said = finish(agent(&nats, "eu-1").spawn().unwrap()).exits(96);
    assert!(said.err.contains("name `eu-1` is taken"), "{}", said.err);
    assert!(said.err.contains(&format!("pid {}", first.0.id())), "{}", said.err);
    assert!(first.0.try_wait().unwrap().is_none(), "the first keeps its name");
    let _other = held(&nats, "eu-2");
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let _again = held(&nats, "eu-1");
}

#[test]
fn of_two_agents_at_once_one_has_the_name() {
    let Some(nats) = Nats::start() else { return };
    let mut both = [1, 2].map(|_| Process(agent(&nats, "eu-1").spawn().unwrap()));
    let loser = loop {
        let ended = both.iter_mut().position(|agent| agent.0.try_wait().unwrap().is_some());
        if let Some(at) = ended {
            break at;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(both[loser].0.wait().unwrap().code(), Some(96));
    says(&mut both[1 - loser].0, "waits for runs");
}

#[test]
fn a_second_coordinator_names_the_first_and_leaves_it_unharmed() {
    let Some(nats) = Nats::start() else { return };
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &lone_plan(&shop.url), 1);
    let start = |out: &str| {
        let mut command = volley();
        let out = folder.path().join(out);
        command.args(["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut command = start("first");
    let mut first = command.args(["--format", "json"]).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("waiting")), "the first has the lock");
    let second = finish(start("second").spawn().unwrap()).exits(96);
    names(&second, &first);
    assert!(!folder.path().join("second").exists(), "it made no results folder");

    let _agent = nats.agent("eu-1", "default");
    assert!(lines.any(|line| line.contains("\"started\"")), "the load runs");
    names(&finish(start("third").spawn().unwrap()).exits(96), &first);
    lines.for_each(drop);
    finish(first).exits(0);
    assert_eq!(shop.requests().len(), 300);
    // The lock is free again, so that what lacks now is agents.
    let args = ["run", &path, "--nats", &nats.url, "--join-timeout", "1s", "--quiet"];
    let out = folder.path().join("fourth");
    let said = run(&[&args[..], &["--out", out.to_str().unwrap()]].concat()).exits(96);
    assert!(said.err.contains("no agent for default/0"), "{}", said.err);
}

fn names(second: &Said, first: &Child) {
    let wanted = ["cluster `default` is busy: run ", &format!("pid {}, since 20", first.id())];
    assert!(wanted.iter().all(|what| second.err.contains(what)), "{}", second.err);
}

/// Asks who is there, as JSON.
fn nodes(nats: &Nats) -> serde_json::Value {
    let said = run(&["nodes", "--nats", &nats.url, "--format", "json"]).exits(0);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn nodes_are_listed_with_what_they_do_and_who_coordinates_them() {
    let Some(nats) = Nats::start() else { return };
    let nobody = run(&["nodes", "--nats", &nats.url]).exits(0);
    assert!(nobody.out.contains("nobody coordinates it\nno agent answers"), "{}", nobody.out);
    let mut command = agent(&nats, "eu-1");
    let mut first = command.args(["--label", "zone=a"]).spawn().unwrap();
    says(&mut first, "waits for runs");
    let first = Process(first);
    let _second = held(&nats, "eu-2");
    let idle = nodes(&nats);
    assert_eq!(idle["coordinator"], serde_json::Value::Null);
    let one = &idle["agents"][0];
    assert_eq!((&one["name"], &one["pid"]), (&"eu-1".into(), &first.0.id().into()));
    assert_eq!((&one["state"], &one["labels"]["zone"]), (&"waiting".into(), &"a".into()));
    assert_eq!(one["drivers"], serde_json::json!(["http"]));
    assert!(one["mem_bytes"].as_u64() > Some(1 << 20) && one["cores"].as_u64() > Some(0), "{one}");
    assert_eq!(idle["agents"].as_array().unwrap().len(), 2);

    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let path = write_plan(folder.path(), &lone_plan(&shop.url), 1);
    let out = folder.path().join("out");
    let mut command = volley();
    command.args(["run", &path, "--nats", &nats.url, "--out", out.to_str().unwrap()]);
    command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("\"started\"")), "the load runs");
    let busy = nodes(&nats);
    assert_eq!(busy["coordinator"]["pid"], running.id());
    let run_id = &busy["coordinator"]["run"];
    let states: Vec<&str> =
        [0, 1].map(|at| busy["agents"][at]["state"].as_str().unwrap_or_default()).into();
    assert!(states.contains(&"running") && states.contains(&"standby"), "{busy}");
    let serves = &busy["agents"][usize::from(states[1] == "running")];
    assert_eq!((&serves["run"], &serves["seats"]), (run_id, &serde_json::json!(["default/0"])));
    lines.for_each(drop);
    finish(running).exits(0);
    assert_eq!(shop.requests().len(), 300, "looking costs nothing");
}

#[test]
fn nodes_without_a_broker_fail_as_the_cluster_does() {
    let url = format!("nats://127.0.0.1:{}", crate::stage::dead_port());
    let said = run(&["nodes", "--nats", &url]).exits(96);
    assert!(said.err.contains("cannot reach nats://127.0.0.1"), "{}", said.err);
}
