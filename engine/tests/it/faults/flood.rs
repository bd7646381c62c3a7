//! Somebody else on the same broker who floods and forges, where no permissions keep him out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use super::scene::{Plan, Scene};

/// A stranger who speaks the broker's protocol by hand.
struct Stranger(TcpStream);

impl Stranger {
    fn enter(broker: SocketAddr) -> Stranger {
        let mut stream = TcpStream::connect(broker).unwrap();
        stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").unwrap();
        let mut stranger = Stranger(stream);
        stranger.wait_for_pong();
        stranger
    }

    /// Publishes `body` on `subject` so many times, as fast as the broker takes it.
    fn publish(&mut self, times: usize, subject: &str, body: &str) {
        let one = format!("PUB {subject} {}\r\n{body}\r\n", body.len());
        let many = one.repeat(times.min(1_000));
        for _ in 0..times.div_ceil(1_000) {
            self.0.write_all(many.as_bytes()).unwrap();
        }
        self.0.write_all(b"PING\r\n").unwrap();
        self.wait_for_pong();
    }

    /// What was sent before has been read by the broker.
    fn wait_for_pong(&mut self) {
        let (mut said, mut read) = (Vec::new(), [0; 4096]);
        while !said.windows(4).any(|word| word == b"PONG") {
            let count = self.0.read(&mut read).unwrap();
            assert!(count > 0, "the broker threw the stranger out");
            said.extend_from_slice(&read[..count]);
        }
    }
}

const NONCE: &str = "00000000000000000000000000000bad";

#[test]
fn a_stranger_who_forges_changes_nothing() {
    let Some(scene) = Scene::new(Plan::default()) else { return };
    let run = scene.run_until_second(1);
    let mut stranger = Stranger::enter(scene.nats.address);
    let forged = [
        (
            "a.a.beat",
            r#"{"t":"beat","v":1,"nonce":"NONCE","seq":9999,"run":"k3v9x0q2ab","epoch":1,"phase":"fenced","sent_ns":1,"reason":null,"backlog":0,"delta_unacked":0,"armed":null}"#,
        ),
        (
            "a.b.delta",
            r#"{"t":"delta","v":1,"nonce":"NONCE","run":"k3v9x0q2ab","epoch":1,"seq":1,"part":0,"parts":1,"window_ms":[0,1000]}"#,
        ),
        (
            "a.c.final",
            r#"{"t":"final","v":1,"nonce":"NONCE","run":"k3v9x0q2ab","part":0,"parts":1}"#,
        ),
        (
            "a.b.hello",
            r#"{"t":"hello","v":1,"nonce":"NONCE","name":"b","group":"default","labels":{},"proto":{"min":1,"max":1},"formats":[1],"build":"0","pid":1,"host":"h","cores":1}"#,
        ),
        ("c.all.hint", r#"{"t":"hint","v":1,"nonce":"NONCE","run":"k3v9x0q2ab","want":"beat"}"#),
        ("a.a.beat", "no message at all"),
        ("a.nobody.beat", "{}"),
        ("a.a.get", r#"{"t":"get","v":1,"nonce":"NONCE","digest":"blake3:0","index":4294967295}"#),
    ];
    for _ in 0..20 {
        for (subject, body) in &forged {
            let body = format!("{}\n", body.replace("NONCE", NONCE));
            stranger.publish(20, &format!("volley.default.{subject}"), &body);
        }
        sleep(Duration::from_millis(100));
    }
    let ended = run.ends(0);
    assert!(ended.warned("message-refused"), "{:?}", ended.result.warnings);
    assert_eq!(ended.lost(), Vec::<&str>::new());
    assert_eq!(ended.result.arrivals.started, scene.plan.planned());
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.is_whole();
}

#[test]
fn a_full_inbox_is_counted_and_what_it_dropped_comes_again() {
    let Some(scene) = Scene::new(Plan { lease_s: 6, seconds: 9, ..Plan::default() }) else {
        return;
    };
    let run = scene.run_until_second(2);
    let mut stranger = Stranger::enter(scene.nats.address);
    // More than an inbox holds, faster than anybody reads: for a moment most of what agents say is dropped, too.
    stranger.publish(60_000, "volley.default.a.a.delta", "x");
    stranger.publish(60_000, "volley.default.a.b.beat", "x");
    let ended = run.ends(0);
    assert!(ended.warned("messages-dropped"), "{:?}", ended.result.warnings);
    assert_eq!(ended.lost(), Vec::<&str>::new());
    assert_eq!(ended.result.arrivals.started, scene.plan.planned());
    let witness = scene.witness();
    witness.agrees_with(&ended);
    witness.is_whole();
}
