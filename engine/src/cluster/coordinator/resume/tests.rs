//! A coordinator that goes on from another's journal: what it knows, whom it heeds, and how long it waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::OnAgentLoss;

use super::*;
use crate::cluster::coordinator::journal::{Alive, Head, Line, WindowLine, put};
use crate::cluster::coordinator::state::Input;
use crate::cluster::wire::{
    Beat, Delta, Final, FromCoordinator, Kept, Order, Range, V, Want, Welcome, encode_window,
};
use crate::cluster::{Seating, sample};
use crate::ledger::DueTimes as _;
use crate::metrics::{LedgerRow, RunRecord, Window};

const MS: u64 = 1_000_000;

/// When the load started and when the coordinator was lost, on its clock.
const START: Ticks = 10_000 * MS;
const LOST: Ticks = START + 4_000 * MS;

/// When another one goes on.
const NOW: Ticks = START + 60_000 * MS;

fn settings() -> Settings {
    Settings {
        nonce: "second".to_owned(),
        run: "r".to_owned(),
        // Ten arrivals a second for twenty seconds, on two seats.
        artifact: Arc::new(sample::artifact(&[10], 20, 2)),
        files: Vec::new(),
        vars: BTreeMap::new(),
        seed: None,
        dry_run: false,
        signatures: None,
        seating: Seating::OnePerAgent,
        join_timeout_ns: 5_000 * MS,
        lease_ns: 3_000 * MS,
        on_agent_loss: OnAgentLoss::Fail,
        local: false,
        series: 0,
    }
}

/// Returns the arrivals below `upto` of node `node`.
fn owned(node: usize, upto: u64) -> u64 {
    let artifact = settings().artifact;
    let scenario = artifact.scenarios.values().next().unwrap();
    let seat = format!("default/{node}");
    let ours = |n: &u64| scenario.seats[&seat].contains(compiler::schedule::slot_in(scenario, *n));
    u64::try_from((0..upto).filter(ours).count()).unwrap()
}

/// Returns a node's row that decides everything from `from` below `upto`.
fn row(node: usize, from: u64, upto: u64) -> LedgerRow {
    let started = owned(node, upto) - owned(node, from);
    LedgerRow { lanes: 1, upto, started, succeeded: started, ..LedgerRow::default() }
}

fn window(node: usize, from: u64, upto: u64) -> Bytes {
    let ledger = vec![row(node, from, upto)];
    let (from_ms, to_ms) = (from * 100, upto * 100);
    encode_window(&Window { from_ms, to_ms, ledger, ..Window::default() }).unwrap()
}

fn known(node: usize, name: &str) -> NodeNow {
    NodeNow {
        node,
        name: name.to_owned(),
        process: "p".to_owned(),
        group: "default".to_owned(),
        labels: BTreeMap::new(),
        host: "h".to_owned(),
        pid: 1,
        seats: vec![format!("default/{node}")],
        home: vec![format!("default/{node}")],
        takeovers: Vec::new(),
        handed_over: Vec::new(),
        joined: 1_000 * MS,
        armed: None,
        leases: None,
        fenced: false,
        left: false,
        lost: None,
        drained: None,
    }
}

fn run_now() -> RunNow {
    RunNow {
        start: Some(START),
        stopped: None,
        ending: Ending::Complete,
        scenarios: vec![ScenarioNow { start_ns: Some(0), stopped: None }],
        warnings: vec![("w".to_owned(), "m".to_owned())],
        lost: None,
    }
}

/// Returns a journal in which node 0 is known to arrival 40 and node 1 to arrival 30.
fn past(lines: Vec<Line>) -> Past {
    let head = Line::Head(Head {
        v: Head::version(),
        cluster: "c".to_owned(),
        artifact: String::new(),
        vars: BTreeMap::new(),
        seed: None,
        join_timeout_ns: 0,
        lease_ns: 0,
        on_agent_loss: OnAgentLoss::Fail,
    });
    let mut text = Vec::new();
    for line in std::iter::once(head).chain(lines) {
        put(&mut text, "r", line).unwrap();
    }
    Past::read(&text[..], Some("r")).unwrap()
}

