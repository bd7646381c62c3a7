//! Who is taken in, who is turned away, and what an absent broker means.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::artifact::Artifact;

use super::state::{Coordinator, Effect, Input, Settings};
use crate::clock::Ticks;
use crate::cluster::wire::{
    Beat, FromCoordinator, Hello, Order, Phase, Range, V, Verdict, Want, Welcome,
};
use crate::cluster::{Seating, sample};
use crate::event::Happened;
use crate::metrics::Ending;

const MS: u64 = 1_000_000;

fn coordinator(agents: u32) -> Coordinator {
    coordinator_of(sample::artifact(&[10], 60, agents))
}

pub(super) fn coordinator_of(mut artifact: Artifact) -> Coordinator {
    for group in artifact.nodes.groups.values_mut() {
        group.requires = BTreeMap::from([("zone".to_owned(), "a".to_owned())]);
    }
    let settings = Settings {
        nonce: "c".to_owned(),
        run: "r".to_owned(),
        artifact: Arc::new(artifact),
        signatures: None,
        files: Vec::new(),
        vars: BTreeMap::new(),
        seed: None,
        dry_run: false,
        seating: Seating::OnePerAgent,
        join_timeout_ns: 30_000 * MS,
        lease_ns: 4_000 * MS,
        on_agent_loss: compiler::artifact::OnAgentLoss::Fail,
        local: false,
        series: 0,
    };
    Coordinator::new(0, settings)
}

pub(super) fn hello(name: &str, nonce: &str) -> Hello {
    Hello {
        v: V,
        nonce: nonce.to_owned(),
        name: name.to_owned(),
        group: "default".to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
        proto: Range { min: 1, max: 3 },
        formats: vec![compiler::artifact::FORMAT],
        build: "0".to_owned(),
        pid: 1,
        host: "h".to_owned(),
        cores: 1,
        mem_bytes: 0,
        open_files: None,
        drivers: vec!["http".to_owned()],
        resume: Vec::new(),
    }
}

pub(super) fn answers(
    coordinator: &mut Coordinator,
    now: Ticks,
    input: Input,
) -> Vec<FromCoordinator> {
    let effects = coordinator.on(now, input).into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Reply(message) => Some(*message),
            _ => None,
        })
        .collect()
}

pub(super) fn welcome(coordinator: &mut Coordinator, now: Ticks, hello: Hello) -> Welcome {
    match answers(coordinator, now, Input::Hello(hello)).as_slice() {
        [FromCoordinator::Welcome(welcome)] => welcome.clone(),
        other => panic!("{other:?}"),
    }
}

/// Beats, and returns what is wanted and the lease in milliseconds.
fn beat(coordinator: &mut Coordinator, now: Ticks, name: &str, phase: Phase) -> (Want, u64) {
    let order = order(coordinator, now, name, phase);
    (order.want, order.lease_ms)
}

/// Beats, and returns the answer.
pub(super) fn order(coordinator: &mut Coordinator, now: Ticks, name: &str, phase: Phase) -> Order {
    answered(coordinator, now, name, &|beat| Beat { phase, ..beat }).unwrap()
}

/// Sends a beat with changes of its own, and returns the answer.
pub(super) fn answered(
    coordinator: &mut Coordinator,
    now: Ticks,
    name: &str,
    change: &dyn Fn(Beat) -> Beat,
) -> Option<Order> {
    let member = coordinator.members.iter().rfind(|member| member.name == name);
    let beat = change(Beat {
        v: V,
        nonce: name.to_owned(),
        seq: now,
        run: "r".to_owned(),
        epoch: member.map_or(0, |member| member.epoch_wanted),
        phase: Phase::Idle,
        sent_ns: now,
        reason: None,
        backlog: 0,
        delta_unacked: 0,
        armed: None,
    });
    match answers(coordinator, now, Input::Beat { from: name.to_owned(), beat }).as_slice() {
        [FromCoordinator::Order(order)] => Some(order.clone()),
        _ => None,
    }
}

