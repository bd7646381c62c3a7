//! A coordinator among liars: whatever is said to it, it does not break, keeps little, and lends to those alone whom it
//! has enrolled.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::collect::AHEAD_MAX;
use super::loss::WARNINGS_MAX;
use super::state::{Cause, Coordinator, Effect, Input};
use super::tests::{coordinator_of, hello};
use crate::cluster::mutation::{mutated, one, random};
use crate::cluster::wire::{
    Beat, Delta, Final, FinalReport, FromAgent, FromCoordinator, Hello, Phase, V, Verdict, Want,
    encode_window,
};
use crate::cluster::{StopRequest, sample};
use crate::metrics::{LedgerRow, SecondRow, StepRow, Totals, Window};

const MS: u64 = 1_000_000;

const PHASES: [Phase; 10] = [
    Phase::Idle,
    Phase::Preparing,
    Phase::Ready,
    Phase::Armed,
    Phase::Running,
    Phase::Draining,
    Phase::Fenced,
    Phase::Reporting,
    Phase::Failed,
    Phase::Refused,
];

/// Runs and messages of each that are tried.
const SEEDS: u64 = 400;
const MESSAGES: u32 = 250;

/// A coordinator, and who has been taken in.
struct World {
    coordinator: Coordinator,
    totals: Totals,
    now: u64,
    /// Name and nonce.
    enrolled: BTreeSet<(String, String)>,
    /// What was last wanted of an honest agent.
    wanted: BTreeMap<&'static str, Want>,
    leases: u64,
    windows: u64,
}

fn beat(nonce: &str, phase: Phase) -> Beat {
    Beat {
        v: V,
        nonce: nonce.to_owned(),
        seq: 1,
        run: "r".to_owned(),
        epoch: 1,
        phase,
        sent_ns: 1,
        reason: Some("because".to_owned()),
        backlog: 0,
        delta_unacked: 0,
        armed: None,
    }
}

fn window(random: &mut StdRng) -> Window {
    let from_ms = 1_000 * random.random_range(0..3);
    let upto = *one(random, &[0, 1, 2, 10, u64::MAX]);
    let started = *one(random, &[0, 1, 5, 1 << 46, u64::MAX]);
    let second = *one(random, &[0, 1, 2, 3, u32::MAX]);
    let scenario = *one(random, &[0, 0, 0, 1, u32::MAX]);
    let count = *one(random, &[0, 7, 7, 1 << 46, u64::MAX]);
    let row = LedgerRow { scenario, lanes: 1, upto, started, ..LedgerRow::default() };
    let step = StepRow { scenario, ok: count, ..StepRow::default() };
    Window {
        clamped: count,
        from_ms,
        to_ms: *one(random, &[from_ms, from_ms + 500, from_ms + 1_000, u64::MAX]),
        ledger: if random.random_bool(0.2) { vec![row] } else { Vec::new() },
        steps: if random.random_bool(0.1) { vec![step] } else { Vec::new() },
        seconds: vec![SecondRow { second, scenario, started: count, ..SecondRow::default() }],
        ..Window::default()
    }
}

/// Returns something that an agent might say.
fn template(random: &mut StdRng, name: &str, nonce: &str, acked: u64) -> (FromAgent, Bytes) {
    let (nonce, run) = (nonce.to_owned(), "r".to_owned());
    match random.random_range(0..6) {
        0 => (FromAgent::Hello(Hello { nonce, ..hello(name, "") }), Bytes::new()),
        1 => {
            let report = FinalReport { last_seq: acked, ..Default::default() };
            let parts = random.random_range(1..3);
            let head = Final { v: V, nonce, run, part: 0, parts };
            (FromAgent::Final(head), serde_json::to_vec(&report).unwrap().into())
        }
        2 | 3 => {
            let (seq, parts) = (acked + random.random_range(0..4), *one(random, &[1, 1, 2]));
            let window_ms = (0, 1);
            let head = Delta { v: V, nonce, run, epoch: 1, seq, part: 0, parts, window_ms };
            (FromAgent::Delta(head), encode_window(&window(random)).unwrap())
        }
        _ => (FromAgent::Beat(beat(&nonce, *one(random, &PHASES))), Bytes::new()),
    }
}

