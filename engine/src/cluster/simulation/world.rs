//! A cluster in virtual time: the real state machines, clocks that drift, a network that fails, all from one seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{
    Artifact, ClosedLoad, ClosedStage, LateStart, Load, Moment, OnAgentLoss, StartAfter,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::member::{Fault, Member, me};
use super::node::{Mutant, Node};
use super::resume::Journal;
use crate::cluster::agent::state::{Effect as Do, Input as Learn};
use crate::cluster::coordinator::state::{Coordinator, Effect, Input, Settings};
use crate::cluster::load::LoadEvent;
use crate::cluster::wire::{
    self, Delta, Final, FinalReport, FromAgent, FromCoordinator, Hint, Order, ShareOrder, V, Want,
    encode_window, split,
};
use crate::cluster::{Seating, sample};
use crate::metrics::{RunRecord, Window};

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND_NS: u64 = 1_000 * MS;

/// Nodes look at their schedule this often.
pub(super) const STEP_NS: u64 = 20 * MS;

/// Size of messages, small enough that windows take several.
const PAYLOAD_MAX: usize = wire::HEAD_RESERVE;

const RUN: &str = "simulated0";

/// A coordinator that died is followed by another within this time, if by any.
pub(super) const RESUME_NS: u64 = 30 * SECOND_NS;

/// Clocks run up to half of this slower or faster than the true one, in millionths: more than real ones do, so that a short
/// run shows what a long one would.
pub(super) const PPM_MAX: u64 = 10_000;

/// What happens at an instant.
enum Event {
    ToCoordinator { agent: usize, message: FromAgent, binary: Bytes },
    ToAgent { agent: usize, message: FromCoordinator },
    Prepared { agent: usize, run: String, epoch: u64 },
    Reached { agent: usize, listens: bool },
    Resume,
    Fault(Fault),
    Link(bool),
}

/// A simulated run.
pub(super) struct World {
    pub(super) now: u64,
    random: StdRng,
    queue: BTreeMap<(u64, u64), Event>,
    next_id: u64,
    pub(super) coordinator: Coordinator,
    pub(super) coordinator_wake: u64,
    pub(super) coordinator_dead: Option<u64>,
    pub(super) journal: Journal,
    /// Another coordinator has gone on in the place of the one that died.
    pub(super) resumed: bool,
    broker_down_until: u64,
    pub(super) members: Vec<Member>,
    pub(super) artifact: Artifact,
    pub(super) lease_ns: u64,
    pub(super) faults: Vec<Fault>,
    pub(super) mutant: Mutant,
    /// (scenario, number, agent, true instant) of each arrival that was started.
    pub(super) starts: Vec<(usize, u64, usize, u64)>,
    /// By node: what the coordinator gave out.
    pub(super) applied: BTreeMap<usize, Vec<Window>>,
    /// By scenario: the start that the coordinator announced.
    pub(super) announced: BTreeMap<usize, u64>,
    pub(super) record: Option<(u64, RunRecord)>,
    /// What the coordinator tells whoever watches.
    pub(super) told: Vec<String>,
    /// Starts that were not allowed.
    pub(super) illegal: Vec<String>,
}

/// Adds a count, `s2`, to a sample and lets `s1` start after its end.
fn start_after_a_count(artifact: &mut Artifact, random: &mut StdRng, agents: u32) {
    let within_ns = random.random_range(1_000..9_000) * MS;
    let (users, planned) = (random.random_range(1..20), random.random_range(1..60));
    let stage = ClosedStage::Count { users, count: planned, within_ns };
    let load = Load::Closed(ClosedLoad { stages: vec![stage], users_max: users, pace_ns: 0 });
    artifact.scenarios.insert("s2".to_owned(), sample::scenario(load, planned, 2, agents));
    artifact.slots += sample::SLOTS;
    let delay_ns = random.random_range(0..1_000) * MS;
    let after = StartAfter { scenario: "s2".to_owned(), state: Moment::Finished, delay_ns };
    let late = artifact.scenarios.get_mut("s1").unwrap();
    late.start_ns = delay_ns;
    late.late_start = Some(LateStart { latest_ns: within_ns + delay_ns, after: vec![after] });
}

/// Returns an agent for each of so many seats, and some that stand by or come late.
fn members(random: &mut StdRng, seats: usize) -> Vec<Member> {
    let spares = random.random_range(0..=2);
    let members = (0..seats + spares).map(|at| {
        let (offset, ppm) = (random.random_range(0..1 << 50), random.random_range(0..PPM_MAX));
        let late = at >= seats && random.random_bool(0.5);
        let from = if late { random.random_range(0..20 * SECOND_NS) } else { 0 };
        Member::new(me(at, 0), offset, ppm, from)
    });
    members.collect()
}