#[test]
fn each_hello_gets_a_verdict_with_its_reason() {
    let mut artifact = sample::artifact(&[10], 60, 2);
    let text = include_bytes!("../../../../golden/checkout/artifact.json");
    artifact.endpoints = serde_json::from_slice::<Artifact>(text).unwrap().endpoints;
    let mut coordinator = coordinator_of(artifact);
    let mut check = |hello: Hello, verdict: Verdict, reason: &str| {
        let welcome = welcome(&mut coordinator, MS, hello);
        assert_eq!(welcome.verdict, verdict, "{}", welcome.reason);
        assert!(welcome.reason.contains(reason), "{}", welcome.reason);
    };
    check(hello("a", "a"), Verdict::Seat, "default/0");
    check(hello("a", "a"), Verdict::Seat, "default/0");
    check(hello("a", "other"), Verdict::Conflict, "host h, pid 1");
    let later = Range { min: 2, max: 3 };
    check(Hello { proto: later, ..hello("b", "b") }, Verdict::Refused, "protocol 2 to 3");
    check(Hello { formats: vec![9], ..hello("b", "b") }, Verdict::Refused, "formats [9]");
    let inside = Hello { group: "coordinator".to_owned(), ..hello("b", "b") };
    check(inside, Verdict::Refused, "no group `coordinator`");
    check(Hello { group: "x".to_owned(), ..hello("b", "b") }, Verdict::Refused, "group `x`");
    check(
        Hello { drivers: vec!["tcp".to_owned()], ..hello("b", "b") },
        Verdict::Refused,
        "`http` endpoints",
    );
    check(Hello { labels: BTreeMap::new(), ..hello("b", "b") }, Verdict::Refused, "zone=a");
    check(hello("b.c", "b"), Verdict::Refused, "name");
    check(hello("b", "b"), Verdict::Seat, "default/1");
    check(hello("c", "c"), Verdict::Standby, "standing by");
}

#[test]
fn an_agent_that_leaves_before_the_start_frees_its_seat() {
    let mut coordinator = coordinator(2);
    welcome(&mut coordinator, MS, hello("a", "a"));
    let silent = 4_000 * MS;
    assert_eq!(welcome(&mut coordinator, silent, hello("a", "new")).verdict, Verdict::Seat);
    assert_eq!(coordinator.free_seats(), ["default/1"]);
    coordinator.on(2 * silent, Input::Tick);
    assert_eq!(coordinator.free_seats(), ["default/0", "default/1"], "silence frees it too");
}

pub(super) fn running(coordinator: &mut Coordinator) -> Ticks {
    for name in ["a", "b"] {
        welcome(coordinator, MS, hello(name, name));
    }
    for (at, phase) in [(2, Phase::Preparing), (3, Phase::Ready)] {
        for name in ["a", "b"] {
            beat(coordinator, at * MS, name, phase);
        }
    }
    let start = coordinator.start.unwrap();
    assert_eq!(start, 3_003 * MS, "the delay after the last one was ready");
    assert_eq!(beat(coordinator, 4 * MS, "a", Phase::Ready), (Want::Run, 4_000));
    start
}

#[test]
fn nobody_is_judged_while_the_broker_is_away() {
    let mut coordinator = coordinator(2);
    let start = running(&mut coordinator);
    for name in ["a", "b"] {
        beat(&mut coordinator, start, name, Phase::Running);
    }
    coordinator.on(start + 100 * MS, Input::Link(false));
    coordinator.on(start + 3_900 * MS, Input::Tick);
    coordinator.on(start + 4_000 * MS, Input::Link(true));
    assert_eq!(beat(&mut coordinator, start + 4_100 * MS, "a", Phase::Running), (Want::Run, 4_000));
    coordinator.on(start + 5_900 * MS, Input::Tick);
    assert_eq!(coordinator.ending, Ending::Complete, "two beats after it is back are not over");
    coordinator.on(start + 6_000 * MS, Input::Tick);
    let Ending::ClusterFailed(why) = &coordinator.ending else { panic!() };
    assert!(why.contains("`b`"), "{why}");
    assert_eq!(beat(&mut coordinator, start + 6_001 * MS, "a", Phase::Running), (Want::Stop, 0));
    assert_eq!(beat(&mut coordinator, start + 6_002 * MS, "b", Phase::Running), (Want::Stop, 0));
}

