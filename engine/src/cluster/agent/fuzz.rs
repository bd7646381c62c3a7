//! An agent among liars: whatever is said to it, it does not break, keeps little, and sends load under a lease alone
//! that the coordinator which enrolled it gave for one of its own beats.

use std::collections::BTreeMap;

use compiler::exit::Exit;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::state::{Agent, Effect, Input, Me};
use crate::cluster::load::{LoadError, LoadEvent, LoadSummary};
use crate::cluster::mutation::{mutated, one, random};
use crate::cluster::wire::{
    DeltaAck, FinalAck, FromCoordinator, Go, Hint, HintWant, Order, ScenarioOrder, ShareOrder,
    StopOrder, V, Verdict, Want, Welcome,
};

const MS: u64 = 1_000_000;

/// Runs and messages of each that are tried.
const SEEDS: u64 = 150;
const MESSAGES: u32 = 300;

/// Most windows that wait, and most that fly.
const BACKLOG_MAX: (u32, u32) = (60, 4);

const WANTS: [Want; 7] =
    [Want::Idle, Want::Prepare, Want::Run, Want::Stop, Want::Abort, Want::Report, Want::Forget];

/// An agent, and what its beats allow.
struct World {
    agent: Agent,
    now: u64,
    /// When each beat was sent.
    beats: BTreeMap<u64, u64>,
    /// Who has enrolled it, for which run.
    served: Option<(String, String)>,
    extended: u64,
    starts: u64,
}

fn welcome() -> Welcome {
    Welcome {
        v: V,
        nonce: "c".to_owned(),
        to: "n".to_owned(),
        verdict: Verdict::Seat,
        reason: String::new(),
        run: "r".to_owned(),
        proto: 1,
        beat_ms: 100,
        lease_ms: 4_000,
        retry_ms: 100,
        final_wait_ms: 5_000,
        sync: 1,
        process: String::new(),
    }
}

fn order(random: &mut StdRng, seq: u64, now: u64) -> Order {
    let want = *one(random, &WANTS);
    let want = if random.random_bool(0.7) { *one(random, &WANTS[1..3]) } else { want };
    let share = ShareOrder {
        artifact: "blake3:0".to_owned(),
        signatures: None,
        data: Vec::new(),
        seed: None,
        vars: BTreeMap::new(),
        seats: vec!["default/0".to_owned()],
        moved: Vec::new(),
        dry_run: false,
        get_timeout_ms: 100,
    };
    Order {
        v: V,
        nonce: "c".to_owned(),
        to: "n".to_owned(),
        seq,
        run: "r".to_owned(),
        coord_now_ns: now,
        lease_ms: *one(random, &[0, 4_000]),
        want,
        epoch: 1,
        share: Some(Box::new(share)),
        go: Some(Go { start_coord_ns: now }),
        stop: Some(StopOrder { reason: "enough".to_owned(), drain_ms: 10 }),
        scenarios: vec![ScenarioOrder { scenario: 0, start_ns: Some(1), stop: false }],
        delta_acked: random.random_range(0..3),
        final_acked: random.random_bool(0.02),
    }
}

impl World {
    fn new() -> World {
        let me = Me { name: "a".to_owned(), nonce: "n".to_owned(), ..Me::default() };
        let (beats, served) = (BTreeMap::new(), None);
        World {
            agent: Agent::new(me, 0, Vec::new()),
            now: 0,
            beats,
            served,
            extended: 0,
            starts: 0,
        }
    }

    /// Says something that a coordinator might say, or a liar.
    fn say(&mut self, random: &mut StdRng) {
        let last = self.beats.keys().next_back().copied().unwrap_or(0);
        let (nonce, run) = ("c".to_owned(), "r".to_owned());
        let message = match random.random_range(0..10) {
            0 => FromCoordinator::Welcome(welcome()),
            1 => FromCoordinator::DeltaAck(DeltaAck {
                v: V,
                nonce,
                run,
                acked_seq: random.random_range(0..4),
            }),
            2 => FromCoordinator::FinalAck(FinalAck {
                v: V,
                nonce,
                run,
                parts_have: 1,
                taken: false,
            }),
            3 => FromCoordinator::Hint(Hint { v: V, nonce, run, want: HintWant::Beat }),
            _ => FromCoordinator::Order(order(random, last, self.now)),
        };
        let Some((message, _)) = mutated(random, &message, &[]) else { return };
        let input = match message {
            FromCoordinator::Welcome(welcome) => Input::Welcome(welcome),
            FromCoordinator::Order(order) => Input::Order(Box::new(order)),
            FromCoordinator::DeltaAck(ack) => Input::DeltaAck(ack),
            FromCoordinator::FinalAck(ack) => Input::FinalAck(ack),
            FromCoordinator::Hint(hint) => Input::Hint { hint, delay_ns: u64::MAX },
            FromCoordinator::Chunk(_) => return,
        };
        self.take(input);
    }

