//! A broker that lets everybody in, and somebody who uses it: the run is what it is, and says what it refused.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Broker, Stage, agent, file};
use crate::stage::{Shop, finish, result, volley};

/// Messages of a stranger: broken, foreign, and some that would be right from somebody else.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let beat = |nonce: &str| {
        format!(
            r#"{{"t":"beat","v":1,"nonce":"{nonce}","seq":1,"run":"r","epoch":1,"phase":"draining","sent_ns":1,"reason":"x","backlog":0,"delta_unacked":0,"armed":null}}"#
        ) + "\n"
    };
    let hello = |name: &str| {
        format!(
            r#"{{"t":"hello","v":1,"nonce":"n","name":"{name}","group":"nowhere","labels":{{}},"proto":{{"min":1,"max":1}},"formats":[1],"build":"b","pid":1,"host":"h","cores":1}}"#
        ) + "\n"
    };
    let delta = r#"{"t":"delta","v":1,"nonce":"n","run":"r","epoch":1,"seq":1,"part":0,"parts":1,"window_ms":[0,1]}"#;
    let hint = r#"{"t":"hint","v":1,"nonce":"n","run":"r","want":"hello"}"#;
    vec![
        ("volley.C.a.eu-1.beat", beat("00").into_bytes()),
        ("volley.C.a.eu-1.hello", hello("eu-1").into_bytes()),
        ("volley.C.a.eu-1.hello", hello("eu-2").into_bytes()),
        ("volley.C.a.x.hello", hello("x").into_bytes()),
        ("volley.C.a.eu-1.delta", [delta.as_bytes(), b"\nxxxx"].concat()),
        ("volley.C.a.eu-1.final", b"{\"t\":\"final\"}\n".to_vec()),
        ("volley.C.a.eu-1.get", b"no line".to_vec()),
        ("volley.C.a.eu-1.beat", vec![b'x'; 100_000]),
        ("volley.C.a.eu-1.beat", vec![0xff, 0xfe, b'\n']),
        ("volley.C.c.all.hint", [hint.as_bytes(), b"\n"].concat()),
        ("volley.C.c.all.hint", b"{}\n".to_vec()),
        ("volley.C.c.to.eu-1.ping", vec![b'x'; 10_000]),
    ]
}

/// Sends them over and over until told to stop; returns how often.
async fn flood(url: String, stop: Arc<AtomicBool>) -> u64 {
    let client = async_nats::connect(url).await.unwrap();
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        for (subject, body) in messages() {
            client.publish(subject, body.into()).await.unwrap();
        }
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rounds
}

#[test]
fn a_flood_of_foreign_messages_changes_nothing_but_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    let shop = Shop::start(folder.path(), &[]);
    let stage = Stage::new(&shop.url);
    let plan = std::fs::read_to_string(&stage.plan).unwrap();
    let plan = plan.replace("rate: 10/s, for: 1s", "rate: 50/s, for: 4s");
    let plan = file(stage.path(), "long.yaml", &plan);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = runtime.spawn(flood(broker.url.clone(), Arc::clone(&stop)));
    let serving = agent(&broker.url, "C", "eu-1", &[]);
    let mut command = volley();
    let out = stage.out();
    command.args(["run", &plan, "--nats", &broker.url, "--cluster", "C"]);
    command.args(["--out", out.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(command.spawn().unwrap());
    stop.store(true, Ordering::Relaxed);
    let rounds = runtime.block_on(flooding).unwrap();
    run.exits(0);
    finish(serving).exits(0);
    assert!(rounds > 100, "{rounds} rounds");
    let result = result(&out);
    assert_eq!((result.arrivals.started, result.arrivals.succeeded), (200, 200));
    let warnings = serde_json::to_value(&result.warnings).unwrap();
    let warnings = warnings.as_array().unwrap();
    let count = |code: &str| warnings.iter().filter(|warning| warning["code"] == code).count();
    assert_eq!((count("message-refused"), count("agent-refused")), (1, 0), "{warnings:?}");
    assert!(warnings.len() < 10, "warnings are few: {warnings:?}");
    let seen = shop.requests();
    assert!(seen.len() == 200 && seen.values().all(|(times, _)| *times == 1));
}
