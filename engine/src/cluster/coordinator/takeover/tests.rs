//! Who gets what a lost agent held, from when on, and what each policy makes of it.

use compiler::artifact::OnAgentLoss;

use super::super::state::{Coordinator, Effect, Input};
use super::super::tests::{answered, coordinator_of, hello, order, welcome};
use crate::clock::Ticks;
use crate::cluster::sample;
use crate::cluster::wire::{Armed, Beat, Order, Phase, Verdict, Want};
use crate::event::Happened;
use crate::metrics::Ending;

const MS: u64 = 1_000_000;

/// Clocks of agents are so far ahead.
const AHEAD: u64 = 77_000_000 * MS;

/// Returns a coordinator whose agents `a` and `b` (and those that stand by) run the load since the answered tick.
fn running(policy: OnAgentLoss, standbys: &[&str]) -> (Coordinator, Ticks) {
    let mut artifact = sample::artifact(&[10], 60, 2);
    artifact.nodes.on_agent_loss = policy;
    let mut coordinator = coordinator_of(artifact);
    coordinator.settings.on_agent_loss = policy;
    for name in ["a", "b"].iter().chain(standbys) {
        welcome(&mut coordinator, MS, hello(name, name));
    }
    for phase in [Phase::Preparing, Phase::Ready] {
        for name in ["a", "b"] {
            order(&mut coordinator, 2 * MS, name, phase);
        }
    }
    let start = coordinator.start.unwrap();
    beat(&mut coordinator, start, "a", Phase::Running);
    beat(&mut coordinator, start, "b", Phase::Running);
    (coordinator, start)
}

/// Beats as an agent does that is armed, its clock ahead, and knows its share.
fn beat(coordinator: &mut Coordinator, now: Ticks, name: &str, phase: Phase) -> Order {
    let change = |beat: Beat| Beat { phase, ..beat };
    armed(coordinator, now, name, &change)
}

/// Beats as one that does not know its share.
fn unaware(coordinator: &mut Coordinator, now: Ticks, name: &str, phase: Phase) -> Order {
    let change = |beat: Beat| Beat { phase, epoch: 0, ..beat };
    armed(coordinator, now, name, &change)
}

fn armed(
    coordinator: &mut Coordinator,
    now: Ticks,
    name: &str,
    change: &dyn Fn(Beat) -> Beat,
) -> Order {
    let armed = coordinator.start.map(|start| Armed {
        start_ns: start + AHEAD,
        offset_ns: i64::try_from(AHEAD).unwrap(),
        err_ns: 0,
    });
    let change = |beat| change(Beat { sent_ns: now - 2 * MS + AHEAD, armed, ..beat });
    answered(coordinator, now, name, &change).unwrap()
}

/// Lets everybody but `b` beat each second until `b` is lost; returns when that was.
fn lose_b(coordinator: &mut Coordinator, start: Ticks, others: &[(&str, Phase)]) -> Ticks {
    for tenth in 1..100 {
        let now = start + tenth * 100 * MS;
        if tenth % 10 == 0 {
            for (name, phase) in others {
                beat(coordinator, now, name, *phase);
            }
        }
        let effects = coordinator.on(now, Input::Tick);
        let lost = effects.iter().any(|effect| match effect {
            Effect::Event(event) => matches!(event.what, Happened::Lost { .. }),
            _ => false,
        });
        if lost {
            return now;
        }
    }
    panic!("b is not lost")
}

#[test]
fn a_survivor_takes_over_from_the_end_of_the_lease_on() {
    let (mut coordinator, start) = running(OnAgentLoss::Redistribute, &[]);
    let now = lose_b(&mut coordinator, start, &[("a", Phase::Running)]);
    assert_eq!(now, start + 3_500 * MS, "half a second before the lease of 4 s ends");
    let order = unaware(&mut coordinator, now + MS, "a", Phase::Running);
    assert_eq!((order.want, order.epoch, order.lease_ms), (Want::Run, 3, 4_000));
    let share = order.share.unwrap();
    assert_eq!((share.seats, share.moved.len()), (vec!["default/0".to_owned()], 1));
    let takeover = &share.moved[0];
    assert_eq!((takeover.number, takeover.seat.as_str()), (1, "default/1"));
    assert!(takeover.parts.is_empty(), "all of it: {takeover:?}");
    // Its last answered beat left 2 ms before the start by its own clock, so it sent nothing from 3.998 s on; the
    // coordinator's clock alone would say 4.204 s.
    assert_eq!(takeover.at_ns, 4_204 * MS);
    assert_eq!(takeover.from, 43, "the first that is due then, ten a second");
    assert_eq!(coordinator.members[1].leased_until_ns, 3_998 * MS);
    assert_eq!(coordinator.ending, Ending::Complete);
    // It is told until it says that it knows.
    assert!(unaware(&mut coordinator, now + 2 * MS, "a", Phase::Running).share.is_some());
    let order = beat(&mut coordinator, now + 3 * MS, "a", Phase::Running);
    assert!(order.share.is_none());
    // The lost one gets no lease any more, whatever it says.
    let order = beat(&mut coordinator, now + 4 * MS, "b", Phase::Running);
    assert_eq!((order.want, order.lease_ms), (Want::Stop, 0));
    assert!(order.stop.unwrap().reason.contains("others"));
}

