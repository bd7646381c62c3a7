//! The agent: enrols, prepares its share, executes it under a lease, and reports until everything is acknowledged.

pub(crate) mod enrolled;
mod fetch;
#[cfg(test)]
mod fuzz;
pub(crate) mod keep;
mod lease;
mod outbox;
mod shelf;
pub(crate) mod state;
mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compiler::exit::Exit;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::keep::Results;
pub use self::shelf::KeepOptions;
use self::shelf::Shelf;
use self::state::{Agent, Effect, Input, Me};
use super::bus::{Bus, BusError, Inbox};
use super::claim::{self, ClaimError, Hold, Place};
use super::load::{Load, LoadError, LoadEvent, Loader};
use super::wire::{self, Delta, Final, FinalReport, FromAgent, FromCoordinator, Kept, Status, V};
use super::{StopRequest, machine, subject};
use crate::clock::Clock;
use crate::metrics::Window;
use crate::user::DRIVERS;

/// Requests that may be open at a time; what does not fit is sent again by its own retry.
const OPEN_MAX: usize = 64;

/// Longest wait for an answer. What is sent each second is replaced by the next one.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Longest wait for what was sent last, when the agent ends.
const END_WAIT: Duration = Duration::from_secs(1);

/// Longest spread of the answers to a hint, in nanoseconds.
const HINT_SPREAD_NS: u64 = 100_000_000;

/// How often an idle agent looks whether the broker has denied it something, in nanoseconds.
const DENIAL_LOOK_NS: u64 = 250_000_000;

/// Who an agent is.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// Its name, `[A-Za-z0-9_-]{1,64}`, one process each.
    pub name: String,
    /// Cluster id.
    pub cluster: String,
    /// Which group's seats it takes.
    pub group: String,
    /// Its labels, compared with what groups require.
    pub labels: BTreeMap<String, String>,
    /// Whether it ends after one run.
    pub once: bool,
    /// How results are kept that nobody has taken; `None` keeps nothing.
    pub keep: Option<KeepOptions>,
    /// Takes a line for the operator.
    pub say: fn(&str),
}

/// How an agent ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentEnd {
    /// What the process exits with.
    pub exit: Exit,
    /// Why, unless it is [`Exit::Passed`].
    pub message: Option<String>,
}

/// Serves runs until it is stopped, or after one run with `once`. A first stop drains, a second one ends at once.
pub async fn run(
    options: AgentOptions,
    loader: Arc<dyn Loader>,
    bus: Bus,
    clock: Clock,
    mut stop: watch::Receiver<Option<StopRequest>>,
) -> AgentEnd {
    let cluster = options.cluster.clone();
    let say = options.say;
    let keep = options.keep.clone();
    let me = me(options);
    // Nodes of one process are named by it.
    let hold = if bus.is_local() { None } else { Some(hold(&me, &cluster, &bus, &clock).await) };
    let hold = match hold.transpose() {
        Ok(hold) => hold,
        Err(message) => {
            return AgentEnd { exit: Exit::ClusterFailed, message: Some(message) };
        }
    };
    let patterns = [subject::hint(&cluster), subject::ping(&cluster, &me.name)];
    let hints = match bus.subscribe(&patterns).await {
        Ok(hints) => hints,
        Err(error) => {
            let message = Some(format!("cannot subscribe to {}: {error}", patterns[0]));
            return AgentEnd { exit: Exit::ClusterFailed, message };
        }
    };
    let shelf = keep.map(|keep| Shelf::new(keep, &cluster, &me.name, clock.clone()));
    let kept = match shelf.clone() {
        Some(shelf) => tokio::task::spawn_blocking(move || shelf.kept()).await.unwrap_or_default(),
        None => Vec::new(),
    };
    if hold.is_some() {
        say(&format!("agent {} waits for runs", me.name));
    }
    let mut worker = Worker {
        say,
        agent: Agent::new(me.clone(), clock.now(), kept),
        shelf,
        me,
        cluster,
        loader,
        clock,
        open: JoinSet::new(),
        load: None,
        load_finished: false,
        end: None,
        hold,
        bus,
    };
    worker.serve(hints, &mut stop).await;
    worker.close().await
}