impl World {
    pub(super) fn new(seed: u64, mutant: Mutant) -> World {
        let mut random = StdRng::seed_from_u64(seed);
        let count: u32 = random.random_range(1..=4);
        let rates = [random.random_range(10..60), random.random_range(1..20)];
        let mut artifact = sample::artifact(&rates, random.random_range(4..14), count);
        artifact.nodes.tuning.final_wait_ns = 12 * SECOND_NS;
        if random.random_bool(0.3) {
            let most = random.random_range(1..12);
            artifact.scenarios.get_mut("s0").unwrap().max_failures = Some(most);
        }
        if random.random_bool(0.5) {
            start_after_a_count(&mut artifact, &mut random, count);
        }
        let lease_ns = random.random_range(2_000..6_000) * MS;
        let settings = Settings {
            nonce: "coordinator".to_owned(),
            run: RUN.to_owned(),
            artifact: Arc::new(artifact.clone()),
            signatures: None,
            files: Vec::new(),
            vars: BTreeMap::new(),
            seed: None,
            dry_run: false,
            seating: Seating::OnePerAgent,
            join_timeout_ns: 30 * SECOND_NS,
            lease_ns,
            on_agent_loss: [
                OnAgentLoss::Fail,
                OnAgentLoss::Continue,
                OnAgentLoss::Redistribute,
                OnAgentLoss::Redistribute,
            ][random.random_range(0..4)],
            local: false,
            series: 0,
        };
        let members = members(&mut random, count as usize);
        let count = members.len();
        let mut world = World {
            now: 0,
            random,
            queue: BTreeMap::new(),
            next_id: 0,
            journal: Journal::new(&settings),
            coordinator: Coordinator::new(0, settings),
            coordinator_wake: 0,
            coordinator_dead: None,
            resumed: false,
            broker_down_until: 0,
            members,
            artifact,
            lease_ns,
            faults: Vec::new(),
            mutant,
            starts: Vec::new(),
            applied: BTreeMap::new(),
            announced: BTreeMap::new(),
            record: None,
            told: Vec::new(),
            illegal: Vec::new(),
        };
        if let Mutant::Coordinator(deviation) = mutant {
            world.coordinator.deviation = Some(deviation);
        }
        world.plan_faults(count);
        world
    }

    fn plan_faults(&mut self, count: usize) {
        for _ in 0..self.random.random_range(0..=3) {
            let at = self.random.random_range(0..22 * SECOND_NS);
            let agent = self.random.random_range(0..count);
            let long = self.random.random_range(100 * MS..2 * self.lease_ns);
            let fault = match self.random.random_range(0..12) {
                0..=2 => Fault::Crash(agent),
                3..=5 => Fault::Pause(agent, long),
                6..=8 => Fault::Partition(agent, long),
                9 => Fault::Broker(long),
                10 => Fault::Coordinator,
                _ => Fault::Interrupt(agent),
            };
            self.faults.push(fault);
            self.at(at, Event::Fault(fault));
            if matches!(fault, Fault::Crash(_)) && self.random.random_bool(0.5) {
                // Somebody starts it again.
                let (offset, ppm) =
                    (self.random.random_range(0..1 << 50), self.random.random_range(0..PPM_MAX));
                let from = at + self.random.random_range(100 * MS..10 * SECOND_NS);
                let life = u32::try_from(self.members.len()).unwrap();
                self.members.push(Member::new(me(agent, life), offset, ppm, from));
            }
        }
    }

    /// Returns what happens when an agent is lost.
    pub(super) fn policy(&self) -> OnAgentLoss {
        self.coordinator.settings.on_agent_loss
    }

