//! `--allow-target`: a node sends nowhere else, whatever a plan or a server says.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use engine::clock::Clock;
use engine::cluster::load::{LoadError, Loader as _, Share};
use engine::cluster::node::NodeLoader;
use engine::cluster::permit::Permit;
use engine::driver::{Driver, HttpDriver};
use engine::runtime::Pacing;
use engine::user::AllowedTargets;

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

#[test]
fn a_node_is_asked_for_the_endpoints_of_its_own_seats() {
    let folder = tempfile::tempdir().unwrap();
    let groups = "nodes: { groups: { eu: { agents: 1, vars: { shop: \"http://eu.example\" } }, \
                  us: { agents: 1, vars: { shop: \"http://us.example:81\" } } } }";
    let plan = super::plan("http://unused");
    let (before, after) = plan.split_once("nodes:").unwrap();
    let after = after.split_once('\n').unwrap().1;
    let plan = file(folder.path(), "plan.yaml", &format!("{before}{groups}\n{after}"));
    let artifact = Bytes::from(run(&["plan", "compile", &plan, "-o", "-"]).exits(0).out);
    let digest = compiler::verify::load(&artifact).unwrap().digest;
    let targets = AllowedTargets::only(vec!["EU.example:80".parse().unwrap()]);
    let loader = NodeLoader {
        clock: Clock::real(),
        workers: 1,
        pacing: Pacing::Precise,
        permit: Permit { targets, ..Permit::default() },
        read_secret: Arc::new(|_| None),
        start_driver: Arc::new(|program, clock| {
            Ok(Driver::Http(HttpDriver::new(program.targets(), clock.clone())?))
        }),
    };
    let load = |seat: &str| {
        let (artifact, seats) = (artifact.clone(), vec![seat.to_owned()]);
        let (run, digest) = ("k3v9x0q2ab".to_owned(), digest.clone());
        let (files, vars) = (BTreeMap::new(), BTreeMap::new());
        loader.load(Share {
            run,
            digest,
            artifact,
            signatures: None,
            files,
            vars,
            seed: None,
            dry_run: false,
            takeovers: Vec::new(),
            seats,
        })
    };
    assert!(load("eu/0").is_ok());
    let Some(LoadError::Failed(why)) = load("us/0").err() else { panic!("us.example is allowed") };
    assert!(why.contains("us.example:81"), "{why}");
}
