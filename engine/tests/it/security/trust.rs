//! `--trust`: only what a trusted key signed is run, whoever asks.

use std::fs;

use super::{Broker, Stage};
use crate::stage::{Shop, result, run};

/// A compiled plan and two keys.
struct Signed {
    stage: Stage,
    artifact: String,
    ours: String,
    theirs: String,
}

impl Signed {
    fn new(shop: &str) -> Signed {
        let stage = Stage::new(shop);
        let path = |name: &str| stage.path().join(name).to_str().unwrap().to_owned();
        let (artifact, ours, theirs) = (path("plan.json"), path("ours.key"), path("theirs.key"));
        run(&["plan", "compile", &stage.plan, "-o", &artifact]).exits(0);
        for key in [&ours, &theirs] {
            run(&["plan", "keygen", "-o", key]).exits(0);
        }
        Signed { stage, artifact, ours, theirs }
    }

    fn sign(&self, key: &str) {
        run(&["plan", "sign", &self.artifact, "--key", key]).exits(0);
    }

    /// Runs the artifact in one process.
    fn embedded(&self, flags: &[&str]) -> crate::stage::Said {
        let out = self.stage.out();
        run(&[&["run", &self.artifact, "--out", out.to_str().unwrap()], flags].concat())
    }
}

#[test]
fn an_agent_runs_what_a_key_it_trusts_signed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    let shop = Shop::start(folder.path(), &[]);
    let signed = Signed::new(&shop.url);
    let (ours, theirs) = (format!("{}.pub", signed.ours), format!("{}.pub", signed.theirs));
    // Signed by both; the agent trusts one of several.
    signed.sign(&signed.theirs);
    signed.sign(&signed.ours);
    let trust = ["--trust", &ours];
    let (run, agent) =
        signed.stage.run_on_agent(&broker.url, &signed.artifact, &["--trust", &theirs], &trust);
    run.exits(0);
    agent.exits(0);
    assert_eq!(result(&signed.stage.out()).arrivals.succeeded, 10);
    assert_eq!(shop.requests().len(), 10);
}

#[test]
fn an_agent_refuses_what_nobody_it_trusts_signed_and_both_sides_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    let shop = Shop::start(folder.path(), &[]);
    for (signer, why) in [(None, "it is not signed"), (Some(()), "no trusted key signed it")] {
        let signed = Signed::new(&shop.url);
        if signer.is_some() {
            signed.sign(&signed.theirs);
        }
        let trusted = format!("{}.pub", signed.ours);
        let flags = ["--trust", trusted.as_str()];
        let (run, agent) = signed.stage.run_on_agent(&broker.url, &signed.artifact, &[], &flags);
        let run = run.exits(95);
        assert!(run.err.contains("`eu-1`") && run.out.contains(why), "{}{}", run.out, run.err);
        let agent = agent.exits(95);
        assert!(agent.err.contains(why), "{}", agent.err);
        let result = result(&signed.stage.out());
        assert_eq!(result.run.outcome, "artifact_refused");
        // A plan is compiled when it runs: nobody can have signed it.
        fs::remove_dir_all(signed.stage.out()).unwrap();
        let (run, agent) = signed.stage.run_on_agent(&broker.url, &signed.stage.plan, &[], &flags);
        run.exits(95);
        agent.exits(95);
    }
    assert!(shop.requests().is_empty(), "nothing was sent");
}

#[test]
fn a_coordinator_checks_before_it_sends_anything() {
    let signed = Signed::new("http://127.0.0.1:1");
    let (ours, theirs) = (format!("{}.pub", signed.ours), format!("{}.pub", signed.theirs));
    let said = signed.embedded(&["--trust", &ours]).exits(95);
    assert!(said.err.contains("it is not signed"), "{}", said.err);
    signed.sign(&signed.ours);
    let said = signed.embedded(&["--trust", &theirs]).exits(95);
    assert!(said.err.contains("no trusted key signed it"), "{}", said.err);
    // No broker is needed to refuse.
    let said = signed.embedded(&["--trust", &theirs, "--nats", "nats://127.0.0.1:1"]).exits(95);
    assert!(said.err.contains("no trusted key signed it"), "{}", said.err);
    // A signature that does not hold is refused even if nobody was said to be trusted, as `plan verify` does.
    let sig = format!("{}.sig", signed.artifact);
    let text = fs::read_to_string(&sig).unwrap();
    fs::write(&sig, text.replace("\"bytes\":\"", "\"bytes\":\"A")).unwrap();
    signed.embedded(&[]).exits(95);
    assert!(!signed.stage.out().exists(), "no results folder");
    let plan = run(&["run", &signed.stage.plan, "--trust", &ours]).exits(2);
    assert!(plan.err.contains("--trust needs an artifact"), "{}", plan.err);
    for bad in [&signed.ours, &signed.stage.plan] {
        let said = signed.embedded(&["--trust", bad]).exits(2);
        assert!(said.err.contains("cannot use the key"), "{}", said.err);
        assert!(!said.err.contains("ed25519-secret:"), "a key is never shown");
    }
}

#[test]
fn an_embedded_run_and_private_agents_run_what_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_) = Broker::start(folder.path(), "") else { return };
    let shop = Shop::start(folder.path(), &[]);
    let signed = Signed::new(&shop.url);
    signed.sign(&signed.ours);
    let ours = format!("{}.pub", signed.ours);
    signed.embedded(&["--trust", &ours]).exits(0);
    fs::remove_dir_all(signed.stage.out()).unwrap();
    let host = shop.url.trim_start_matches("http://");
    signed.embedded(&["--trust", &ours, "--nats", "local", "--allow-target", host]).exits(0);
    assert_eq!(result(&signed.stage.out()).arrivals.succeeded, 10);
    fs::remove_dir_all(signed.stage.out()).unwrap();
    // Private agents have the flags of the run.
    let said = signed.embedded(&["--nats", "local", "--allow-target", "192.0.2.1"]).exits(96);
    assert!(said.out.contains("not among the allowed targets"), "{}", said.out);
    drop(shop);
}
