//! What orders say of single scenarios, and how the run ends by that.

use compiler::artifact::{ClosedLoad, ClosedStage, LateStart};

use super::*;
use crate::cluster::coordinator::state::{Cause, Input};
use crate::cluster::coordinator::tests::{coordinator_of, order, running};
use crate::cluster::sample;
use crate::cluster::wire::{Delta, Phase, V, Want, encode_window};
use crate::event::RunEvent;
use crate::metrics::LedgerRow;

const SECOND_NS: u64 = 1_000 * MS;

/// Returns a sample on two seats whose `s0` is a count of 20 for ten seconds at most.
fn counted() -> Artifact {
    let mut artifact = sample::artifact(&[1, 10, 10], 5, 2);
    let first = artifact.scenarios.get_mut("s0").unwrap();
    let stage = ClosedStage::Count { users: 12, count: 20, within_ns: 10 * SECOND_NS };
    first.load = Load::Closed(ClosedLoad { stages: vec![stage], users_max: 12, pace_ns: 0 });
    first.planned = 20;
    artifact
}

/// Lets scenario `name` start after a moment of another, at the latest after `latest_ns`.
fn after(artifact: &mut Artifact, name: &str, of: &str, state: Moment, latest_ns: u64) {
    let after = StartAfter { scenario: of.to_owned(), state, delay_ns: 0 };
    let late = LateStart { latest_ns, after: vec![after] };
    artifact.scenarios.get_mut(name).unwrap().late_start = Some(late);
}

/// Lets a run begin, and both its agents be heard until `ms` after its start; returns the start.
fn run_until(coordinator: &mut Coordinator, ms: u64) -> Ticks {
    let start = running(coordinator);
    for second in 0..=ms / 1_000 {
        for name in ["a", "b"] {
            order(coordinator, start + second * SECOND_NS, name, Phase::Running);
        }
    }
    start
}

/// Hands in a window of an agent, its `seq`th.
fn window(
    coordinator: &mut Coordinator,
    (now, seq): (Ticks, u64),
    from: &str,
    ledger: &[LedgerRow],
) -> Vec<Effect> {
    let window = Window { to_ms: seq * 1_000, ledger: ledger.to_vec(), ..Window::default() };
    let part = encode_window(&window).unwrap();
    let head = Delta {
        v: V,
        nonce: from.to_owned(),
        run: "r".to_owned(),
        epoch: 1,
        seq,
        part: 0,
        parts: 1,
        window_ms: (0, seq * 1_000),
    };
    coordinator.on(now, Input::Delta { from: from.to_owned(), head, part })
}

/// Returns the row of an agent whose ten iterations of `s0` ended at `over_ms`.
fn done(over_ms: u64) -> LedgerRow {
    LedgerRow { lanes: 1, upto: 20, started: 10, over_ms: Some(over_ms), ..LedgerRow::default() }
}

fn happened(effects: &[Effect]) -> Vec<&Happened> {
    let events = effects.iter().filter_map(|effect| match effect {
        Effect::Event(RunEvent { what, .. }) => Some(what),
        _ => None,
    });
    events.collect()
}

#[test]
fn a_start_is_announced_once_the_last_seat_is_done_and_goes_on_down_the_chain() {
    let mut artifact = counted();
    after(&mut artifact, "s1", "s0", Moment::Drained, 11 * SECOND_NS);
    after(&mut artifact, "s2", "s1", Moment::Finished, 16 * SECOND_NS);
    let mut coordinator = coordinator_of(artifact);
    let start = run_until(&mut coordinator, 3_000);
    window(&mut coordinator, (start + 3_100 * MS, 1), "a", &[done(3_000)]);
    assert_eq!(order(&mut coordinator, start + 3_200 * MS, "a", Phase::Running).scenarios, []);
    let effects = window(&mut coordinator, (start + 4_100 * MS, 1), "b", &[done(4_000)]);
    // `s0` has drained a graceful stop of a second after 4 s; two beats of notice come later than that.
    let starts: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Starts { scenario, start_ns } => Some((*scenario, start_ns / MS)),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(1, 6_100), (2, 11_100)]);
    for name in ["a", "b"] {
        let orders = order(&mut coordinator, start + 4_200 * MS, name, Phase::Running).scenarios;
        let starts: Vec<_> = orders.iter().map(|it| (it.scenario, it.start_ns, it.stop)).collect();
        let at = |ms: u64| Some(ms * MS);
        assert_eq!(starts, [(1, at(6_100), false), (2, at(11_100), false)]);
    }
    assert_eq!(coordinator.starts_ns(), [0, 6_100 * MS, 11_100 * MS]);
}