impl World {
    fn new() -> World {
        let artifact = sample::artifact(&[10, 5], 5, 2);
        let totals = Totals::new(&artifact);
        let mut coordinator = coordinator_of(artifact);
        coordinator.settings.series = 1;
        let (enrolled, wanted) = (BTreeSet::new(), BTreeMap::new());
        World { coordinator, totals, now: 0, enrolled, wanted, leases: 0, windows: 0 }
    }

    /// Says what an honest agent says, which has done what was wanted of it.
    fn honest(&mut self, name: &'static str) {
        let phase = match self.wanted.get(name) {
            None => return self.take(name, name, Input::Hello(hello(name, name))),
            Some(Want::Idle) => Phase::Idle,
            Some(Want::Prepare) => Phase::Ready,
            Some(Want::Run) => Phase::Running,
            Some(Want::Stop | Want::Abort | Want::Report) => Phase::Reporting,
            Some(Want::Forget) => return,
        };
        let at = self.coordinator.find(name, name);
        let epoch = at.map_or(0, |at| self.coordinator.members[at].epoch_wanted);
        let beat = Beat { epoch, ..beat(name, phase) };
        self.take(name, name, Input::Beat { from: name.to_owned(), beat });
    }

    /// Reports the next window in the proper form, whatever it claims.
    fn report(&mut self, random: &mut StdRng, name: &'static str) {
        let Some(at) = self.coordinator.find(name, name) else { return };
        let (seq, window) = (self.coordinator.members[at].acked_seq + 1, window(random));
        let (nonce, run, from) = (name.to_owned(), "r".to_owned(), name.to_owned());
        let window_ms = (window.from_ms, window.to_ms);
        let head = Delta { v: V, nonce, run, epoch: 1, seq, part: 0, parts: 1, window_ms };
        let part = encode_window(&window).unwrap();
        self.take(name, name, Input::Delta { from, head, part });
    }

    /// Says something that may be from anybody.
    fn liar(&mut self, random: &mut StdRng) {
        let name = *one(random, &["a", "b", "x", "y"]);
        let nonce = if random.random_bool(0.5) { name } else { *one(random, &["a", "b", "z"]) };
        let acked = self.coordinator.find(name, nonce);
        let acked = acked.map_or(0, |at| self.coordinator.members[at].acked_seq);
        let (message, binary) = template(random, name, nonce, acked);
        let Some((message, part)) = mutated(random, &message, &binary) else { return };
        let from = name.to_owned();
        let (nonce, input) = match message {
            // The loop takes the name from the subject and refuses a hello of another.
            FromAgent::Hello(hello) if hello.name != name => return,
            FromAgent::Hello(hello) => (hello.nonce.clone(), Input::Hello(hello)),
            FromAgent::Beat(beat) => (beat.nonce.clone(), Input::Beat { from, beat }),
            FromAgent::Delta(head) => (head.nonce.clone(), Input::Delta { from, head, part }),
            FromAgent::Final(head) => (head.nonce.clone(), Input::Final { from, head, part }),
            FromAgent::Get(_) | FromAgent::Status(_) => return,
        };
        self.take(name, &nonce, input);
    }

    fn take(&mut self, name: &str, nonce: &str, input: Input) {
        let mut replies = 0;
        for effect in self.coordinator.on(self.now, input) {
            match effect {
                Effect::Reply(reply) => {
                    replies += 1;
                    self.answered(name, nonce, &reply);
                }
                Effect::Window { node, window, .. } => {
                    self.windows += 1;
                    self.totals.apply(node, &window);
                }
                _ => {}
            }
        }
        assert!(replies <= 1, "one message has one answer");
        self.keeps_little();
    }