/// Claims the agent's name; an error is a sentence for the operator.
async fn hold(me: &Me, cluster: &str, bus: &Bus, clock: &Clock) -> Result<Hold, String> {
    let claimant = claim::claimant(me.nonce.clone(), None, clock);
    let place = Place::Name(me.name.clone());
    let claimed = claim::take(bus.clone(), cluster, &place, claimant, clock.clone()).await;
    claimed.map_err(|error| match error {
        ClaimError::Taken(by) => taken(&me.name, &by.title()),
        ClaimError::Bus(..) => error.to_string(),
    })
}

/// Says that somebody else has the name, and what to do.
pub(crate) fn taken(name: &str, by: &str) -> String {
    format!("name `{name}` is taken: {by}; end that agent or start this one with another --name")
}

fn me(options: AgentOptions) -> Me {
    Me {
        name: options.name,
        nonce: super::nonce(),
        group: options.group,
        labels: options.labels,
        once: options.once,
        pid: std::process::id(),
        host: super::host(),
        cores: machine::cores(),
        mem_bytes: machine::mem_bytes(),
        open_files: machine::open_files(),
        drivers: DRIVERS.map(str::to_owned).into(),
    }
}

/// What a task of the agent ends with.
enum Ended {
    /// An answer, or nothing worth a word.
    Answer(Option<Input>),
    /// The share of a run is ready, or not.
    Loaded { run: String, epoch: u64, loaded: Result<Box<dyn Load>, LoadError> },
    /// Results are kept, or not as they should be: a sentence for the operator.
    Kept(Result<(), String>),
    /// What was kept of a run.
    Recalled(Kept, Option<Box<Results>>),
}

/// Performs what the state machine decides.
struct Worker {
    say: fn(&str),
    agent: Agent,
    shelf: Option<Shelf>,
    me: Me,
    cluster: String,
    loader: Arc<dyn Loader>,
    bus: Bus,
    clock: Clock,
    open: JoinSet<Ended>,
    load: Option<Box<dyn Load>>,
    load_finished: bool,
    end: Option<AgentEnd>,
    /// Its right to its name.
    hold: Option<Hold>,
}

impl Worker {
    async fn serve(&mut self, mut hints: Inbox, stop: &mut watch::Receiver<Option<StopRequest>>) {
        let mut stopping = *stop.borrow_and_update();
        let mut stop_open = true;
        if stopping.is_some() {
            self.take(Input::Interrupted);
        }
        while self.end.is_none() {
            let mut wait = self.agent.wake().saturating_sub(self.clock.now());
            if self.agent.is_idle() && !self.bus.is_local() {
                wait = wait.min(DENIAL_LOOK_NS);
            }
            let load = self.load.as_mut().filter(|_| !self.load_finished);
            let input = tokio::select! {
                biased;
                changed = stop.changed(), if stop_open => {
                    let asked = *stop.borrow_and_update();
                    stop_open = changed.is_ok();
                    if asked <= stopping {
                        continue;
                    }
                    let twice = stopping.is_none() && asked == Some(StopRequest::Abort);
                    stopping = asked;
                    if twice {
                        self.take(Input::Interrupted);
                    }
                    Input::Interrupted
                }
                Some(ended) = self.open.join_next(), if !self.open.is_empty() => {
                    match self.ended(ended.ok()) {
                        Some(input) => input,
                        None => continue,
                    }
                }
                Some(message) = hints.next() => match hint(&message.body, self.bus.is_local()) {
                    Some(input) => input,
                    None => continue,
                },
                event = next_event(load) => {
                    self.load_finished = matches!(event, LoadEvent::Finished(_));
                    Input::Load(event)
                }
                () = tokio::time::sleep(Duration::from_nanos(wait)) => Input::Tick,
            };
            self.take(input);
            self.heed_denials();
            self.heed_namesake();
        }
    }

    /// Waits a moment for what was sent last, and says how it ended.
    async fn close(mut self) -> AgentEnd {
        self.load = None;
        let rest = async { while self.open.join_next().await.is_some() {} };
        if tokio::time::timeout(END_WAIT, rest).await.is_err() {
            tracing::debug!("requests were still open at the end");
        }
        if !self.bus.is_local() {
            self.bus.close().await;
        }
        self.end.unwrap_or(AgentEnd { exit: Exit::Internal, message: None })
    }

