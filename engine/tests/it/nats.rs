//! The cluster over a real `nats-server` on a free loopback port. Skipped where there is none, unless
//! `VOLLEY_REQUIRE_BACKENDS=1`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compiler::exit::Exit;
use engine::clock::Clock;
use engine::cluster::agent::{self, AgentEnd, AgentOptions};
use engine::cluster::bus::{Bus, BusError};
use engine::cluster::nats::NatsOptions;
use engine::cluster::nodes;
use engine::cluster::{Finished, Job, StopRequest, coordinator};
use engine::event::{Happened, RunEvent};
use engine::metrics::Ending;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cluster::{every_arrival, job};
use crate::model::{ModelLoader, Sum};
use crate::sample;

const CLUSTER: &str = "C";

/// A broker of our own; killed when dropped.
struct Server {
    process: Child,
    port: u16,
    url: String,
    folder: tempfile::TempDir,
}

impl Server {
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same port.
    fn start(&mut self) {
        self.process = spawn(self.port, &self.folder.path().join("nats.conf")).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a broker with these lines of configuration; `None` where none is installed.
fn server(configuration: &str) -> Option<Server> {
    // The port is free when we look; nobody else on this machine takes ports below the ephemeral ones by chance.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nats.conf");
    std::fs::write(&file, configuration).unwrap();
    let process = match spawn(port, &file) {
        Ok(process) => process,
        Err(error) => {
            let required = std::env::var("VOLLEY_REQUIRE_BACKENDS").is_ok_and(|value| value == "1");
            assert!(!required, "nats-server cannot be started: {error}");
            let mut out = std::io::stderr();
            writeln!(out, "SKIPPED: no nats-server: {error}").unwrap();
            return None;
        }
    };
    Some(Server { process, port, url: format!("nats://127.0.0.1:{port}"), folder })
}

/// Starts the program and waits until it is ready.
fn spawn(port: u16, configuration: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(crate::stage::nats_server());
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c"]).arg(configuration);
    let mut process = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Server is ready"));
    assert!(ready, "nats-server did not start");
    // The pipe must not fill up.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(process)
}

async fn connect(server: &Server, agent: Option<&str>) -> Bus {
    Bus::connect(NatsOptions::new(&server.url, CLUSTER, agent)).await.unwrap()
}

fn options(name: &str) -> AgentOptions {
    AgentOptions {
        name: name.to_owned(),
        cluster: CLUSTER.to_owned(),
        group: "default".to_owned(),
        labels: BTreeMap::new(),
        once: true,
        keep: None,
        say: |_| {},
    }
}

/// Starts an agent of this process on a connection of its own.
async fn agent(
    server: &Server,
    name: &str,
    loader: &ModelLoader,
    stop: &watch::Sender<Option<StopRequest>>,
) -> JoinHandle<AgentEnd> {
    let bus = connect(server, Some(name)).await;
    let loader = Arc::new(loader.clone());
    tokio::spawn(agent::run(options(name), loader, bus, Clock::real(), stop.subscribe()))
}

/// Coordinates `job`, calling `watch` with each event.
async fn coordinate(
    server: &Server,
    job: Job,
    mut watch: impl FnMut(&RunEvent),
) -> (Finished<Sum>, Vec<RunEvent>) {
    let bus = connect(server, None).await;
    let (_stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let running = coordinator::run(job, bus, Clock::real(), stopped, sender, Sum::default());
    let watching = async {
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            watch(&event);
            seen.push(event);
        }
        seen
    };
    tokio::join!(running, watching)
}

#[tokio::test]
async fn the_bus_tells_silence_from_absence_and_size_from_both() {
    let Some(server) = server("max_payload: 65536") else { return };
    let (asker, answerer) = (connect(&server, Some("a")).await, connect(&server, None).await);
    let wait = Duration::from_millis(300);
    let asked = asker.request("volley.C.a.a.beat", Bytes::new(), wait).await;
    assert_eq!(asked, Err(BusError::NoResponders));
    let mut inbox = answerer.subscribe(&["volley.C.a.*.beat".to_owned()]).await.unwrap();
    let asked = asker.request("volley.C.a.a.beat", Bytes::new(), wait).await;
    assert_eq!(asked, Err(BusError::Timeout), "somebody listens, nobody answers");
    inbox.next().await.unwrap();
    assert_eq!(asker.payload_max(), 65_536);
    let large = Bytes::from(vec![b'x'; 65_537]);
    let asked = asker.request("volley.C.a.a.beat", large, wait).await;
    assert_eq!(asked, Err(BusError::TooLarge));
    let answering = async {
        let message = inbox.next().await.unwrap();
        assert_eq!(message.subject, "volley.C.a.a.beat");
        answerer.reply(message.reply.unwrap(), Bytes::from_static(b"yes")).await.unwrap();
    };
    let asking = asker.request("volley.C.a.a.beat", Bytes::new(), Duration::from_secs(5));
    let (answer, ()) = tokio::join!(asking, answering);
    assert_eq!(answer, Ok(Bytes::from_static(b"yes")));
    assert!(asker.is_up() && asker.server_version().is_some());
}

#[tokio::test]
async fn no_broker_is_said_after_three_tries() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("nats://user:secret@{free}");
    let error = Bus::connect(NatsOptions::new(&url, CLUSTER, None)).await.unwrap_err();
    let expected = format!("cannot reach nats://{free} after 3 tries: connection refused");
    assert_eq!(error, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_run_the_schedule_in_windows_larger_than_a_message() {
    let Some(server) = server("max_payload: 8192") else { return };
    let mut artifact = sample::artifact(&[100, 20], 2, 2);
    artifact.nodes.tuning.start_delay_ns = 500_000_000;
    let loader = ModelLoader { ballast: 6_000, ..ModelLoader::new() };
    let (stop, _) = watch::channel(None);
    let agents = [
        agent(&server, "eu-2", &loader, &stop).await,
        agent(&server, "eu-1", &loader, &stop).await,
    ];
    let (finished, events) = coordinate(&server, job(artifact.clone(), CLUSTER), |_| {}).await;
    let record = finished.record;
    assert_eq!(record.ending, Ending::Complete, "{events:?}");
    assert_eq!(loader.sorted(), every_arrival(&artifact));
    let started: u64 = record.arrivals.iter().map(|arrivals| arrivals.started).sum();
    assert_eq!((started, finished.sink.started.values().sum::<u64>()), (240, 240));
    let names: Vec<&str> = record.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["eu-1", "eu-2"]);
    assert!(record.nodes.iter().all(|node| node.seats.len() == 1 && node.joined_us < 0));
    assert!(record.versions.contains_key("nats"));
    for agent in agents {
        assert_eq!(agent.await.unwrap(), AgentEnd { exit: Exit::Passed, message: None });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_vanishes_fails_the_run_and_leaves_a_true_ledger() {
    let Some(server) = server("") else { return };
    let mut artifact = sample::artifact(&[100], 60, 2);
    artifact.nodes.tuning.start_delay_ns = 300_000_000;
    let loader = ModelLoader::new();
    let (stop, _) = watch::channel(None);
    let stays = agent(&server, "stays", &loader, &stop).await;
    let dies = agent(&server, "dies", &loader, &stop).await;
    let job = Job { lease_ns: 2_000_000_000, ..job(artifact, CLUSTER) };
    let ticked = |event: &RunEvent| {
        if matches!(event.what, Happened::Tick(_)) {
            dies.abort();
        }
    };
    let (finished, events) = coordinate(&server, job, ticked).await;
    let record = finished.record;
    let Ending::ClusterFailed(why) = &record.ending else { panic!("{:?}", record.ending) };
    assert!(why.contains("`dies`") && why.contains("lost"), "{why}");
    let arrivals = record.arrivals[0];
    let really = loader.log.lock().unwrap().len() as u64;
    let known = arrivals.started..=arrivals.started + arrivals.unaccounted;
    assert!(known.contains(&really), "{really} were started: {arrivals:?}");
    assert!((1..=50 * 6).contains(&arrivals.unaccounted), "{arrivals:?}");
    assert_eq!(arrivals.planned, arrivals.started + arrivals.dropped + arrivals.unaccounted);
    assert!(arrivals.dropped_by.stopped > 0);
    let kinds = events.iter().filter(|event| event.node.as_deref() == Some("dies"));
    let kinds: Vec<String> = kinds.map(|event| format!("{:?}", event.what)).collect();
    let suspect = kinds.iter().position(|kind| kind == "Suspect").unwrap();
    let lost = kinds.iter().position(|kind| kind.starts_with("Lost")).unwrap();
    assert!(suspect < lost, "{kinds:?}");
    assert_eq!(stays.await.unwrap().exit, Exit::Passed, "it served its part");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_agents_are_named() {
    let Some(server) = server("") else { return };
    let loader = ModelLoader::new();
    let (stop, _) = watch::channel(None);
    let alone = agent(&server, "alone", &loader, &stop).await;
    let job = Job { join_timeout_ns: 1_500_000_000, ..job(sample::artifact(&[10], 1, 3), CLUSTER) };
    let (finished, _) = coordinate(&server, job, |_| {}).await;
    let Ending::ClusterFailed(why) = &finished.record.ending else { panic!() };
    assert!(why.contains("default/1, default/2") && why.contains("`alone`"), "{why}");
    assert!(!finished.record.load_started);
    assert_eq!(finished.record.arrivals[0].dropped_by.stopped, 10);
    stop.send_replace(Some(StopRequest::Drain));
    assert_eq!(alone.await.unwrap().exit, Exit::Interrupted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_outside_passes_for_the_node_inside() {
    let Some(server) = server("") else { return };
    let loader = ModelLoader::new();
    let (stop, _) = watch::channel(None);
    let outside = agent(&server, "coordinator", &loader, &stop).await;
    let job = Job { join_timeout_ns: 1_500_000_000, ..job(sample::artifact(&[10], 1, 1), CLUSTER) };
    let (finished, _) = coordinate(&server, job, |_| {}).await;
    let Ending::ClusterFailed(why) = &finished.record.ending else { panic!() };
    assert!(why.contains("here: nobody"), "{why}");
    let codes: Vec<&str> = finished.record.warnings.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["message-refused"]);
    stop.send_replace(Some(StopRequest::Drain));
    assert_eq!(outside.await.unwrap().exit, Exit::Interrupted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_denies_ends_an_agent_with_the_subject() {
    let permissions = r#"authorization { users = [ { user: "eu-1", password: "p", permissions: {
        publish: { allow: ["volley.C.a.eu-2.>"] }
        subscribe: { allow: [">"] } } } ] }"#;
    let Some(server) = server(permissions) else { return };
    let credentials = Some(("eu-1".to_owned(), "p".to_owned()));
    let denied = NatsOptions::new(&server.url, CLUSTER, Some("eu-1"));
    let wrong = Some(("eu-1".to_owned(), "q".to_owned()));
    let error = Bus::connect(NatsOptions { user: wrong, ..denied.clone() }).await.unwrap_err();
    assert!(error.starts_with("cannot enter nats://127.0.0.1"), "{error}");
    let bus = Bus::connect(NatsOptions { user: credentials, ..denied }).await.unwrap();
    let (_stop, stopped) = watch::channel(None);
    let loader = Arc::new(ModelLoader::new());
    let end = agent::run(options("eu-1"), loader, bus, Clock::real(), stopped).await;
    assert_eq!(end.exit, Exit::ClusterFailed);
    let message = end.message.unwrap();
    assert!(message.contains("volley.C.a.eu-1."), "{message}");
    let as_coordinator = NatsOptions::new(&server.url, CLUSTER, None);
    let credentials = Some(("eu-1".to_owned(), "p".to_owned()));
    let bus = Bus::connect(NatsOptions { user: credentials, ..as_coordinator }).await.unwrap();
    let error = nodes::look(&bus, CLUSTER, Duration::from_secs(1)).await.unwrap_err();
    assert!(error.contains("Permissions Violation") && error.contains("volley.C.c."), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_within_the_lease_costs_nothing() {
    let Some(mut server) = server("") else { return };
    let mut artifact = sample::artifact(&[100], 5, 2);
    artifact.nodes.tuning.start_delay_ns = 300_000_000;
    let loader = ModelLoader::new();
    let (stop, _) = watch::channel(None);
    let agents =
        [agent(&server, "a", &loader, &stop).await, agent(&server, "b", &loader, &stop).await];
    let bus = connect(&server, None).await;
    let (_stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let job = job(artifact.clone(), CLUSTER);
    let running = coordinator::run(job, bus, Clock::real(), stopped, sender, Sum::default());
    let watching = async {
        let (mut away, mut back) = (0, 0);
        while let Some(event) = events.recv().await {
            match event.what {
                Happened::Tick(tick) if tick.second == 0 => {
                    server.kill();
                    tokio::time::sleep(Duration::from_millis(1_200)).await;
                    server.start();
                }
                Happened::BrokerAway => away += 1,
                Happened::BrokerBack { .. } => back += 1,
                _ => {}
            }
        }
        (away, back)
    };
    let (finished, seen) = tokio::join!(running, watching);
    assert_eq!(finished.record.ending, Ending::Complete);
    assert_eq!(loader.sorted(), every_arrival(&artifact));
    assert_eq!(finished.record.arrivals[0].started, 500);
    assert_eq!(seen, (1, 1));
    for agent in agents {
        assert_eq!(agent.await.unwrap().exit, Exit::Passed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_needs_no_more_than_each_ones_own_subjects() {
    let permissions = r#"authorization { users = [
        { user: "coord", password: "p", permissions: {
            publish: { allow: ["volley.C.c.>", "_INBOX.volley.C.a.>"] }
            subscribe: { allow: ["volley.C.c.lock.>", "volley.C.a.>", "_INBOX.volley.C.c.>"] } } }
        { user: "eu-1", password: "p", permissions: {
            publish: { allow: ["volley.C.a.eu-1.>"] }
            subscribe: { allow: ["volley.C.c.all.>", "volley.C.c.to.eu-1.>", "volley.C.a.eu-1.claim.>", "_INBOX.volley.C.a.eu-1.>"] } } }
    ] }"#;
    let Some(server) = server(permissions) else { return };
    let user = |name: &str| Some((name.to_owned(), "p".to_owned()));
    let as_agent = NatsOptions::new(&server.url, CLUSTER, Some("eu-1"));
    let agent_bus = Bus::connect(NatsOptions { user: user("eu-1"), ..as_agent }).await.unwrap();
    let as_coordinator = NatsOptions::new(&server.url, CLUSTER, None);
    let bus = Bus::connect(NatsOptions { user: user("coord"), ..as_coordinator }).await.unwrap();
    let mut artifact = sample::artifact(&[50], 1, 1);
    artifact.nodes.tuning.start_delay_ns = 100_000_000;
    let loader = ModelLoader::new();
    let (_stop, stopped) = watch::channel(None);
    let (sender, mut events) = mpsc::channel(10_000);
    let load = Arc::new(loader.clone());
    let serving = agent::run(options("eu-1"), load, agent_bus, Clock::real(), stopped.clone());
    let job = job(artifact.clone(), CLUSTER);
    let running = coordinator::run(job, bus, Clock::real(), stopped, sender, Sum::default());
    let as_coordinator = NatsOptions::new(&server.url, CLUSTER, None);
    let asking = NatsOptions { user: user("coord"), ..as_coordinator };
    let asking = Bus::connect(asking).await.unwrap();
    let looking = nodes::look(&asking, CLUSTER, Duration::from_secs(2));
    let (finished, end, seen) = tokio::join!(running, serving, looking);
    let seen = seen.unwrap();
    let names: Vec<&str> = seen.agents.iter().map(|agent| agent.hello.name.as_str()).collect();
    assert_eq!((names, seen.refused), (vec!["eu-1"], 0));
    while events.try_recv().is_ok() {}
    assert_eq!(finished.record.ending, Ending::Complete);
    assert_eq!(finished.record.warnings, [], "nothing was denied");
    assert_eq!(end.exit, Exit::Passed);
    assert_eq!(loader.sorted(), every_arrival(&artifact));
}