fn lines() -> Vec<Line> {
    vec![
        Line::Run(run_now()),
        Line::Node(known(0, "a")),
        Line::Node(known(1, "b")),
        Line::Window(WindowLine::new(0, 1, &window(0, 0, 20))),
        Line::Window(WindowLine::new(1, 1, &window(1, 0, 30))),
        Line::Window(WindowLine::new(0, 2, &window(0, 20, 40))),
        Line::Alive(Alive { at: LOST, unix_ms: 0 }),
    ]
}

fn resumed(lines: Vec<Line>) -> (Coordinator, Vec<Effect>) {
    Coordinator::resume(NOW, settings(), past(lines)).unwrap()
}

fn replies(it: &mut Coordinator, now: Ticks, input: Input) -> Vec<FromCoordinator> {
    let effects = it.on(now, input).into_iter();
    let replies = effects.filter_map(|effect| match effect {
        Effect::Reply(reply) => Some(*reply),
        _ => None,
    });
    replies.collect()
}

fn hello(it: &mut Coordinator, now: Ticks, name: &str, kept: Option<u64>) -> Welcome {
    let kept = kept.map(|from_seq| Kept { run: "r".to_owned(), process: "p".to_owned(), from_seq });
    let hello = Hello {
        v: V,
        nonce: format!("{name}-again"),
        name: name.to_owned(),
        group: "default".to_owned(),
        labels: BTreeMap::new(),
        proto: Range { min: 1, max: 1 },
        formats: vec![compiler::artifact::FORMAT],
        build: "0".to_owned(),
        pid: 2,
        host: "h".to_owned(),
        cores: 1,
        mem_bytes: 0,
        open_files: None,
        drivers: vec!["http".to_owned()],
        resume: kept.into_iter().collect(),
    };
    match replies(it, now, Input::Hello(hello)).as_slice() {
        [FromCoordinator::Welcome(welcome)] => welcome.clone(),
        other => panic!("{other:?}"),
    }
}

fn beat(it: &mut Coordinator, now: Ticks, name: &str, phase: Phase) -> Option<Order> {
    let beat = Beat {
        v: V,
        nonce: format!("{name}-again"),
        seq: now,
        run: "r".to_owned(),
        epoch: 1,
        phase,
        sent_ns: now,
        reason: None,
        backlog: 0,
        delta_unacked: 0,
        armed: None,
    };
    match replies(it, now, Input::Beat { from: name.to_owned(), beat }).as_slice() {
        [FromCoordinator::Order(order)] => Some(order.clone()),
        [] => None,
        other => panic!("{other:?}"),
    }
}

/// Delivers window `seq` and the final report of a node that knows everything below `upto`.
fn deliver(it: &mut Coordinator, now: Ticks, node: usize, seq: u64, from: u64, upto: u64) {
    let (from_name, nonce) = (["a", "b"][node].to_owned(), format!("{}-again", ["a", "b"][node]));
    let head = Delta {
        v: V,
        nonce: nonce.clone(),
        run: "r".to_owned(),
        epoch: 1,
        seq,
        part: 0,
        parts: 1,
        window_ms: (0, 0),
    };
    it.on(now, Input::Delta { from: from_name.clone(), head, part: window(node, from, upto) });
    let ledger = vec![row(node, 0, upto)];
    let report = FinalReport { last_seq: seq, fenced: true, ledger, ..FinalReport::default() };
    let head = Final { v: V, nonce, run: "r".to_owned(), part: 0, parts: 1 };
    let part = Bytes::from(serde_json::to_vec(&report).unwrap());
    it.on(now, Input::Final { from: from_name, head, part });
}

fn record(it: &Coordinator) -> RunRecord {
    it.record(NOW + 1_000 * MS, 1_000_000)
}