    fn answered(&mut self, name: &str, nonce: &str, reply: &FromCoordinator) {
        let who = (name.to_owned(), nonce.to_owned());
        match reply {
            FromCoordinator::Welcome(welcome) => {
                assert_eq!(welcome.to, nonce);
                if matches!(welcome.verdict, Verdict::Seat | Verdict::Standby) {
                    if let Some(honest) = ["a", "b"].into_iter().find(|it| *it == name) {
                        self.wanted.entry(honest).or_insert(Want::Idle);
                    }
                    self.enrolled.insert(who);
                }
            }
            FromCoordinator::Order(order) => {
                assert!(self.enrolled.contains(&who), "an order for {who:?}");
                assert_eq!(order.to, nonce);
                self.leases += u64::from(order.lease_ms > 0);
                if name == nonce
                    && let Some(wanted) = self.wanted.get_mut(name)
                {
                    *wanted = order.want;
                }
            }
            FromCoordinator::DeltaAck(_) | FromCoordinator::FinalAck(_) => {
                assert!(self.enrolled.contains(&who), "an acknowledgement for {who:?}");
            }
            FromCoordinator::Chunk(_) | FromCoordinator::Hint(_) => panic!("{reply:?}"),
        }
    }

    fn keeps_little(&self) {
        let coordinator = &self.coordinator;
        assert!(coordinator.warnings.len() <= WARNINGS_MAX);
        assert!(coordinator.turned_away.len() <= 20);
        for member in &coordinator.members {
            assert!(member.deltas.len() as u64 <= AHEAD_MAX);
            let texts = [&member.name, &member.nonce, &member.group, &member.host];
            assert!(texts.iter().all(|text| text.len() <= 256) && member.labels.len() <= 32);
        }
        let seats: Vec<&String> = coordinator.members.iter().flat_map(|it| &it.seats).collect();
        let once: BTreeSet<&&String> = seats.iter().collect();
        assert_eq!(seats.len(), once.len(), "nobody shares a seat");
    }
}

/// Plays one run and returns how many leases were given and windows taken.
fn play(seed: u64) -> (u64, u64) {
    let mut random = random(seed);
    let mut world = World::new();
    let lies = *one(&mut random, &[0.02, 0.2, 0.8]);
    for step in 0..MESSAGES {
        world.now += random.random_range(0..200) * MS;
        let name = if random.random_bool(0.5) { "a" } else { "b" };
        match random.random_range(0..10) {
            _ if random.random_bool(lies) => world.liar(&mut random),
            0..2 => world.report(&mut random, name),
            _ => world.honest(name),
        }
        let name = one(&mut random, &["a", "b", "x"]).to_string();
        let other = match random.random_range(0..200) {
            0..20 => Input::Tick,
            20..23 => Input::Reached { name, listens: false },
            23 => Input::Link(false),
            24..26 => Input::Link(true),
            26 => Input::Still(u64::MAX),
            27 if step > MESSAGES / 2 => Input::Stop(Cause::Request(StopRequest::Drain)),
            28 if step > MESSAGES / 2 => Input::Stop(Cause::Request(StopRequest::Abort)),
            _ => continue,
        };
        world.take("", "", other);
    }
    for arrivals in world.coordinator.record(world.now, 0).arrivals {
        let sum = arrivals.started + arrivals.dropped + arrivals.unaccounted;
        assert_eq!(arrivals.planned, sum, "{arrivals:?}");
    }
    (world.leases, world.windows)
}

#[test]
fn whatever_is_said_the_coordinator_stands() {
    let (mut leases, mut windows) = (0, 0);
    for seed in 0..SEEDS {
        let played = std::panic::catch_unwind(|| play(seed));
        let (lent, taken) = played.unwrap_or_else(|_| panic!("seed {seed}"));
        leases += lent;
        windows += taken;
    }
    // Else nothing was tried but what comes before a run.
    assert!(leases > SEEDS && windows > SEEDS, "{leases} leases, {windows} windows");
}
