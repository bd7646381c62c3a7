//! The seat `coordinator/0`: a node inside `volley run`, alone in its process or beside agents.

use std::process::Command;

use tempfile::tempdir;

use crate::stage::{Nats, Shop, repository, result, run, skipped};

/// Runs the example plan against a shop of its own as `how` says, and checks what came of it.
fn probe(how: &[&str], nodes: usize) {
    let folder = tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let plan = repository().join("plans/probe.yaml");
    let (var, out) = (format!("shop={}", shop.url), folder.path().join("out"));
    let args = ["run", plan.to_str().unwrap(), "--var", &var, "--out", out.to_str().unwrap()];
    run(&[&args[..], how].concat()).exits(0);
    let result = result(&out);
    assert_eq!(result.nodes.len(), nodes);
    let taken: Vec<&str> =
        result.nodes.iter().flat_map(|node| &node.seats).map(String::as_str).collect();
    assert!(taken.contains(&"coordinator/0") && taken.len() == 3, "{taken:?}");
    let inside = result.nodes.iter().find(|node| node.name == "coordinator");
    assert_eq!(inside.is_some_and(|node| node.seats == ["coordinator/0"]), how.contains(&"--nats"));
    assert_eq!((result.arrivals.planned, result.arrivals.succeeded), (525, 525));
    let seen = shop.requests();
    assert!(seen.values().all(|(times, _)| *times == 1), "{seen:?}");
    let by = |scenario: &str| seen.keys().filter(|(it, _)| it.contains(scenario)).count();
    assert_eq!((by(".load."), by(".probe.")), (500, 25));
}

#[test]
fn one_process_takes_the_coordinators_seat_too() {
    probe(&["--nodes", "2"], 2);
}

#[test]
fn beside_agents_the_coordinators_seat_is_in_its_own_process() {
    let Some(nats) = Nats::start() else { return };
    let agents = [nats.agent("eu-a", "eu"), nats.agent("eu-b", "eu")];
    probe(&["--nats", &nats.url], 3);
    for mut agent in agents {
        assert_eq!(agent.0.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_private_fleet_has_no_agent_for_the_coordinators_seat() {
    if Command::new("nats-server").arg("--version").output().is_err() {
        assert!(std::env::var_os("VOLLEY_REQUIRE_BACKENDS").is_none());
        skipped("nats-server");
        return;
    }
    probe(&["--nats", "local"], 3);
}