#[test]
fn who_stands_by_goes_first_and_takes_the_whole_seat() {
    let (mut coordinator, start) = running(OnAgentLoss::Redistribute, &["s"]);
    let others = [("a", Phase::Running), ("s", Phase::Idle)];
    let now = lose_b(&mut coordinator, start, &others);
    let order = beat(&mut coordinator, now + MS, "a", Phase::Running);
    assert_eq!((order.epoch, order.share), (1, None));
    let order = unaware(&mut coordinator, now + MS, "s", Phase::Idle);
    assert_eq!((order.want, order.epoch), (Want::Prepare, 3));
    let share = order.share.unwrap();
    assert_eq!((share.seats.len(), share.moved[0].seat.as_str()), (0, "default/1"));
    let order = beat(&mut coordinator, now + 2 * MS, "s", Phase::Ready);
    assert_eq!((order.want, order.lease_ms), (Want::Run, 4_000));
    assert_eq!(coordinator.nodes.len(), 3);
    assert_eq!(coordinator.record(now, 0).nodes[2].seats, ["default/1"]);
}

#[test]
fn a_new_process_under_the_name_of_a_lost_one_takes_its_seat() {
    let mut artifact = sample::artifact(&[10], 60, 1);
    artifact.nodes.on_agent_loss = OnAgentLoss::Redistribute;
    let mut coordinator = coordinator_of(artifact);
    coordinator.settings.on_agent_loss = OnAgentLoss::Redistribute;
    welcome(&mut coordinator, MS, hello("b", "b"));
    order(&mut coordinator, 2 * MS, "b", Phase::Preparing);
    order(&mut coordinator, 2 * MS, "b", Phase::Ready);
    let start = coordinator.start.unwrap();
    beat(&mut coordinator, start, "b", Phase::Running);
    let early = welcome(&mut coordinator, start + 3_000 * MS, hello("b", "b2"));
    assert_eq!(early.verdict, Verdict::Busy, "the first one may still send: {}", early.reason);
    let now = lose_b(&mut coordinator, start, &[]);
    let joined = welcome(&mut coordinator, now + 50 * MS, hello("b", "b2"));
    assert_eq!(joined.verdict, Verdict::Standby);
    coordinator.on(now + 100 * MS, Input::Tick);
    assert_eq!((coordinator.nodes.len(), &coordinator.ending), (2, &Ending::Complete));
    assert_eq!(coordinator.members[1].takeovers[0].seat, "default/0");
    let old = welcome(&mut coordinator, now + 200 * MS, hello("b", "b"));
    assert_eq!(old.verdict, Verdict::Busy);
    assert!(old.reason.contains("lost to this run"), "{}", old.reason);
}

#[test]
fn nobody_left_ends_the_run() {
    for policy in [OnAgentLoss::Continue, OnAgentLoss::Redistribute] {
        let (mut coordinator, start) = running(policy, &[]);
        coordinator.on(start + 3_500 * MS, Input::Tick);
        assert_eq!(coordinator.ending, Ending::Complete, "a new process may come");
        coordinator.on(start + 6_000 * MS, Input::Tick);
        let Ending::ClusterFailed(why) = &coordinator.ending else { panic!("{policy:?}") };
        assert_eq!(why, "no agent is left: lost were `a`, `b`");
    }
}

