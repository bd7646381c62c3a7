//! A node on its own threads, against a server on the loopback.

use axum::Router;
use axum::routing::get as route;

use super::*;
use crate::driver::HttpDriver;

#[test]
fn a_seat_that_the_plan_does_not_have_is_refused() {
    let artifact = plan(scenario(Load::Open(constant("1/s", SECOND)), vec![get("a", &[])]));
    for seat in ["all/2", "all", "other/0", "all/x"] {
        let share = NodeShare::new(&artifact, &[seat.to_owned()], 1);
        assert!(matches!(share, Err(RuntimeError::UnknownSeat(name)) if name == seat));
    }
}

#[test]
fn lanes_and_seats_are_the_whole() {
    let artifact = plan(scenario(Load::Open(constant("1/s", SECOND)), vec![get("a", &[])]));
    let mut residues: Vec<u32> = Vec::new();
    for seat in seats() {
        let share = NodeShare::new(&artifact, &[seat], 3).unwrap();
        residues.extend(share.lanes.iter().flatten().flat_map(|share| share.residues.clone()));
        assert_eq!(share.in_flight_max, [5_000]);
    }
    residues.sort_unstable();
    assert_eq!(residues, (0..256).collect::<Vec<_>>());
}

#[tokio::test]
async fn real_threads_load_a_real_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/a", route(|| async { "hello" }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut artifact =
        plan(scenario(Load::Open(constant("500/s", SECOND / 5)), vec![get("a", &[])]));
    let Some(Endpoint::Http(shop)) = artifact.endpoints.get_mut("shop") else { unreachable!() };
    shop.base_url = text(&format!("http://{address}"));
    let program = Program::prepare(Arc::new(artifact), Inputs::default()).unwrap();
    let clock = Clock::real();
    let (node, mut events) = Node::spawn(Setup {
        program: Arc::new(program),
        seats: seats(),
        clock: clock.clone(),
        workers: 2,
        pacing: Pacing::Precise,
        start_driver: Arc::new(|program, clock| {
            Ok(Driver::Http(HttpDriver::new(program.targets(), clock.clone())?))
        }),
    })
    .unwrap();
    node.extend_lease(u64::MAX);
    node.start(clock.now());
    let mut seen = Seen::default();
    while let Some(event) = events.recv().await {
        match event {
            NodeEvent::Window(window) => seen.windows.push(window),
            NodeEvent::Fenced => seen.fenced += 1,
            NodeEvent::Finished(summary) => seen.summary = Some(summary),
        }
    }
    server.abort();
    let (row, summary) = (seen.ledger(0), seen.summary.unwrap());
    assert_eq!((row.started, row.failed, row.upto), (100, 0, 100), "{:?}", seen.whole().errors);
    assert_eq!((row.succeeded, seen.step(0).status[&200]), (100, 100));
    assert_eq!((seen.fenced, summary.workers_broken), (0, 0));
    assert!(seen.windows.iter().all(|window| window.rss_bytes > 0 && window.descriptors > 0));
    assert!(seen.whole().lag.is_some_and(|lag| !lag.is_empty()));
}

#[test]
fn a_driver_that_cannot_be_had_is_said_at_once() {
    let artifact = plan(scenario(Load::Open(constant("1/s", SECOND)), vec![get("a", &[])]));
    let program = Program::prepare(Arc::new(artifact), Inputs::default()).unwrap();
    let setup = |start_driver| Setup {
        program: Arc::new(program),
        seats: seats(),
        clock: Clock::real(),
        workers: 2,
        pacing: Pacing::Precise,
        start_driver,
    };
    let refused = Node::spawn(setup(Arc::new(|_, _| Err("no certificates".into()))));
    assert!(
        matches!(refused, Err(RuntimeError::Driver(why)) if why.to_string() == "no certificates")
    );
}