    fn ended(&mut self, ended: Option<Ended>) -> Option<Input> {
        match ended? {
            Ended::Answer(input) => input,
            // A share that was replaced meanwhile, or given up.
            Ended::Loaded { run, epoch, .. } if !self.agent.awaits(&run, epoch) => None,
            Ended::Loaded { run, epoch, loaded } => {
                let outcome = loaded.map(|load| {
                    self.load = Some(load);
                    self.load_finished = false;
                });
                Some(Input::Prepared { run, epoch, outcome })
            }
            Ended::Kept(Ok(())) => None,
            Ended::Kept(Err(why)) => {
                (self.say)(&why);
                None
            }
            Ended::Recalled(kept, results) => Some(Input::Recalled { kept, results }),
        }
    }

    fn take(&mut self, input: Input) {
        for effect in self.agent.on(self.clock.now(), input) {
            self.perform(effect);
        }
    }

    /// A subject that is denied while the agent enrols will stay denied; later it is a warning.
    fn heed_denials(&mut self) {
        if let Some(text) = self.bus.take_denied() {
            if self.agent.is_idle() {
                let message = Some(format!("the broker denies it: {text}"));
                self.end = Some(AgentEnd { exit: Exit::ClusterFailed, message });
            } else {
                tracing::warn!(%text, "the broker denied something");
            }
        }
    }

    /// Two processes may have found one name free while the network was cut: one of them ends, but no run for it.
    fn heed_namesake(&mut self) {
        let other = self.hold.as_ref().and_then(Hold::taken).filter(|_| self.agent.is_idle());
        if let Some(other) = other {
            let message = Some(taken(&self.me.name, &other.title()));
            self.end.get_or_insert(AgentEnd { exit: Exit::ClusterFailed, message });
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Hello(hello) => self.ask("hello", FromAgent::Hello(hello), Bytes::new()),
            Effect::Beat(beat) => self.ask("beat", FromAgent::Beat(beat), Bytes::new()),
            Effect::Prepare { run, epoch, share } => {
                let fetch = fetch::Fetch {
                    bus: self.bus.clone(),
                    subject: subject::from_agent(&self.cluster, &self.me.name, "get"),
                    nonce: self.me.nonce.clone(),
                };
                let loader = Arc::clone(&self.loader);
                self.open.spawn(async move {
                    let loaded = fetch.load(&run, *share, loader).await;
                    Ended::Loaded { run, epoch, loaded }
                });
            }
            Effect::ExtendLease(end) => self.with_load(|load| load.extend_lease(end)),
            Effect::Start(start) => self.with_load(|load| load.start(start)),
            // The load sees the end of its lease by itself; the stop that follows is for one that has nothing to start.
            Effect::Fence => {}
            Effect::Stop { drain_ns } => self.with_load(|load| load.stop(drain_ns)),
            Effect::TakeOver(takeovers) => self.with_load(|load| load.take_over(&takeovers)),
            Effect::Direct(orders) => self.with_load(|load| load.direct(&orders)),
            Effect::Abort => self.with_load(|load| load.abort()),
            Effect::Unload => self.load = None,
            Effect::Delta { run, epoch, seq, window } => self.delta(&run, epoch, seq, &window),
            Effect::Final { run, report, parts_have } => self.report(&run, &report, parts_have),
            Effect::Status(status) => self.status(*status),
            Effect::Keep(results) => self.on_shelf(|shelf| Ended::Kept(shelf.put(*results))),
            Effect::Recall(kept) => match &self.shelf {
                Some(_) => self.on_shelf(|shelf| {
                    let results = shelf.get(&kept).map(Box::new);
                    Ended::Recalled(kept, results)
                }),
                None => drop(self.open.spawn(async { Ended::Recalled(kept, None) })),
            },
            Effect::Discard(kept) => self.on_shelf(move |shelf| {
                shelf.remove(&kept);
                Ended::Kept(Ok(()))
            }),
            Effect::Say(text) => (self.say)(&text),
            Effect::End { exit, message } => {
                self.end.get_or_insert(AgentEnd { exit, message });
            }
        }
    }

    /// Does something with what is kept, off the loop: disks may be slow.
    fn on_shelf(&mut self, act: impl FnOnce(&Shelf) -> Ended + Send + 'static) {
        if let Some(shelf) = self.shelf.clone() {
            self.open.spawn_blocking(move || act(&shelf));
        }
    }

    fn with_load(&mut self, act: impl FnOnce(&mut dyn Load)) {
        if let Some(load) = &mut self.load {
            act(load.as_mut());
        }
    }