#[test]
fn no_start_is_later_than_the_latest() {
    let mut artifact = counted();
    after(&mut artifact, "s1", "s0", Moment::Finished, 10 * SECOND_NS);
    let mut coordinator = coordinator_of(artifact);
    let start = run_until(&mut coordinator, 9_000);
    assert_eq!(coordinator.starts_ns()[1], 10 * SECOND_NS, "unasked");
    window(&mut coordinator, (start + 9_900 * MS, 1), "a", &[done(9_000)]);
    window(&mut coordinator, (start + 9_900 * MS, 1), "b", &[done(9_800)]);
    let orders = order(&mut coordinator, start + 9_950 * MS, "a", Phase::Running).scenarios;
    assert_eq!(orders[0].start_ns, Some(10 * SECOND_NS));
}

#[test]
fn failures_are_counted_over_all_nodes_and_stop_one_scenario() {
    let mut artifact = sample::artifact(&[10, 10], 60, 2);
    artifact.scenarios.get_mut("s1").unwrap().max_failures = Some(7);
    let mut coordinator = coordinator_of(artifact);
    let start = run_until(&mut coordinator, 900);
    let row = |failed| LedgerRow {
        scenario: 1,
        lanes: 1,
        upto: 12,
        started: 6,
        failed,
        ..LedgerRow::default()
    };
    window(&mut coordinator, (start + SECOND_NS, 1), "a", &[row(4)]);
    assert_eq!(coordinator.ending, Ending::Complete);
    let effects = window(&mut coordinator, (start + SECOND_NS, 1), "b", &[row(3)]);
    let told = happened(&effects);
    assert!(matches!(told[..], [Happened::ScenarioStopped { scenario, .. }] if scenario == "s1"));
    assert_eq!(coordinator.ending, Ending::TooManyFailures("s1".to_owned()));
    // Whoever asks is told, again and again; the run goes on.
    for at in [1_100, 2_100, 3_100] {
        order(&mut coordinator, start + at * MS, "b", Phase::Running);
        let asked = order(&mut coordinator, start + at * MS, "a", Phase::Running);
        assert_eq!((asked.want, asked.scenarios[0].stop), (Want::Run, true));
    }
    assert_eq!(coordinator.stops_ns(start), [None, Some(SECOND_NS)]);
    // What fails while it drains changes nothing; an interrupt still is one.
    let late = LedgerRow { upto: 12, failed: 2, scenario: 1, lanes: 1, ..LedgerRow::default() };
    let effects = window(&mut coordinator, (start + 3 * SECOND_NS, 2), "a", &[late]);
    assert!(happened(&effects).is_empty(), "{effects:?}");
    coordinator.on(start + 4 * SECOND_NS, Input::Stop(Cause::Threshold("t".to_owned())));
    assert_eq!(coordinator.ending, Ending::TooManyFailures("s1".to_owned()), "the first reason");
    assert_eq!(coordinator.stops_ns(start), [Some(4 * SECOND_NS), Some(SECOND_NS)]);
}

#[test]
fn the_first_overload_ends_the_run_only_where_the_plan_says_so() {
    for (on_overload, ends) in
        [(OnOverload::Drop, false), (OnOverload::Queue, false), (OnOverload::Fail, true)]
    {
        let mut artifact = sample::artifact(&[10], 60, 2);
        let Load::Open(load) = &mut artifact.scenarios.get_mut("s0").unwrap().load else {
            panic!()
        };
        load.on_overload = on_overload;
        let mut coordinator = coordinator_of(artifact);
        let start = run_until(&mut coordinator, 900);
        let row = LedgerRow {
            lanes: 1,
            upto: 12,
            started: 5,
            dropped_full: 1,
            over_ms: ends.then_some(900),
            ..LedgerRow::default()
        };
        window(&mut coordinator, (start + SECOND_NS, 1), "a", &[row]);
        let wanted = order(&mut coordinator, start + 1_100 * MS, "b", Phase::Running).want;
        assert_eq!(wanted == Want::Stop, ends, "{on_overload:?}");
        assert_eq!(coordinator.ending == Ending::Overloaded("s0".to_owned()), ends);
    }
}

#[test]
fn an_overload_that_only_drops_does_not_hide_one_that_ends_the_run() {
    let mut artifact = sample::artifact(&[10, 10], 60, 2);
    let Load::Open(load) = &mut artifact.scenarios.get_mut("s1").unwrap().load else { panic!() };
    load.on_overload = OnOverload::Fail;
    let mut coordinator = coordinator_of(artifact);
    let start = run_until(&mut coordinator, 900);
    let row = |scenario| LedgerRow {
        scenario,
        lanes: 1,
        upto: 12,
        started: 5,
        dropped_full: 1,
        ..LedgerRow::default()
    };
    window(&mut coordinator, (start + SECOND_NS, 1), "a", &[row(0), row(1)]);
    assert_eq!(coordinator.ending, Ending::Overloaded("s1".to_owned()));
}