#[test]
fn a_broker_that_is_away_for_a_lease_ends_the_run() {
    let mut coordinator = coordinator(2);
    let start = running(&mut coordinator);
    coordinator.on(start, Input::Link(false));
    let effects = coordinator.on(start + 4_000 * MS, Input::Tick);
    let lost = effects.iter().filter(|effect| match effect {
        Effect::Event(event) => matches!(event.what, Happened::Lost { .. }),
        _ => false,
    });
    assert_eq!(lost.count(), 2);
    assert!(matches!(&coordinator.ending, Ending::ClusterFailed(why) if why.contains("broker")));
}

fn ended(effects: &[Effect], of: &str) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Event(event) => {
            event.node.as_deref() == Some(of) && matches!(event.what, Happened::Lost { .. })
        }
        _ => false,
    })
}

#[test]
fn an_agent_that_dies_while_it_prepares_is_replaced() {
    let mut coordinator = coordinator(2);
    for name in ["a", "b", "spare"] {
        welcome(&mut coordinator, MS, hello(name, name));
    }
    assert_eq!(beat(&mut coordinator, 2 * MS, "b", Phase::Preparing).0, Want::Prepare);
    let mut lost = false;
    for second in 1..=4 {
        let now = second * 1_000 * MS;
        for name in ["b", "spare"] {
            beat(&mut coordinator, now, name, Phase::Ready);
        }
        lost |= ended(&coordinator.on(now + 500 * MS, Input::Tick), "a");
    }
    assert!(lost, "somebody says that it is gone");
    assert!(coordinator.start.is_some(), "the spare agent has taken its place");
    let nodes: Vec<&str> =
        coordinator.nodes.iter().map(|at| coordinator.members[*at].name.as_str()).collect();
    assert_eq!(nodes, ["b", "spare"]);
}

#[test]
fn without_a_spare_agent_a_seat_waits_no_longer_than_the_join_timeout() {
    let mut coordinator = coordinator(2);
    for name in ["a", "b"] {
        welcome(&mut coordinator, MS, hello(name, name));
    }
    for second in 1..=30 {
        beat(&mut coordinator, second * 1_000 * MS, "b", Phase::Ready);
        if coordinator.ending != Ending::Complete {
            break;
        }
    }
    let Ending::ClusterFailed(why) = &coordinator.ending else { panic!() };
    assert_eq!(why, "no agent for default/0 within 30.0 s; here: `b`");
}

#[test]
fn a_seat_that_becomes_free_goes_to_an_agent_that_stands_by() {
    let mut coordinator = coordinator(2);
    coordinator.settings.artifact = Arc::new({
        let mut artifact = coordinator.settings.artifact.as_ref().clone();
        let mut other = artifact.nodes.groups["default"].clone();
        artifact.nodes.groups.get_mut("default").unwrap().agents = 1;
        other.agents = 1;
        artifact.nodes.groups.insert("late".to_owned(), other);
        artifact
    });
    welcome(&mut coordinator, MS, hello("a", "a"));
    assert_eq!(welcome(&mut coordinator, MS, hello("b", "b")).verdict, Verdict::Standby);
    for second in 1..=4 {
        beat(&mut coordinator, second * 1_000 * MS, "b", Phase::Idle);
    }
    assert_eq!(coordinator.free_seats(), ["late/0"]);
    assert_eq!(coordinator.members[0].seats, ["default/0"]);
}

#[test]
fn agents_have_time_to_come_back_with_their_results() {
    let mut coordinator = coordinator(2);
    let start = running(&mut coordinator);
    for name in ["a", "b"] {
        beat(&mut coordinator, start, name, Phase::Running);
    }
    coordinator.on(start, Input::Link(false));
    coordinator.on(start + 4_000 * MS, Input::Tick);
    let Ending::ClusterFailed(why) = coordinator.ending.clone() else { panic!() };
    assert_eq!(why, "the broker was away for 4.0 s, no shorter than the lease of 4.0 s");
    let back = start + 9_000 * MS;
    coordinator.on(back, Input::Link(true));
    for name in ["a", "b"] {
        coordinator.on(back, Input::Reached { name: name.to_owned(), listens: false });
    }
    coordinator.on(back + 2_000 * MS, Input::Tick);
    assert!(coordinator.members.iter().all(|member| !member.given_up), "they reconnect");
    coordinator.on(back + 3_000 * MS, Input::Tick);
    assert!(coordinator.members.iter().all(|member| member.given_up), "nobody came");
}

