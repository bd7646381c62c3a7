//! `volley run` in one process: verdicts, exit codes and what is left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use engine::metrics::threshold::Verdict;
use tempfile::tempdir;

use crate::stage::{Nats, Process, Shop, dead_port, finish, result, run, volley, write_plan};

/// A second of load in which every arrival sends two requests.
fn plan(shop: &str, extra: &str) -> String {
    format!(
        r#"version: 1
name: small
vars: {{ shop: "{shop}", peak: 100/s }}
endpoints: {{ shop: {{ http: {{ base_url: "{{{{ vars.shop }}}}" }} }} }}
data: {{ users: {{ file: users.csv, take: unique }} }}
scenarios:
  browse:
    load: {{ open: [ {{ rate: "{{{{ vars.peak }}}}", for: 1s }} ] }}
    graceful_stop: 3s
    steps:
      - step: login
        http: {{ post: /login, json: {{ user: "{{{{ data.users.name }}}}" }} }}
        capture: {{ token: {{ json: "$.token" }} }}
      - step: products
        http: {{ get: /health, query: {{ page: "{{{{ rand.int(1, 1000) }}}}", u: "{{{{ data.users.name }}}}" }} }}
{extra}
"#
    )
}

/// Runs `text` with `args` and its results in a folder of its own.
fn run_plan(text: &str, args: &[&str]) -> (crate::stage::Said, tempfile::TempDir) {
    let folder = tempdir().unwrap();
    let path = write_plan(folder.path(), text, 1000);
    let out = folder.path().join("out");
    let mut all = vec!["run", &path, "--out", out.to_str().unwrap()];
    all.extend(args);
    (run(&all), folder)
}

#[test]
fn a_good_run_passes_and_leaves_everything() {
    let (said, folder) = run_plan(&plan("http://127.0.0.1:1", ""), &["--demo"]);
    let said = said.exits(0);
    assert!(said.out.contains("report.html"), "the report is named: {}", said.out);
    let result = result(&folder.path().join("out"));
    assert_eq!((result.arrivals.planned, result.arrivals.succeeded), (100, 100));
    assert_eq!(result.run.exit_code, 0);
}

#[test]
fn an_impossible_threshold_is_missed() {
    let limit = "thresholds: { fast: { require: p50(response) < 1us, scenario: browse } }";
    let (said, folder) = run_plan(&plan("http://127.0.0.1:1", limit), &["--demo"]);
    said.exits(99);
    let result = result(&folder.path().join("out"));
    assert_eq!(result.run.outcome, "threshold_missed");
    assert_eq!(result.thresholds[0].verdict, Verdict::Fail);
}

#[test]
fn a_threshold_without_data_is_no_pass() {
    let limit = "thresholds: { fast: { require: p50(response) < 9s, scenario: browse, min_samples: 9999 } }";
    let (said, _folder) = run_plan(&plan("http://127.0.0.1:1", limit), &["--demo"]);
    said.exits(97);
}

#[test]
fn a_broken_plan_is_shown_at_its_line() {
    let text = plan("http://127.0.0.1:1", "").replace("get: /health", "gte: /health");
    let (said, folder) = run_plan(&text, &["--demo"]);
    let said = said.exits(1);
    assert!(said.err.contains("gte: /health"), "{}", said.err);
    assert!(said.err.contains("plan.yaml:15:"), "{}", said.err);
    assert!(!folder.path().join("out").exists(), "a rejected plan leaves no results");
}

#[test]
fn a_stalled_target_with_few_places_is_not_delivered() {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &["--stall", "0s:30s"]);
    let text = plan(&shop.url, "").replace("for: 1s } ] }", "for: 1s } ], max_in_flight: 5 }");
    let (said, folder) = run_plan(&text, &[]);
    said.exits(98);
    let result = result(&folder.path().join("out"));
    assert_eq!(result.arrivals.dropped_by.full, 95);
    assert_eq!((result.arrivals.started, result.arrivals.unfinished), (5, 5));
}