#[test]
fn without_redistribution_the_run_goes_on_with_less() {
    let (mut coordinator, start) = running(OnAgentLoss::Continue, &["s"]);
    let others = [("a", Phase::Running), ("s", Phase::Idle)];
    let now = lose_b(&mut coordinator, start, &others);
    let order = beat(&mut coordinator, now + MS, "a", Phase::Running);
    assert_eq!((order.want, order.epoch), (Want::Run, 1));
    assert_eq!(beat(&mut coordinator, now + MS, "s", Phase::Idle).want, Want::Idle);
    let (code, text) = &coordinator.warnings[0];
    assert_eq!(code, "agent-lost");
    assert!(text.contains("`b`") && text.ends_with("3.5 s after the start"), "{text}");
}

#[test]
fn an_agent_that_fences_itself_or_leaves_hands_over_at_once() {
    for phase in [Phase::Fenced, Phase::Draining] {
        let (mut coordinator, start) = running(OnAgentLoss::Redistribute, &[]);
        let now = start + 1_000 * MS;
        beat(&mut coordinator, now, "b", phase);
        let order = unaware(&mut coordinator, now + MS, "a", Phase::Running);
        let takeover = &order.share.unwrap().moved[0];
        assert_eq!((takeover.at_ns, takeover.from), (1_500 * MS, 15), "{phase:?}");
    }
}

#[test]
fn what_an_ended_agent_never_began_goes_to_another() {
    let (mut coordinator, start) = running(OnAgentLoss::Redistribute, &[]);
    let now = lose_b(&mut coordinator, start, &[("a", Phase::Running)]);
    assert_eq!(coordinator.ledger.unheard(0), [1]);
    // It reports before it has taken anything over: somebody else must.
    coordinator.members[0].report = Some(crate::cluster::wire::FinalReport::default());
    coordinator.members[0].bequeaths = true;
    welcome(&mut coordinator, now, hello("late", "late"));
    coordinator.on(now + MS, Input::Tick);
    let late = coordinator.members.iter().find(|member| member.name == "late").unwrap();
    assert_eq!((late.takeovers[0].number, late.takeovers[0].seat.as_str()), (2, "default/1"));
}

#[test]
fn an_agent_that_cannot_prepare_is_replaced_by_one_that_stands_by() {
    let mut coordinator = coordinator_of(sample::artifact(&[10], 60, 1));
    for name in ["a", "s"] {
        welcome(&mut coordinator, MS, hello(name, name));
    }
    order(&mut coordinator, 2 * MS, "a", Phase::Preparing);
    let told = order(&mut coordinator, 3 * MS, "a", Phase::Failed);
    assert_eq!(told.want, Want::Forget);
    assert_eq!(coordinator.ending, Ending::Complete);
    assert_eq!(coordinator.members[1].seats, ["default/0"]);
    let again = welcome(&mut coordinator, 4 * MS, hello("a", "a"));
    assert_eq!(again.verdict, Verdict::Busy, "{}", again.reason);
    order(&mut coordinator, 5 * MS, "s", Phase::Failed);
    let Ending::ClusterFailed(why) = &coordinator.ending else { panic!() };
    assert!(why.contains("`s`") && why.contains("cannot take part"), "{why}");
}

#[test]
fn a_share_from_before_a_seat_was_given_away_is_not_taken_for_the_new_one() {
    let mut coordinator = coordinator_of(sample::artifact(&[10], 60, 2));
    for name in ["a", "b"] {
        welcome(&mut coordinator, MS, hello(name, name));
        order(&mut coordinator, 2 * MS, name, Phase::Preparing);
    }
    let before = unaware(&mut coordinator, 3 * MS, "b", Phase::Preparing);
    assert_eq!(before.share.unwrap().seats, ["default/1"]);
    // Both are dropped for their silence; they come back in the other order.
    coordinator.on(10_000 * MS, Input::Tick);
    for name in ["b", "a"] {
        welcome(&mut coordinator, 10_001 * MS, hello(name, name));
    }
    let old = |beat: Beat| Beat { phase: Phase::Ready, epoch: before.epoch, ..beat };
    let order = answered(&mut coordinator, 10_002 * MS, "b", &old).unwrap();
    assert_eq!(order.want, Want::Prepare);
    assert_eq!(order.share.unwrap().seats, ["default/0"]);
    beat(&mut coordinator, 10_003 * MS, "a", Phase::Ready);
    assert_eq!(coordinator.start, None, "b is ready for something else");
    beat(&mut coordinator, 10_004 * MS, "b", Phase::Ready);
    assert!(coordinator.start.is_some());
}