    fn delta(&mut self, run: &str, epoch: u64, seq: u64, window: &Window) {
        let parts =
            wire::encode_window(window).and_then(|body| wire::split(&body, self.bus.payload_max()));
        let parts = match parts {
            Ok(parts) => parts,
            Err(error) => return tracing::error!(%error, seq, "window cannot be sent"),
        };
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        for (part, body) in (0..).zip(parts) {
            let head = FromAgent::Delta(Delta {
                v: V,
                nonce: self.me.nonce.clone(),
                run: run.to_owned(),
                epoch,
                seq,
                part,
                parts: count,
                window_ms: (window.from_ms, window.to_ms),
            });
            self.ask("delta", head, body);
        }
    }

    fn report(&mut self, run: &str, report: &FinalReport, parts_have: u64) {
        let body = serde_json::to_vec(report).map(Bytes::from).unwrap_or_default();
        let parts = match wire::split(&body, self.bus.payload_max()) {
            Ok(parts) => parts,
            Err(error) => return tracing::error!(%error, "final report cannot be sent"),
        };
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        for (part, body) in (0..).zip(parts) {
            if parts_have & (1 << part) == 0 {
                let head = FromAgent::Final(Final {
                    v: V,
                    nonce: self.me.nonce.clone(),
                    run: run.to_owned(),
                    part,
                    parts: count,
                });
                self.ask("final", head, body);
            }
        }
    }

    /// Says who it is to nobody in particular.
    fn status(&mut self, status: Status) {
        if self.open.len() >= OPEN_MAX {
            return tracing::debug!("too many open requests");
        }
        let to = subject::from_agent(&self.cluster, &self.me.name, subject::STATUS);
        if let Ok(body) = wire::encode(&FromAgent::Status(status), &[]) {
            let bus = self.bus.clone();
            self.open.spawn(async move {
                // Whoever asked asks again.
                let sent = bus.publish(&to, body).await;
                sent.unwrap_or_else(|error| tracing::debug!(%error, "status not sent"));
                Ended::Answer(None)
            });
        }
    }

    /// Sends a request whose answer comes back as an input; silence does not.
    fn ask(&mut self, topic: &str, message: FromAgent, binary: Bytes) {
        if self.open.len() >= OPEN_MAX {
            return tracing::debug!(topic, "too many open requests");
        }
        let body = match wire::encode(&message, &binary) {
            Ok(body) => body,
            Err(error) => return tracing::error!(%error, topic, "message cannot be sent"),
        };
        let to = subject::from_agent(&self.cluster, &self.me.name, topic);
        let bus = self.bus.clone();
        self.open.spawn(async move {
            let answer = bus.request(&to, body, ANSWER_WAIT).await;
            Ended::Answer(answered(&to, answer))
        });
    }
}

fn answered(to: &str, answer: Result<Bytes, BusError>) -> Option<Input> {
    let body = match answer {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!(%error, to, "no answer");
            return None;
        }
    };
    match wire::decode::<FromCoordinator>(&body) {
        Ok((FromCoordinator::Welcome(welcome), _)) => Some(Input::Welcome(welcome)),
        Ok((FromCoordinator::Order(order), _)) => Some(Input::Order(Box::new(order))),
        Ok((FromCoordinator::DeltaAck(ack), _)) => Some(Input::DeltaAck(ack)),
        Ok((FromCoordinator::FinalAck(ack), _)) => Some(Input::FinalAck(ack)),
        Ok((FromCoordinator::Chunk(_) | FromCoordinator::Hint(_), _)) => None,
        Err(error) => {
            tracing::warn!(%error, to, "answer cannot be read");
            None
        }
    }
}

fn hint(body: &Bytes, local: bool) -> Option<Input> {
    match wire::decode::<FromCoordinator>(body) {
        Ok((FromCoordinator::Hint(hint), _)) => {
            let delay_ns = if local { 0 } else { rand::random_range(0..HINT_SPREAD_NS) };
            Some(Input::Hint { hint, delay_ns })
        }
        // A ping needs no answer: that somebody listens is the answer.
        Ok(_) | Err(_) => None,
    }
}

async fn next_event(load: Option<&mut Box<dyn Load>>) -> LoadEvent {
    match load {
        Some(load) => load.next().await,
        None => std::future::pending().await,
    }
}