#[test]
fn a_coordinator_that_stood_still_judges_nobody_by_it() {
    let mut coordinator = coordinator(2);
    let start = running(&mut coordinator);
    for name in ["a", "b"] {
        beat(&mut coordinator, start, name, Phase::Running);
    }
    let woken = start + 3_800 * MS;
    coordinator.on(woken, Input::Still(3_800 * MS));
    coordinator.on(woken, Input::Tick);
    assert_eq!(coordinator.ending, Ending::Complete);
    assert_eq!(coordinator.warnings[0].1, "the coordinator stood still for 3.8 s");
    assert_eq!(beat(&mut coordinator, woken + MS, "a", Phase::Running), (Want::Run, 4_000));
    for tenth in 1..=21 {
        coordinator.on(woken + tenth * 100 * MS, Input::Tick);
    }
    let Ending::ClusterFailed(why) = &coordinator.ending else { panic!() };
    assert!(why.contains("`b`"), "who stays silent is lost: {why}");
}

#[test]
fn whoever_has_no_place_is_named() {
    let mut coordinator = coordinator(1);
    let stranger = Hello { group: "x".to_owned(), ..hello("s", "s") };
    for at in [1, 2] {
        let effects = coordinator.on(at * MS, Input::Hello(stranger.clone()));
        let said = effects.iter().any(|effect| match effect {
            Effect::Event(event) => matches!(event.what, Happened::Warning { .. }),
            _ => false,
        });
        assert_eq!(said, at == 1, "said once");
    }
    coordinator.on(30_000 * MS, Input::Tick);
    let Ending::ClusterFailed(why) = &coordinator.ending else { panic!() };
    assert!(why.ends_with("turned away: `s`, the plan has no group `x`"), "{why}");
}

#[test]
fn an_agent_without_a_seat_ends_nothing_whatever_it_says() {
    let mut coordinator = coordinator(1);
    welcome(&mut coordinator, 0, hello("a", "a"));
    let spare = welcome(&mut coordinator, MS, hello("b", "b"));
    assert_eq!(spare.verdict, Verdict::Standby);
    for (at, phase) in (2..).zip([Phase::Preparing, Phase::Ready, Phase::Running]) {
        beat(&mut coordinator, at * MS, "a", phase);
    }
    for phase in [Phase::Draining, Phase::Fenced, Phase::Failed, Phase::Refused, Phase::Reporting] {
        beat(&mut coordinator, 10 * MS, "b", phase);
    }
    assert_eq!(coordinator.ending, Ending::Complete);
    assert!(beat(&mut coordinator, 11 * MS, "a", Phase::Running).1 > 0, "the run goes on");
}

#[test]
fn an_agent_that_says_too_much_is_turned_away_and_cut_short() {
    let mut coordinator = coordinator(1);
    let long = "x".repeat(300);
    let labels = (0..70).map(|at| (at.to_string(), String::new())).collect();
    let ours = hello("a", "a");
    for large in [
        Hello { nonce: long.clone(), ..ours.clone() },
        Hello { group: long.clone(), ..ours.clone() },
        Hello { labels: BTreeMap::from([("zone".to_owned(), long)]), ..ours.clone() },
        Hello { labels, ..ours.clone() },
        Hello { formats: vec![compiler::artifact::FORMAT; 70], ..ours.clone() },
    ] {
        assert_eq!(welcome(&mut coordinator, 0, large).verdict, Verdict::Refused);
    }
    welcome(&mut coordinator, 0, ours);
    let beat = Beat {
        v: V,
        nonce: "a".to_owned(),
        seq: 1,
        run: "r".to_owned(),
        epoch: 1,
        phase: Phase::Refused,
        sent_ns: 0,
        reason: Some("no\n".repeat(20_000)),
        backlog: 0,
        delta_unacked: 0,
        armed: None,
    };
    answers(&mut coordinator, MS, Input::Beat { from: "a".to_owned(), beat });
    let Ending::ArtifactRefused(why) = &coordinator.ending else { panic!() };
    assert!(why.len() < 1_200 && !why.contains('\n'), "{why}");
}