    /// Runs until nothing is left to happen or `until`.
    pub(super) fn run(&mut self, until: u64) {
        while self.now < until {
            let Some(next) = self.next_instant() else { return };
            self.now = next.max(self.now + 1_000);
            while let Some(entry) = self.queue.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let event = entry.remove();
                self.happen(event);
            }
            if self.coordinator_wake <= self.now {
                self.coordinate(Input::Tick, None);
            }
            (0..self.members.len()).for_each(|agent| self.wake(agent));
        }
    }

    /// Returns whether every agent is out of the run.
    pub(super) fn is_quiet(&self) -> bool {
        self.members.iter().all(|member| {
            member.crashed || member.ended || (member.agent.is_idle() && member.node.is_none())
        })
    }

    fn next_instant(&self) -> Option<u64> {
        let mut next = self.queue.keys().next().map_or(u64::MAX, |(at, _)| *at);
        next = next.min(self.coordinator_wake);
        for member in self.members.iter().filter(|member| !member.crashed && !member.ended) {
            let wake = member.true_time(member.agent.wake()).min(member.next_step);
            next = next.min(wake.max(member.paused_until));
        }
        (next < u64::MAX).then_some(next)
    }

    fn at(&mut self, at: u64, event: Event) {
        self.next_id += 1;
        self.queue.insert((at, self.next_id), event);
    }

    /// Gives `event` to the network between the coordinator and `agent`.
    fn send(&mut self, agent: usize, event: impl Fn() -> Event) {
        if self.now < self.members[agent].cut_until {
            return;
        }
        if self.now < self.broker_down_until {
            // A client keeps what it cannot send and sends it once the broker is back, most of it before anybody listens.
            if self.random.random_bool(0.2) {
                let delay = self.random.random_range(0..2_000 * MS);
                self.at(self.broker_down_until + delay, event());
            }
            return;
        }
        if self.random.random_bool(0.05) {
            return;
        }
        let copies = if self.random.random_bool(0.05) { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.random.random_bool(0.05);
            let most = if late { 8_000 * MS } else { 5 * MS };
            let delay = self.random.random_range(50_000..most);
            self.at(self.now + delay, event());
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToCoordinator { agent, message, binary } => {
                self.hear(agent, message, binary);
            }
            Event::ToAgent { agent, message } => self.tell(agent, message),
            Event::Prepared { agent, run, epoch } => {
                self.agent(agent, Learn::Prepared { run, epoch, outcome: Ok(()) });
            }
            Event::Reached { agent, listens } => {
                let name = self.members[agent].me.name.clone();
                self.coordinate(Input::Reached { name, listens }, None);
            }
            Event::Resume => self.resume(),
            Event::Link(up) => self.coordinate(Input::Link(up), None),
            Event::Fault(fault) => self.fault(fault),
        }
    }

    fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Crash(agent) => self.members[agent].crashed = true,
            Fault::Pause(agent, long) => self.members[agent].paused_until = self.now + long,
            Fault::Partition(agent, long) => self.members[agent].cut_until = self.now + long,
            Fault::Broker(long) => {
                self.broker_down_until = self.now + long;
                self.at(self.now + 2, Event::Link(false));
                self.at(self.now + long, Event::Link(true));
            }
            Fault::Coordinator => {
                if self.coordinator_dead.is_none() && self.random.random_bool(0.7) {
                    let later = self.random.random_range(10 * MS..RESUME_NS);
                    self.at(self.now + later, Event::Resume);
                }
                self.coordinator_dead.get_or_insert(self.now);
                self.coordinator_wake = u64::MAX;
            }
            Fault::Interrupt(agent) => self.agent(agent, Learn::Interrupted),
        }
    }

    fn hear(&mut self, agent: usize, message: FromAgent, part: Bytes) {
        let from = self.members[agent].me.name.clone();
        let input = match message {
            FromAgent::Hello(hello) => Input::Hello(hello),
            FromAgent::Beat(beat) => Input::Beat { from, beat },
            FromAgent::Delta(head) => Input::Delta { from, head, part },
            FromAgent::Final(head) => Input::Final { from, head, part },
            FromAgent::Get(_) | FromAgent::Status(_) => return,
        };
        self.coordinate(input, Some(agent));
    }

    fn coordinate(&mut self, input: Input, reply_to: Option<usize>) {
        let dead = self.coordinator_dead.is_some() && !self.resumed;
        if dead || self.record.is_some() {
            self.coordinator_wake = u64::MAX;
            return;
        }
        let effects = self.coordinator.on(self.now, input);
        self.note(&effects);
        effects.into_iter().for_each(|effect| self.carry_out(effect, reply_to));
        self.coordinator_wake = self.coordinator.wake(self.now);
    }

    /// Does what the coordinator wants.
    pub(super) fn carry_out(&mut self, effect: Effect, reply_to: Option<usize>) {
        match effect {
            Effect::Reply(message) => {
                if let Some(agent) = reply_to {
                    self.send(agent, || Event::ToAgent { agent, message: (*message).clone() });
                }
            }
            Effect::Window { node, window, .. } => {
                self.applied.entry(node).or_default().push(*window);
            }
            Effect::Starts { scenario, start_ns } => {
                self.announced.insert(scenario, start_ns);
            }
            Effect::Hint(want) => {
                let nonce = self.coordinator.settings.nonce.clone();
                let hint = Hint { v: V, nonce, run: RUN.to_owned(), want };
                for agent in 0..self.members.len() {
                    let message = FromCoordinator::Hint(hint.clone());
                    self.send(agent, || Event::ToAgent { agent, message: message.clone() });
                }
            }
            Effect::Ping(name) => {
                let named =
                    || (0..self.members.len()).filter(|at| self.members[*at].me.name == name);
                let listens = named().any(|at| {
                    let member = &self.members[at];
                    !member.crashed && !member.ended && self.now >= member.up_from
                });
                let agent = named().next().unwrap();
                self.at(self.now + MS, Event::Reached { agent, listens });
            }
            Effect::Event(event) => {
                let (at, node) = (self.now / MS, event.node);
                self.told.push(format!("{at:>6} ms {node:?} {:?}", event.what));
            }
            Effect::Done => {
                let record = self.coordinator.record(self.now, 0);
                self.record = Some((self.now, record));
            }
        }
    }

    fn tell(&mut self, agent: usize, message: FromCoordinator) {
        let member = &mut self.members[agent];
        if let FromCoordinator::Order(order) = &message
            && let Some(sent) = member.beats.get(&order.seq).filter(|_| order.lease_ms > 0)
        {
            member.allowed_until = member.allowed_until.max(sent + order.lease_ms * MS);
        }
        let input = match message {
            FromCoordinator::Welcome(welcome) => Learn::Welcome(welcome),
            FromCoordinator::Order(order) => {
                self.forge(agent, &order);
                Learn::Order(Box::new(order))
            }
            FromCoordinator::DeltaAck(ack) => Learn::DeltaAck(ack),
            FromCoordinator::FinalAck(ack) => Learn::FinalAck(ack),
            FromCoordinator::Hint(hint) => {
                Learn::Hint { hint, delay_ns: self.random.random_range(0..100 * MS) }
            }
            FromCoordinator::Chunk(_) => return,
        };
        self.agent(agent, input);
    }

    /// Now and then somebody else gives orders: another coordinator, or for another process or run.
    fn forge(&mut self, agent: usize, order: &Order) {
        if !self.random.random_bool(0.05) {
            return;
        }
        let mut forged = Order { lease_ms: 1 << 40, ..order.clone() };
        match self.random.random_range(0..3) {
            0 => forged.nonce = "another".to_owned(),
            1 => forged.to = "another".to_owned(),
            _ => forged.run = "another".to_owned(),
        }
        forged.want = if self.random.random_bool(0.5) { Want::Abort } else { Want::Forget };
        self.agent(agent, Learn::Order(Box::new(forged)));
    }

    pub(super) fn agent(&mut self, at: usize, input: Learn) {
        let member = &mut self.members[at];
        if member.crashed || member.ended {
            return;
        }
        if self.now < member.paused_until {
            // It finds everything in its sockets when it wakes.
            let until = member.paused_until;
            let event = match input {
                Learn::Welcome(message) => FromCoordinator::Welcome(message),
                Learn::Order(message) => FromCoordinator::Order(*message),
                Learn::DeltaAck(message) => FromCoordinator::DeltaAck(message),
                Learn::FinalAck(message) => FromCoordinator::FinalAck(message),
                Learn::Hint { hint, .. } => FromCoordinator::Hint(hint),
                Learn::Prepared { run, epoch, .. } => {
                    return self.at(until, Event::Prepared { agent: at, run, epoch });
                }
                Learn::Interrupted => return self.at(until, Event::Fault(Fault::Interrupt(at))),
                Learn::Tick | Learn::Load(_) | Learn::Recalled { .. } => return,
            };
            return self.at(until, Event::ToAgent { agent: at, message: event });
        }
        let local = member.local(self.now);
        let effects = member.agent.on(local, input);
        effects.into_iter().for_each(|effect| self.perform(at, effect));
    }

    fn perform(&mut self, at: usize, effect: Do) {
        let nonce = self.members[at].me.nonce.clone();
        let local = self.members[at].local(self.now);
        match effect {
            Do::Hello(hello) => self.say(at, &FromAgent::Hello(hello), &Bytes::new()),
            Do::Beat(beat) => {
                self.members[at].beats.insert(beat.seq, self.now);
                self.say(at, &FromAgent::Beat(beat), &Bytes::new());
            }
            Do::Prepare { run, epoch, share } => self.prepare(at, run, epoch, *share),
            Do::ExtendLease(end) => {
                let receipt = local + self.lease_ns;
                self.with_node(at, |node| {
                    let end = if node.mutant == Mutant::LeaseFromReceipt { receipt } else { end };
                    node.lease_end = node.lease_end.max(end);
                });
            }
            Do::Start(start) => {
                self.members[at].next_step = self.now;
                self.with_node(at, |node| node.start = Some(start));
            }
            // The state machine's own fence must not hide a node that does not heed its lease.
            Do::Fence => self.members[at].deaf = self.mutant != Mutant::Faithful,
            Do::Stop { drain_ns } => {
                if !std::mem::take(&mut self.members[at].deaf) {
                    self.with_node(at, |node| {
                        node.cut_at.get_or_insert(local + drain_ns);
                    });
                }
            }
            Do::TakeOver(takeovers) => self.with_node(at, |node| node.take_over(local, &takeovers)),
            Do::Direct(orders) => self.with_node(at, |node| node.direct(&orders)),
            Do::Abort => self.with_node(at, |node| node.cut_at = Some(local)),
            Do::Unload => self.members[at].node = None,
            Do::Delta { run, epoch, seq, window } => {
                let parts = split(&encode_window(&window).unwrap(), PAYLOAD_MAX).unwrap();
                let count = u32::try_from(parts.len()).unwrap();
                for (part, body) in (0..).zip(&parts) {
                    let head = Delta {
                        v: V,
                        nonce: nonce.clone(),
                        run: run.clone(),
                        epoch,
                        seq,
                        part,
                        parts: count,
                        window_ms: (window.from_ms, window.to_ms),
                    };
                    self.say(at, &FromAgent::Delta(head), body);
                }
            }
            Do::Final { run, report, parts_have } => self.report(at, &run, &report, parts_have),
            Do::Keep(_) | Do::Recall(_) | Do::Discard(_) => self.on_shelf(at, effect),
            Do::Say(_) | Do::Status(_) => {}
            Do::End { .. } => self.members[at].ended = true,
        }
    }

    fn prepare(&mut self, at: usize, run: String, epoch: u64, share: ShareOrder) {
        let latency = self.random.random_range(10..400) * MS;
        let mut node = Node::new(&self.artifact, &share.seats, latency, self.mutant);
        node.take_over(0, &share.moved);
        self.members[at].node = Some(node);
        let delay = self.random.random_range(0..600) * MS;
        self.at(self.now + delay, Event::Prepared { agent: at, run, epoch });
    }

    fn report(&mut self, at: usize, run: &str, report: &FinalReport, parts_have: u64) {
        let body = Bytes::from(serde_json::to_vec(report).unwrap());
        let parts = split(&body, PAYLOAD_MAX).unwrap();
        let count = u32::try_from(parts.len()).unwrap();
        for (part, body) in (0..).zip(&parts) {
            if parts_have & (1 << part) == 0 {
                let (nonce, run) = (self.members[at].me.nonce.clone(), run.to_owned());
                let head = Final { v: V, nonce, run, part, parts: count };
                self.say(at, &FromAgent::Final(head), body);
            }
        }
    }

    fn say(&mut self, agent: usize, message: &FromAgent, binary: &Bytes) {
        self.send(agent, || Event::ToCoordinator {
            agent,
            message: message.clone(),
            binary: binary.clone(),
        });
    }

    fn with_node(&mut self, at: usize, act: impl FnOnce(&mut Node)) {
        if let Some(node) = &mut self.members[at].node {
            act(node);
        }
    }

    /// Lets an agent and its node do what is due.
    fn wake(&mut self, at: usize) {
        let now = self.now;
        let member = &mut self.members[at];
        if member.crashed || member.ended || now < member.paused_until {
            return;
        }
        let local = member.local(now);
        if member.next_step <= now {
            member.next_step = now + STEP_NS;
            let mut log = Vec::new();
            let events = member.node.as_mut().map(|node| node.step(local, &mut log));
            let allowed = member.allowed_until;
            for (scenario, number) in log {
                if now > allowed + self.lease_ns * PPM_MAX / 1_000_000 {
                    let text = format!("{number} of {scenario} by {at} at {now}, not {allowed}");
                    self.illegal.push(text);
                }
                self.starts.push((scenario, number, at, now));
            }
            let events = events.unwrap_or_default();
            if self.members[at].node.is_none()
                || events.iter().any(|event| matches!(event, LoadEvent::Finished(_)))
            {
                self.members[at].next_step = u64::MAX;
            }
            events.into_iter().for_each(|event| self.agent(at, Learn::Load(event)));
        }
        let member = &mut self.members[at];
        if member.true_time(member.agent.wake()) <= now {
            self.agent(at, Learn::Tick);
        }
    }
}