#[test]
fn what_was_known_is_known_again_and_given_out_once() {
    let (it, effects) = resumed(lines());
    let windows: Vec<(usize, u64)> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Window { node, seq, .. } => Some((*node, *seq)),
            _ => None,
        })
        .collect();
    assert_eq!(windows, [(0, 1), (1, 1), (0, 2)]);
    assert_eq!(it.members.iter().map(|it| it.acked_seq).collect::<Vec<u64>>(), [2, 1]);
    assert_eq!(it.run_now(), RunNow { lost: Some(LOST), ..run_now() });
    assert_eq!(record(&it).arrivals[0].started, owned(0, 40) + owned(1, 30));
}

#[test]
fn nobody_gets_a_lease_and_nobody_is_believed_before_its_hello() {
    let (mut it, _) = resumed(lines());
    assert_eq!(beat(&mut it, NOW, "a", Phase::Fenced), None);
    let nothing = hello(&mut it, NOW, "a", None);
    assert_eq!((nothing.verdict, nothing.lease_ms), (Verdict::Busy, 0));
    assert_eq!(hello(&mut it, NOW, "stranger", Some(1)).verdict, Verdict::Busy);
    let welcome = hello(&mut it, NOW, "a", Some(3));
    assert_eq!((welcome.verdict, welcome.lease_ms), (Verdict::Resume, 0));
    for phase in [Phase::Running, Phase::Fenced, Phase::Reporting] {
        let order = beat(&mut it, NOW, "a", phase).unwrap();
        assert_eq!((order.want, order.lease_ms, order.delta_acked), (Want::Report, 0, 2));
    }
}

#[test]
fn what_was_kept_makes_the_result_whole() {
    let (mut it, _) = resumed(lines());
    hello(&mut it, NOW, "a", Some(3));
    hello(&mut it, NOW, "b", Some(2));
    deliver(&mut it, NOW, 0, 3, 40, 70);
    deliver(&mut it, NOW, 1, 2, 30, 60);
    assert_eq!(beat(&mut it, NOW, "a", Phase::Fenced).unwrap().want, Want::Forget);
    assert_eq!(beat(&mut it, NOW, "b", Phase::Fenced).unwrap().want, Want::Forget);
    assert_eq!(it.stage, Stage::Done);
    let record = record(&it);
    let arrivals = record.arrivals[0];
    assert_eq!(arrivals.started, owned(0, 70) + owned(1, 60));
    assert_eq!(arrivals.dropped_by.lease, 200 - arrivals.started);
    assert_eq!((arrivals.unaccounted, arrivals.planned), (0, 200));
    assert!(matches!(&record.ending, Ending::ClusterFailed(why) if why.contains("was lost")));
    assert_eq!(record.duration_us, 7_000_000, "to the end of the last window");
    assert!(record.nodes.iter().all(|node| node.lost_us.is_none()));
}

#[test]
fn windows_that_nobody_has_any_more_leave_the_rest_unaccounted() {
    let (mut it, _) = resumed(lines());
    assert_eq!(hello(&mut it, NOW, "a", Some(4)).verdict, Verdict::Busy);
    hello(&mut it, NOW, "b", Some(2));
    deliver(&mut it, NOW, 1, 2, 30, 60);
    beat(&mut it, NOW, "b", Phase::Fenced);
    assert_eq!(it.stage, Stage::Done);
    let record = record(&it);
    // It may have gone on for a second, its lease, and the guard, by a clock a thousandth faster.
    let horizon = LOST - START + 1_000 * MS + it.reach_ns() + 5 * MS;
    let due = super::super::due::Schedules::new(&settings().artifact, &[0]);
    let first = due.first_due_at_or_after(0, horizon).unwrap();
    let arrivals = record.arrivals[0];
    assert_eq!(arrivals.unaccounted, owned(0, first) - owned(0, 40));
    assert_eq!(record.nodes[0].lost_us, Some(4_000_000));
    let codes: Vec<&str> = record.warnings.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["w", "window-missing", "final-missing"]);
}