#[test]
fn what_cannot_be_used_is_a_usage_error() {
    run(&["run", "plans/checkout.yaml", "--no-such-flag"]).exits(2);
    run(&["run", "no-such-plan.yaml"]).exits(2);
    run(&["run", "plans/checkout.yaml", "--nodes", "9"]).exits(2);
    run(&["run", "plans/checkout.yaml", "--demo", "--var", "shop=http://127.0.0.1:1"]).exits(2);
    run(&["run", "plans/checkout.yaml", "--demo", "--nats", "nats://127.0.0.1:1"]).exits(2);
    run(&["run", "plans/checkout.yaml", "--report", "pdf"]).exits(2);
    let broker = ["--nats", "nats://127.0.0.1:1"];
    let said = run(&["run", "plans/checkout.yaml", "--pacing", "economical", broker[0], broker[1]])
        .exits(2);
    assert!(said.err.contains("`volley agent`"), "{}", said.err);
    let said = run(&["run", "plans/every-feature.yaml", "--demo"]).exits(2);
    assert!(said.err.contains("SHOP_TOKEN"), "the missing secret is named: {}", said.err);
}

#[test]
fn a_machine_that_gives_too_few_descriptors_is_said_before_the_run() {
    let limited = "ulimit -n 300 && exec \"$0\" run plans/checkout.yaml --demo";
    let ran = std::process::Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_volley")])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("need 628 open") && said.contains("`ulimit -n 628`"), "{said}");
}

#[test]
fn no_broker_is_a_cluster_failure() {
    let url = format!("nats://127.0.0.1:{}", dead_port());
    let args = ["--nats", &url, "--join-timeout", "2s"];
    let (said, _folder) = run_plan(&plan("http://127.0.0.1:1", ""), &args);
    let said = said.exits(96);
    assert!(said.err.contains(&url), "the broker is named: {}", said.err);
}

#[test]
fn an_artifact_runs_like_its_plan_and_an_edited_one_is_refused() {
    let folder = tempdir().unwrap();
    let path = write_plan(folder.path(), &plan("http://127.0.0.1:1", ""), 1000);
    let artifact = folder.path().join("small.artifact.json");
    let artifact = artifact.to_str().unwrap();
    run(&["plan", "compile", &path, "-o", artifact]).exits(0);
    let out = folder.path().join("good");
    run(&["run", artifact, "--demo", "--out", out.to_str().unwrap()]).exits(0);
    assert_eq!(result(&out).arrivals.succeeded, 100);

    run(&["run", artifact, "--demo", "--var", "peak=1/s"]).exits(2);
    let edited = fs::read_to_string(artifact).unwrap().replace("/health", "/admin");
    fs::write(artifact, edited).unwrap();
    let out = folder.path().join("edited");
    let said = run(&["run", artifact, "--demo", "--out", out.to_str().unwrap()]).exits(95);
    assert!(said.err.contains("digest"), "{}", said.err);
}

#[test]
fn a_changed_data_file_is_refused() {
    let folder = tempdir().unwrap();
    let path = write_plan(folder.path(), &plan("http://127.0.0.1:1", ""), 1000);
    let artifact = folder.path().join("small.artifact.json");
    let artifact = artifact.to_str().unwrap();
    run(&["plan", "compile", &path, "-o", artifact]).exits(0);
    fs::write(folder.path().join("users.csv"), "name\nsomebody\n").unwrap();
    let out = folder.path().join("out");
    let said = run(&["run", artifact, "--demo", "--out", out.to_str().unwrap()]).exits(95);
    assert!(said.err.contains("users.csv"), "{}", said.err);
}