    /// Something happens on this machine.
    fn happen(&mut self, random: &mut StdRng) {
        let outcome = match random.random_range(0..10) {
            0 => Err(LoadError::Refused("no".to_owned())),
            1 => Err(LoadError::Failed("no".to_owned())),
            _ => Ok(()),
        };
        let input = match random.random_range(0..40) {
            0..15 => Input::Tick,
            15..25 => Input::Prepared { run: "r".to_owned(), epoch: 1, outcome },
            25..38 => Input::Load(LoadEvent::Window(Box::default())),
            38 => Input::Load(LoadEvent::Fenced),
            _ => Input::Load(LoadEvent::Finished(LoadSummary::default())),
        };
        self.take(input);
    }

    fn take(&mut self, input: Input) {
        let welcome = match &input {
            Input::Welcome(welcome) => Some((welcome.nonce.clone(), welcome.run.clone())),
            _ => None,
        };
        let order = match &input {
            Input::Order(order) => Some(order.as_ref().clone()),
            _ => None,
        };
        let was_idle = self.agent.is_idle();
        let effects = self.agent.on(self.now, input);
        assert!(effects.len() < 50, "{effects:?}");
        if was_idle && !self.agent.is_idle() {
            (self.served, self.beats) = (welcome, BTreeMap::new());
        }
        for effect in effects {
            match effect {
                Effect::Beat(beat) => {
                    assert!((beat.backlog, beat.delta_unacked) <= BACKLOG_MAX);
                    assert!(beat.delta_unacked <= BACKLOG_MAX.1);
                    self.beats.insert(beat.seq, self.now);
                }
                Effect::ExtendLease(end) => {
                    self.extended += 1;
                    let order = order.as_ref().unwrap();
                    let from = (order.nonce.clone(), order.run.clone());
                    assert_eq!((Some(from), order.to.as_str()), (self.served.clone(), "n"));
                    assert!(self.beats.contains_key(&order.seq), "beat {}", order.seq);
                    assert!(order.lease_ms > 0 && end > 0);
                }
                Effect::Start(_) => self.starts += 1,
                Effect::End { exit, .. } => assert_ne!(exit, Exit::Internal),
                _ => {}
            }
        }
        assert!(self.agent.is_idle() || self.agent.wake() <= self.now.saturating_add(60_000 * MS));
    }
}

fn play(seed: u64) -> (u64, u64) {
    let mut random = random(seed);
    let mut world = World::new();
    world.take(Input::Tick);
    world.take(Input::Welcome(welcome()));
    for _ in 0..MESSAGES {
        world.now += random.random_range(0..100) * MS;
        match random.random_bool(0.6) {
            true => world.say(&mut random),
            false => world.happen(&mut random),
        }
    }
    world.now = u64::MAX;
    world.take(Input::Tick);
    world.take(Input::Interrupted);
    (world.extended, world.starts)
}

#[test]
fn whatever_is_said_the_agent_stands() {
    let (mut extended, mut starts) = (0, 0);
    for seed in 0..SEEDS {
        let played = std::panic::catch_unwind(|| play(seed));
        let (leases, started) = played.unwrap_or_else(|_| panic!("seed {seed}"));
        extended += leases;
        starts += started;
    }
    assert!(extended > SEEDS && starts > SEEDS / 4, "{extended} leases, {starts} starts");
}

#[test]
fn a_window_of_no_time_is_kept_like_any_other() {
    let mut world = World::new();
    world.take(Input::Welcome(welcome()));
    for _ in 0..500 {
        world.take(Input::Load(LoadEvent::Window(Box::default())));
        world.now += 100 * MS;
    }
    assert!(!world.beats.is_empty());
}