#[test]
fn every_wait_ends() {
    let (mut it, _) = resumed(lines());
    hello(&mut it, NOW, "a", Some(3));
    beat(&mut it, NOW, "a", Phase::Fenced);
    it.on(NOW + 4_999 * MS, Input::Tick);
    assert!(it.members.iter().all(|member| !member.given_up));
    it.on(NOW + 5_000 * MS, Input::Tick);
    assert!(it.members[1].given_up && !it.members[0].given_up, "one never came");
    it.on(NOW + it.tuning.final_wait_ns, Input::Tick);
    assert!(it.members[0].given_up, "one fell silent");
    it.on(NOW + it.tuning.final_wait_ns + 10_000 * MS, Input::Tick);
    assert_eq!(it.stage, Stage::Done);
}

#[test]
fn the_node_inside_the_lost_process_is_not_waited_for() {
    let mut lines = lines();
    let group = compiler::artifact::COORDINATOR.to_owned();
    lines[2] = Line::Node(NodeNow { group, ..known(1, "b") });
    let (mut it, _) = resumed(lines);
    it.on(NOW, Input::Tick);
    assert!(it.members[1].given_up && !it.members[0].given_up);
}

#[test]
fn an_agent_whose_lease_may_go_on_is_waited_for() {
    let mut it = Coordinator::resume(LOST, settings(), past(lines())).unwrap().0;
    let horizon = it.horizon(&it.members[0]);
    it.on(horizon + 4_999 * MS, Input::Tick);
    assert!(it.members.iter().all(|member| !member.given_up));
    it.on(horizon + 5_000 * MS, Input::Tick);
    assert!(it.members.iter().all(|member| member.given_up));
}

#[test]
fn a_run_that_was_over_is_no_failure() {
    let mut lines = lines();
    for (node, seq, from) in [(0, 3, 40), (1, 2, 30)] {
        let ledger = vec![LedgerRow { over_ms: Some(20_000), ..row(node, from, 200) }];
        let window = Window { to_ms: 20_000, ledger: ledger.clone(), ..Window::default() };
        let body = encode_window(&window).unwrap();
        lines.push(Line::Window(WindowLine::new(node, seq, &body)));
        let report = FinalReport { last_seq: seq, ledger, ..FinalReport::default() };
        lines.push(Line::Final { node, report });
    }
    let (mut it, _) = resumed(lines);
    it.on(NOW + 10_000 * MS, Input::Tick);
    assert_eq!(it.stage, Stage::Done);
    let record = record(&it);
    assert_eq!((record.ending, record.arrivals[0].started), (Ending::Complete, 200));
    assert_eq!(record.duration_us, 20_000_000);
}

#[test]
fn a_run_without_a_start_sent_nothing() {
    let (mut it, _) = resumed(vec![Line::Alive(Alive { at: LOST, unix_ms: 0 })]);
    it.on(NOW, Input::Tick);
    assert_eq!(it.stage, Stage::Done);
    let record = record(&it);
    assert!(
        matches!(&record.ending, Ending::ClusterFailed(why) if why.contains("nothing was sent"))
    );
    assert!(!record.load_started);
    assert_eq!(record.arrivals[0].dropped, 200);
}

#[test]
fn a_stop_leaves_the_rest_to_the_next() {
    let (mut it, _) = resumed(lines());
    hello(&mut it, NOW, "a", Some(3));
    deliver(&mut it, NOW, 0, 3, 40, 70);
    let stop = crate::cluster::StopRequest::Drain;
    let cause = crate::cluster::coordinator::state::Cause::Request(stop);
    let effects = it.on(NOW, Input::Stop(cause));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Done)));
    assert_eq!(it.run_now().lost, Some(LOST), "a second one counts from the same loss");
    assert!(it.report_of(0).is_some() && it.report_of(1).is_none());
}