#[test]
fn an_interrupt_drains_and_writes_the_results() {
    let folder = tempdir().unwrap();
    let text = plan("http://127.0.0.1:1", "").replace("for: 1s", "for: 9s");
    let path = write_plan(folder.path(), &text, 1000);
    let out = folder.path().join("out");
    let mut command = volley();
    command.args(["run", &path, "--demo", "--out", out.to_str().unwrap(), "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let tick = lines.by_ref().map(Result::unwrap).find(|line| line.contains("\"tick\""));
    assert!(tick.is_some(), "the run ticks");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    lines.for_each(drop);
    finish(child).exits(130);
    let result = result(&out);
    assert_eq!(result.run.outcome, "interrupted");
    assert_eq!(result.arrivals.planned, 900);
    assert!(result.arrivals.dropped_by.stopped > 0, "{:?}", result.arrivals);
    assert!(result.arrivals.succeeded > 0, "{:?}", result.arrivals);
    // Every arrival that was due while the run lasted is in its second: sent, or dropped because of the stop.
    let series = &result.series.scenarios["browse"];
    let sum = |counts: &[u64]| counts.iter().sum::<u64>();
    let (planned, started) = (sum(&series.planned), sum(&series.started));
    assert_eq!(planned, started + sum(&series.dropped), "{series:?}");
}

#[test]
fn every_feature_runs() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command = volley();
    command.args(["run", "plans/every-feature.yaml", "--demo", "--environment", "short"]);
    command.args(["--out", out.to_str().unwrap()]).env("SHOP_TOKEN", "s3cr3t-t0ken");
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).exits(0);
    result(&out);
    for entry in fs::read_dir(&out).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("s3cr3t-t0ken"), "no view holds the secret");
    }
}

#[test]
fn closed_users_run() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    run(&["run", "plans/closed-users.yaml", "--demo", "--out", out.to_str().unwrap()]).exits(0);
    let result = result(&out);
    let checkers = result.scenarios.iter().find(|s| s.name == "checkers").unwrap();
    assert_eq!((checkers.arrivals.planned, checkers.arrivals.succeeded), (100, 100));
    let carts = result.scenarios.iter().find(|s| s.name == "carts").unwrap();
    assert!(carts.users.active_us > 0 && carts.users.lost_us == 0, "{:?}", carts.users);
}

#[test]
fn a_kept_program_ends_when_its_keeper_is_left_alone() {
    let mut command = volley();
    command.args(["keep", "--", "sleep", "600"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut keeper = command.spawn().unwrap();
    drop(keeper.stdin.take());
    // The pipe of the standard output ends once the sleeper is gone as well.
    finish(keeper).exits(130);
}

#[test]
fn every_policy_of_loss_is_taken_and_another_is_told_which_there_are() {
    for policy in ["fail", "continue", "redistribute"] {
        let nodes = format!("nodes: {{ on_agent_loss: {policy} }}");
        let (said, _folder) = run_plan(&plan("http://127.0.0.1:1", &nodes), &["--demo"]);
        said.exits(0);
    }
    let said = run(&["run", "plans/checkout.yaml", "--on-agent-loss", "ignore"]).exits(2);
    for known in ["fail", "continue", "redistribute"] {
        assert!(said.err.contains(known), "{}", said.err);
    }
}

#[test]
fn the_help_lists_exit_codes_and_hides_what_the_environment_holds() {
    let mut command = volley();
    command.args(["agent", "--help"]).env("VOLLEY_NATS", "nats://u:hunter2@h:1");
    let said = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let said = said.exits(0);
    assert!(said.out.contains("VOLLEY_NATS") && !said.out.contains("hunter2"), "{}", said.out);
    let said = run(&["run", "--help"]).exits(0);
    assert!(said.out.contains("  98  the planned load was not delivered"), "{}", said.out);
}

#[test]
fn an_agent_does_not_show_the_password_of_its_broker() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url.replace("nats://", "nats://u:hunter2@");
    let mut command = volley();
    command.args(["agent", "--nats", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut agent = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(agent.stderr.take().unwrap()).read_line(&mut first).unwrap();
    drop(Process(agent));
    assert!(first.contains("connected to nats://127.0.0.1"), "{first}");
    assert!(!first.contains("hunter2"), "{first}");
}
