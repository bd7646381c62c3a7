//! `--allow-target`: a node sends nowhere else, whatever a plan or a server says.

use std::fs;

use super::{Broker, Stage, file, server};
use crate::stage::{Shop, result, run};

#[test]
fn an_agent_refuses_an_endpoint_that_is_not_allowed_and_both_sides_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    let shop = Shop::start(folder.path(), &[]);
    let stage = Stage::new(&shop.url);
    let address = shop.url.trim_start_matches("http://").to_owned();
    let flags = ["--allow-target", "shop.example", "--allow-target", "127.0.0.1:1"];
    let (run, agent) = stage.run_on_agent(&broker.url, &stage.plan, &[], &flags);
    let why = format!("endpoint `shop` leads to {address}, which is not among the allowed targets");
    let run = run.exits(96);
    assert!(run.err.contains(&why) && run.out.contains("`eu-1`"), "{}{}", run.out, run.err);
    let agent = agent.exits(96);
    assert!(agent.err.contains(&why), "{}", agent.err);
    fs::remove_dir_all(stage.out()).unwrap();

    let flags = ["--allow-target", "shop.example", "--allow-target", &address];
    let (run, agent) = stage.run_on_agent(&broker.url, &stage.plan, &[], &flags);
    run.exits(0);
    agent.exits(0);
    // What the coordinator's command line says instead of the plan is no way around it.
    fs::remove_dir_all(stage.out()).unwrap();
    let elsewhere = ["--var", "shop=http://127.0.0.2:1"];
    let (run, agent) = stage.run_on_agent(&broker.url, &stage.plan, &elsewhere, &flags);
    run.exits(96);
    assert!(agent.exits(96).err.contains("127.0.0.2:1"));
    assert_eq!(shop.requests().len(), 10, "one run was allowed");
}

#[test]
fn an_embedded_run_sends_only_where_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let stage = Stage::new(&shop.url);
    let out = stage.out();
    let embedded = |flags: &[&str]| {
        run(&[&["run", stage.plan.as_str(), "--out", out.to_str().unwrap()], flags].concat())
    };
    let said = embedded(&["--allow-target", "localhost"]).exits(96);
    assert!(said.out.contains("not among the allowed targets"), "{}", said.out);
    assert!(!result(&out).run.outcome.is_empty());
    fs::remove_dir_all(&out).unwrap();
    embedded(&["--allow-target", "127.0.0.1"]).exits(0);
    fs::remove_dir_all(&out).unwrap();
    let said = embedded(&["--nats", "nats://127.0.0.1:1", "--allow-target", "127.0.0.1"]).exits(2);
    assert!(said.err.contains("give it to `volley agent`"), "{}", said.err);
    let said = embedded(&["--allow-target", "*.example"]).exits(2);
    assert!(said.err.contains("HOST or HOST:PORT"), "{}", said.err);
    assert_eq!(shop.requests().len(), 10);
}

#[test]
fn a_redirect_elsewhere_fails_its_step_and_is_counted_as_denied() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new("http://unused");
    let shop = Shop::start(folder.path(), &[]);
    let location = format!("{}/health", shop.url);
    let (leads_away, _) = server(&format!("302 Found\r\nlocation: {location}"));
    let plan = super::plan(&leads_away);
    let plan = file(stage.path(), "away.yaml", &plan);
    let out = stage.out();
    let allowed = leads_away.trim_start_matches("http://");
    let args = ["run", &plan, "--out", out.to_str().unwrap(), "--allow-target", allowed];
    run(&args);
    let result = result(&out);
    assert_eq!((result.arrivals.succeeded, result.arrivals.failed), (0, 10));
    let step = serde_json::to_value(&result.scenarios[0].steps[0]).unwrap();
    assert_eq!(step["errors"][0]["kind"], "denied", "{step}");
    assert_eq!(step["errors"][0]["count"], 10);
    assert!(shop.requests().is_empty());
}
