//! The cluster's own code under faults, in virtual time. Each seed is one run; `VOLLEY_SIM_SEEDS` sets how many, and
//! `VOLLEY_SIM_SEED` plays one alone.

mod member;
mod node;
mod resume;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use compiler::artifact::{Load, OnAgentLoss};
use compiler::schedule::length_ns;

use self::node::Mutant;
use self::world::{MS, PPM_MAX, RESUME_NS, SECOND_NS, STEP_NS, World};
use crate::cluster::coordinator::state::Deviation;
use crate::cluster::sample;
use crate::metrics::{Arrivals, Ending, RunRecord};

/// Seeds of one test run.
const SEEDS: u64 = 10_000;

/// Most seeds in which a deviation must show.
const MUTANT_SEEDS: u64 = 6_000;

/// What messages of the simulated network may be late.
const LATE_NS: u64 = 8 * SECOND_NS;

fn seeds() -> u64 {
    std::env::var("VOLLEY_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

/// Plays the seed that the environment names, and says what happens.
#[test]
fn one_seed_can_be_played_again() {
    let named = std::env::var("VOLLEY_SIM_SEED").ok();
    let seed = named.map_or(0, |seed| seed.parse().expect("VOLLEY_SIM_SEED is a number"));
    let world = play(seed, Mutant::Faithful);
    let (policy, faults) = (world.policy(), &world.faults);
    let told = world.told.join("\n");
    let broken = violations(&world);
    assert!(broken.is_empty(), "{policy:?}, {faults:?}\n{told}\n{}", broken.join("\n"));
}

/// Longest simulated time: every wait of a run and of an agent ends before.
const LONG_NS: u64 = 240 * SECOND_NS;

/// Plays one seed to its end.
fn play(seed: u64, mutant: Mutant) -> World {
    let mut world = World::new(seed, mutant);
    world.run(LONG_NS);
    world
}

/// Returns what a run violates.
fn violations(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    if !world.is_quiet() {
        broken.push("I6: an agent is still in the run after four minutes".to_owned());
    }
    broken.extend(world.illegal.iter().map(|start| format!("I2: {start}")));
    let mut seen = BTreeSet::new();
    for (scenario, number, ..) in &world.starts {
        if !seen.insert((scenario, number)) {
            broken.push(format!("I1: {number} of {scenario} twice"));
        }
    }
    if let Some(died) = world.coordinator_dead {
        let last = world.starts.iter().map(|(.., at)| *at).max().unwrap_or(0);
        if last > died + world.lease_ns + drift_ns(world) + STEP_NS {
            broken.push(format!("I7: arrival at {last}, the coordinator died at {died}"));
        }
    }
    check_directions(world, &mut broken);
    match &world.record {
        Some((ended, record)) => check_record(world, *ended, record, &mut broken),
        None if world.coordinator_dead.is_none() || world.resumed => {
            broken.push("I6: the coordinator has not ended".to_owned());
        }
        None => {}
    }
    broken
}

/// What two clocks may differ by over a lease, in nanoseconds.
fn drift_ns(world: &World) -> u64 {
    world.lease_ns * PPM_MAX / 1_000_000
}

/// I11: a late scenario starts no earlier than announced, or at its latest start. I12: a scenario that was stopped starts
/// nothing once every node has heard it or has no lease.
fn check_directions(world: &World, broken: &mut Vec<String>) {
    let Some(start) = world.coordinator.start else { return };
    for (scenario, number, _, at) in &world.starts {
        let course = &world.coordinator.courses[*scenario];
        // Clocks were compared to some milliseconds, and differ.
        let earliest = (start + course.start_ns()).saturating_sub(300 * MS);
        if *at < earliest {
            broken.push(format!("I11: {number} of {scenario} at {at}, not before {earliest}"));
        }
        let latest = course.stopped.map(|it| it + world.lease_ns + drift_ns(world));
        if latest.is_some_and(|latest| *at > latest + STEP_NS) {
            broken.push(format!("I12: {number} of {scenario} at {at}, stopped long before"));
        }
    }
}

fn check_record(world: &World, ended: u64, record: &RunRecord, broken: &mut Vec<String>) {
    let length = crate::cluster::coordinator::due::run_length_ns(&world.artifact);
    let waits = (30 + 60 + 3 + 2 * 12) * SECOND_NS + length + world.lease_ns + SECOND_NS;
    // A successor waits again, for agents to come and for each to deliver.
    let again = RESUME_NS + (30 + 30 + 12 + 3) * SECOND_NS + 2 * world.lease_ns;
    if ended > waits + if world.resumed { again } else { 0 } {
        broken.push(format!("I6: the run took {} ms", ended / MS));
    }
    if let Ending::Internal(what) = &record.ending {
        return broken.push(format!("internal: {what}"));
    }
    let truth = truth(world, ended);
    for (at, arrivals) in record.arrivals.iter().enumerate() {
        let scenario = format!("scenario {at}: {arrivals:?}");
        if !holds(arrivals) {
            broken.push(format!("I3: {scenario}"));
        }
        let true_starts = truth.get(&at).copied().unwrap_or(0);
        let known = arrivals.started..=arrivals.started + arrivals.unaccounted;
        if !known.contains(&true_starts) {
            broken.push(format!("I3: {true_starts} were started; {scenario}"));
        }
        let planned = world.artifact.scenarios.values().nth(at).map_or(0, |plan| plan.planned);
        if arrivals.planned != planned {
            broken.push(format!("I3: {planned} were planned; {scenario}"));
        }
    }
    check_bound(world, record, broken);
    check_totals(world, record, broken);
    let calm = world.faults.is_empty();
    let stopped = matches!(record.ending, Ending::TooManyFailures(_));
    if calm && !may_be_lost(record) && !stopped && record.ending != Ending::Complete {
        broken.push(format!("I9: no fault, but {:?}", record.ending));
    }
}

/// A network that delays messages by seconds can cost an agent its lease without any other fault.
fn may_be_lost(record: &RunRecord) -> bool {
    matches!(record.ending, Ending::ClusterFailed(_))
}

/// Counts what was really started until the result was written.
fn truth(world: &World, ended: u64) -> BTreeMap<usize, u64> {
    let mut truth = BTreeMap::new();
    for (scenario, _, _, at) in &world.starts {
        if *at <= ended {
            *truth.entry(*scenario).or_default() += 1;
        }
    }
    truth
}

fn holds(arrivals: &Arrivals) -> bool {
    let by = arrivals.dropped_by;
    arrivals.planned == arrivals.started + arrivals.dropped + arrivals.unaccounted
        && arrivals.started == arrivals.succeeded + arrivals.failed + arrivals.unfinished
        && arrivals.dropped == by.late + by.full + by.lease + by.lost + by.stopped
}

/// I4: what is not known of lost agents is at most their rate times lease, guard, one window and the way of its ack.
fn check_bound(world: &World, record: &RunRecord, broken: &mut Vec<String>) {
    let lost = record.nodes.iter().filter(|node| node.lost_us.is_some()).count() as u64;
    let guard = 200 * MS + world.lease_ns / 1_000;
    let span = world.lease_ns + guard + SECOND_NS + LATE_NS + 4 * SECOND_NS;
    for (at, arrivals) in record.arrivals.iter().enumerate() {
        let plan = world.artifact.scenarios.values().nth(at).map_or(0, |plan| plan.planned);
        // A node may have taken over what others lost, at the most everything.
        let seats = match world.policy() {
            OnAgentLoss::Redistribute => 1,
            OnAgentLoss::Fail | OnAgentLoss::Continue => {
                u64::from(world.artifact.nodes.groups["default"].agents)
            }
        };
        let Some(plan_length) = open_length_ns(world, at) else { continue };
        // Slots are dealt in turn, so that a seat is at most a round of slots from its share.
        let bound = (plan * span).div_ceil(plan_length * seats) + u64::from(sample::SLOTS);
        if arrivals.unaccounted > bound * lost {
            let unaccounted = arrivals.unaccounted;
            broken.push(format!("I4: {unaccounted} unaccounted, {lost} lost, bound {bound} each"));
        }
    }
}

/// Returns the length of an open scenario; a count has no rate, and of a lost agent all its rest may be unaccounted.
fn open_length_ns(world: &World, at: usize) -> Option<u64> {
    let load = &world.artifact.scenarios.values().nth(at)?.load;
    matches!(load, Load::Open(_)).then(|| length_ns(load))
}

/// I8, I10: each window counts once, and what counts is what the nodes did.
fn check_totals(world: &World, record: &RunRecord, broken: &mut Vec<String>) {
    let given: u64 = world
        .applied
        .values()
        .flatten()
        .flat_map(|window| &window.ledger)
        .map(|row| row.started)
        .sum();
    let counted: u64 = record.arrivals.iter().map(|arrivals| arrivals.started).sum();
    if given != counted {
        broken.push(format!("I10: {given} given out, {counted} counted"));
    }
    for windows in world.applied.values() {
        let mut to_ms = 0;
        for window in windows {
            if window.from_ms != to_ms {
                broken.push(format!("I8: a window from {} after {to_ms}", window.from_ms));
            }
            to_ms = window.to_ms;
        }
    }
}

/// What came of many runs: a simulation in which nothing succeeds, or nothing goes wrong, would prove nothing.
#[derive(Debug, Default)]
struct Tally {
    runs: u64,
    complete: u64,
    failed: u64,
    announced: u64,
    stopped: u64,
    unaccounted: u64,
    redistributed: u64,
    resumed: u64,
    /// Of these, those of which nothing is unaccounted.
    whole: u64,
}

impl Tally {
    fn add(&mut self, world: &World) {
        self.announced += u64::from(!world.announced.is_empty());
        let Some((_, record)) = &world.record else { return };
        self.runs += 1;
        if world.resumed && record.load_started {
            self.resumed += 1;
            self.whole += u64::from(record.arrivals.iter().all(|sum| sum.unaccounted == 0));
        }
        self.stopped += u64::from(matches!(record.ending, Ending::TooManyFailures(_)));
        self.complete += u64::from(record.ending == Ending::Complete);
        self.failed += u64::from(matches!(record.ending, Ending::ClusterFailed(_)));
        self.redistributed += record.arrivals.iter().map(|sum| sum.redistributed).sum::<u64>();
        self.unaccounted += record.arrivals.iter().map(|sum| sum.unaccounted).sum::<u64>();
    }

    fn is_telling(&self) -> bool {
        let runs = self.runs;
        self.complete * 10 > runs
            && self.failed * 10 > runs
            && self.announced * 10 > runs
            && self.stopped * 20 > runs
            && self.unaccounted > runs
            && self.redistributed > 10 * runs
            && self.resumed * 50 > runs
            && self.whole * 2 > self.resumed
    }
}

/// Plays every fourth seed, so that four tests share them and run side by side.
fn play_every_fourth(from: u64) {
    let mut tally = Tally::default();
    for seed in (from..seeds()).step_by(4) {
        let world = play(seed, Mutant::Faithful);
        let broken = violations(&world);
        let (policy, faults) = (world.policy(), &world.faults);
        assert!(broken.is_empty(), "seed {seed}, {policy:?}, {faults:?}:\n{}", broken.join("\n"));
        tally.add(&world);
    }
    assert!(tally.is_telling() || seeds() < SEEDS, "{tally:?}");
}

#[test]
fn the_invariants_hold_under_every_seed_1() {
    play_every_fourth(0);
}

#[test]
fn the_invariants_hold_under_every_seed_2() {
    play_every_fourth(1);
}

#[test]
fn the_invariants_hold_under_every_seed_3() {
    play_every_fourth(2);
}

#[test]
fn the_invariants_hold_under_every_seed_4() {
    play_every_fourth(3);
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        let world = play(seed, Mutant::Faithful);
        (world.starts, format!("{:?}", world.record))
    };
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

fn is_caught(mutant: Mutant) -> bool {
    (0..MUTANT_SEEDS).any(|seed| {
        let broken = violations(&play(seed, mutant));
        let by = ["I1", "I2", "I3", "I11", "I12"];
        broken.iter().any(|what| by.iter().any(|name| what.starts_with(&format!("{name}:"))))
    })
}

#[test]
fn clocks_that_are_taken_to_agree_are_caught() {
    assert!(is_caught(Mutant::Coordinator(Deviation::NoGuard)));
}

#[test]
fn slots_that_go_over_too_early_are_caught() {
    assert!(is_caught(Mutant::Coordinator(Deviation::EarlyTakeover)));
}

#[test]
fn leases_for_the_lost_are_caught() {
    assert!(is_caught(Mutant::Coordinator(Deviation::Forgiving)));
}

#[test]
fn a_lease_counted_from_receipt_is_caught() {
    assert!(is_caught(Mutant::LeaseFromReceipt));
}

#[test]
fn a_lease_that_nobody_looks_at_is_caught() {
    assert!(is_caught(Mutant::NoLeaseCheck));
}

#[test]
fn a_node_that_heeds_no_directions_is_caught() {
    assert!(is_caught(Mutant::NoDirections));
}

#[test]
fn leases_that_a_successor_knows_nothing_of_are_caught() {
    assert!(is_caught(Mutant::NoSignsOfLife));
}

#[test]
fn a_run_without_faults_completes() {
    let is_calm = |seed: &u64| {
        let world = World::new(*seed, Mutant::Faithful);
        let limited = world.artifact.scenarios.values().any(|it| it.max_failures.is_some());
        world.faults.is_empty() && !limited && world.artifact.scenarios.len() == 3
    };
    let world = play((0..).find(is_calm).unwrap(), Mutant::Faithful);
    let (_, record) = world.record.unwrap();
    assert_eq!(record.arrivals.iter().map(|sum| sum.unaccounted).sum::<u64>(), 0);
    assert_eq!(record.ending, Ending::Complete);
}
