//! The coordinator: forms the cluster, starts and stops the load, collects what was measured. What it must not forget is in
//! a journal, from which another one can go on collecting.

mod bounds;
mod collect;
pub(crate) mod due;
mod forming;
#[cfg(test)]
mod fuzz;
pub mod journal;
mod loss;
mod member;
mod orders;
mod progress;
mod resume;
mod scenarios;
pub(crate) mod state;
mod store;
mod takeover;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compiler::artifact::{Artifact, COORDINATOR, digest_of};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::journal::writer::Journal;
use self::journal::{Head, JournalError, Past};
use self::state::{Cause, Coordinator, Effect, Input, Settings};
use self::store::Store;
use super::bus::{Bus, BusError, Inbox, Incoming, ReplyTo};
use super::wire::{self, FromAgent, FromCoordinator, Hint, V};
use super::{Finished, Job, Seating, Sink, StopRequest, subject};
use crate::clock::{Clock, Ticks};
use crate::event::RunEvent;
use crate::metrics::{Ending, RunRecord};

/// Longest wait for the answer to a ping; that one comes is no part of the protocol, only that nobody listens.
const PING_WAIT: Duration = Duration::from_millis(500);

/// A coordinator that takes nothing for so long has itself stood still: its timer rings four times a second.
const STILL_NS: u64 = 1_000_000_000;

/// Pings that may be open at a time.
const PINGS_MAX: usize = 256;

/// Coordinates `job` to its end. Events that find `events` full are left out and counted in the record's warnings.
///
/// A first stop request drains, an abort cuts. What was measured has gone into `sink`, which comes back.
pub async fn run<S: Sink>(
    job: Job,
    bus: Bus,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
    events: mpsc::Sender<RunEvent>,
    sink: S,
) -> Finished<S> {
    let settings = Settings {
        nonce: super::nonce(),
        run: job.run.clone(),
        artifact: job.artifact.clone(),
        signatures: job.signatures.as_deref().map(digest_of),
        files: job.files.keys().cloned().collect(),
        vars: job.vars.clone(),
        seed: job.seed,
        dry_run: job.dry_run,
        seating: job.seating,
        join_timeout_ns: job.join_timeout_ns,
        lease_ns: job.lease_ns,
        on_agent_loss: job.on_agent_loss,
        local: bus.is_local(),
        series: crate::metrics::series(&job.artifact).len(),
    };
    let journal = job.journal.as_deref().map(|path| {
        let head = Head {
            v: Head::version(),
            cluster: job.cluster.clone(),
            artifact: String::from_utf8_lossy(&job.artifact_bytes).into_owned(),
            vars: job.vars.clone(),
            seed: job.seed,
            join_timeout_ns: job.join_timeout_ns,
            lease_ns: job.lease_ns,
            on_agent_loss: job.on_agent_loss,
        };
        Journal::create(path, &job.run, head, settings.series)
    });
    let store = Store::new(&job);
    let nonce = settings.nonce.clone();
    let state = Coordinator::new(clock.now(), settings);
    let place = Place { cluster: job.cluster, run: job.run, nonce, bus, clock, events };
    let mut host = Host::new(state, store, place, sink);
    match journal.transpose() {
        Ok(journal) => host.journal = journal,
        Err(error) => host.journal_broken(&error).await,
    }
    host.coordinate(stop).await
}

/// A run whose coordinator was lost.
#[derive(Debug)]
pub struct Resumption {
    /// What its journal says.
    pub past: Past,
    /// The artifact that the journal holds, verified.
    pub artifact: Arc<Artifact>,
    /// Where the journal is.
    pub journal: PathBuf,
}

/// Collects what is left of a run; nothing of it is started again. A stop request ends this at once: what was collected is
/// in the journal, so that the run can be resumed once more.
///
/// # Errors
/// The journal does not fit the artifact, or cannot be written.
pub async fn resume<S: Sink>(
    resumption: Resumption,
    bus: Bus,
    clock: Clock,
    stop: watch::Receiver<Option<StopRequest>>,
    events: mpsc::Sender<RunEvent>,
    sink: S,
) -> Result<Finished<S>, JournalError> {
    let Resumption { past, artifact, journal } = resumption;
    let settings = Settings {
        nonce: super::nonce(),
        run: past.run.clone(),
        files: Vec::new(),
        vars: past.head.vars.clone(),
        seed: past.head.seed,
        // Nothing is fetched any more, so nobody asks who signed it.
        signatures: None,
        // A dry run has no journal.
        dry_run: false,
        seating: Seating::OnePerAgent,
        join_timeout_ns: past.head.join_timeout_ns,
        lease_ns: past.head.lease_ns,
        on_agent_loss: past.head.on_agent_loss,
        local: bus.is_local(),
        series: crate::metrics::series(&artifact).len(),
        artifact,
    };
    let file = Journal::resume(&journal, &past, settings.series)?;
    // The run's clock goes on: that of the machine may have begun anew.
    let away_ms = clock.unix_ms().saturating_sub(past.alive.unix_ms);
    let clock = clock.reading(past.alive.at.saturating_add(away_ms.saturating_mul(1_000_000)));
    let (nonce, run, cluster) =
        (settings.nonce.clone(), past.run.clone(), past.head.cluster.clone());
    let (state, effects) = Coordinator::resume(clock.now(), settings, past)
        .map_err(|what| JournalError::Damaged { number: 1, what })?;
    let place = Place { cluster, run, nonce, bus, clock, events };
    let mut host = Host::new(state, Store::default(), place, sink);
    host.journal = Some(file);
    for effect in effects {
        host.perform(effect, &mut None).await;
    }
    Ok(host.coordinate(stop).await)
}

/// Where a coordinator works, and under which names.
struct Place {
    cluster: String,
    run: String,
    nonce: String,
    bus: Bus,
    clock: Clock,
    events: mpsc::Sender<RunEvent>,
}

/// Performs what the state machine decides.
struct Host<S> {
    state: Coordinator,
    store: Store,
    nonce: String,
    cluster: String,
    run: String,
    bus: Bus,
    clock: Clock,
    /// When it last took an input.
    turned: Ticks,
    events: mpsc::Sender<RunEvent>,
    events_lost: u64,
    refused: u64,
    sink: S,
    pings: JoinSet<(String, bool)>,
    journal: Option<Journal>,
    done: bool,
}

impl<S: Sink> Host<S> {
    fn new(state: Coordinator, store: Store, place: Place, sink: S) -> Host<S> {
        Host {
            state,
            store,
            turned: place.clock.now(),
            nonce: place.nonce,
            cluster: place.cluster,
            run: place.run,
            clock: place.clock,
            events: place.events,
            events_lost: 0,
            refused: 0,
            sink,
            pings: JoinSet::new(),
            bus: place.bus,
            journal: None,
            done: false,
        }
    }

    /// Listens to agents until the run is over.
    async fn coordinate(mut self, stop: watch::Receiver<Option<StopRequest>>) -> Finished<S> {
        let patterns: Vec<String> =
            subject::TOPICS.map(|topic| subject::from_agent(&self.cluster, "*", topic)).into();
        match self.bus.subscribe(&patterns).await {
            Ok(inbox) => {
                self.serve(inbox, stop).await;
                // The last answers tell agents that the run is over.
                self.bus.flush().await;
                if let Some(journal) = self.journal.take() {
                    journal.close().await;
                }
                self.finished()
            }
            Err(error) => {
                let what = format!("cannot subscribe to {}: {error}", patterns[0]);
                self.failed(Ending::ClusterFailed(what))
            }
        }
    }

    async fn serve(&mut self, mut inbox: Inbox, mut stop: watch::Receiver<Option<StopRequest>>) {
        let mut stop_open = true;
        let asked = *stop.borrow_and_update();
        if let Some(request) = asked {
            self.take(Input::Stop(Cause::Request(request)), None).await;
        }
        self.take(Input::Tick, None).await;
        let mut up = true;
        while !self.done {
            // Looked at in every turn: under a steady stream of messages no timer ever ends.
            if self.bus.is_up() != up {
                up = !up;
                self.take(Input::Link(up), None).await;
            }
            let now = self.clock.now();
            let wait = Duration::from_nanos(self.state.wake(now).saturating_sub(now));
            tokio::select! {
                biased;
                changed = stop.changed(), if stop_open => {
                    stop_open = changed.is_ok();
                    let asked = *stop.borrow_and_update();
                    if let Some(request) = asked {
                        self.take(Input::Stop(Cause::Request(request)), None).await;
                    }
                }
                message = inbox.next() => match message {
                    Some(message) => self.message(message).await,
                    None => {
                        let what = "the bus was closed".to_owned();
                        self.take(Input::Stop(Cause::Bug(what)), None).await;
                        return;
                    }
                },
                Some(ping) = self.pings.join_next(), if !self.pings.is_empty() => {
                    if let Ok((name, listens)) = ping {
                        self.take(Input::Reached { name, listens }, None).await;
                    }
                }
                () = tokio::time::sleep(wait) => {
                    self.take(Input::Tick, None).await;
                }
            }
        }
    }

    async fn message(&mut self, message: Incoming) {
        let Some((name, _)) = subject::speaker(&self.cluster, &message.subject) else { return };
        // That name is the node's inside this process, which speaks on the bus within it.
        if name == COORDINATOR && !matches!(message.reply, Some(ReplyTo::Local(_))) {
            self.refused += 1;
            return;
        }
        let from = name.to_owned();
        let input = match wire::decode::<FromAgent>(&message.body) {
            Ok((FromAgent::Hello(hello), _)) if hello.name == from => Input::Hello(hello),
            Ok((FromAgent::Beat(beat), _)) => Input::Beat { from, beat },
            Ok((FromAgent::Delta(head), part)) => Input::Delta { from, head, part },
            Ok((FromAgent::Final(head), part)) => Input::Final { from, head, part },
            Ok((FromAgent::Get(get), _)) => {
                let chunk = self.store.chunk(&self.nonce, &get, self.bus.payload_max());
                if let (Ok(body), Some(reply)) = (chunk, message.reply) {
                    self.reply(reply, body).await;
                }
                return;
            }
            Ok((FromAgent::Hello(_) | FromAgent::Status(_), _)) | Err(_) => {
                self.refused += 1;
                return;
            }
        };
        self.take(input, message.reply).await;
    }

    async fn take(&mut self, input: Input, mut reply: Option<ReplyTo>) {
        let mut inputs = vec![input];
        let now = self.clock.now();
        let still_ns = now.saturating_sub(std::mem::replace(&mut self.turned, now));
        if still_ns >= STILL_NS {
            // First of all: whatever comes now was said long ago.
            inputs.push(Input::Still(still_ns));
        }
        while let Some(input) = inputs.pop() {
            let mut windows = false;
            let effects = self.state.on(self.clock.now(), input);
            self.note(&effects).await;
            for effect in effects {
                windows |= matches!(effect, Effect::Window { .. });
                self.perform(effect, &mut reply).await;
            }
            // What is collected of a run that is over ends nothing.
            let judged = windows && self.state.resumed.is_none();
            if judged && let Some(name) = self.sink.missed_abort(self.state.complete_until()) {
                inputs.push(Input::Stop(Cause::Threshold(name)));
            }
        }
    }

    /// Writes down what must not be forgotten before anybody is told.
    async fn note(&mut self, effects: &[Effect]) {
        let Some(journal) = &mut self.journal else { return };
        let (now, unix_ms) = (self.clock.now(), self.clock.unix_ms());
        if let Err(error) = journal.note(&self.state, effects, now, unix_ms).await {
            self.journal_broken(&error).await;
        }
    }

    /// Goes on without a journal.
    async fn journal_broken(&mut self, error: &std::io::Error) {
        self.journal = None;
        let what = format!("the journal cannot be written, the run cannot be resumed: {error}");
        let mut effects = Vec::new();
        self.state.warn(self.clock.now(), "journal", what, &mut effects);
        for effect in effects {
            self.perform(effect, &mut None).await;
        }
    }

    async fn perform(&mut self, effect: Effect, reply: &mut Option<ReplyTo>) {
        match effect {
            Effect::Reply(message) => {
                if let (Some(to), Ok(body)) = (reply.take(), wire::encode(message.as_ref(), &[])) {
                    self.reply(to, body).await;
                }
            }
            Effect::Window { node, window, .. } => self.sink.window(node, &window),
            Effect::Starts { scenario, start_ns } => self.sink.starts(scenario, start_ns),
            Effect::Hint(want) => {
                let hint = Hint { v: V, nonce: self.nonce.clone(), run: self.run.clone(), want };
                if let Ok(body) = wire::encode(&FromCoordinator::Hint(hint), &[]) {
                    // A hint that is lost costs one beat.
                    let sent = self.bus.publish(&subject::hint(&self.cluster), body).await;
                    sent.unwrap_or_else(|error| tracing::debug!(%error, "hint not sent"));
                }
            }
            Effect::Ping(name) => self.ping(name),
            Effect::Event(event) => {
                tracing::debug!(?event, "run");
                if self.events.try_send(event).is_err() {
                    self.events_lost += 1;
                }
            }
            Effect::Done => self.done = true,
        }
    }

    async fn reply(&self, to: ReplyTo, body: Bytes) {
        // An answer that is lost is asked for again.
        let sent = self.bus.reply(to, body).await;
        sent.unwrap_or_else(|error| tracing::debug!(%error, "answer not sent"));
    }

    fn ping(&mut self, name: String) {
        if self.pings.len() >= PINGS_MAX {
            return;
        }
        let (bus, to) = (self.bus.clone(), subject::ping(&self.cluster, &name));
        self.pings.spawn(async move {
            let answer = bus.request(&to, Bytes::new(), PING_WAIT).await;
            (name, answer != Err(BusError::NoResponders))
        });
    }

    fn record(&self) -> RunRecord {
        let mut record = self.state.record(self.clock.now(), self.clock.unix_ms());
        let counts = [
            ("message-refused", self.refused, "messages could not be read"),
            ("events-lost", self.events_lost, "progress events found their reader busy"),
            (
                "messages-dropped",
                self.bus.dropped(),
                "messages found a full inbox; they were sent again",
            ),
        ];
        for (code, count, what) in counts {
            if count > 0 {
                record.warnings.push((code.to_owned(), format!("{count} {what}")));
            }
        }
        if let Some(text) = self.bus.take_denied() {
            record.warnings.push(("broker-denied".to_owned(), text));
        }
        record.versions.extend(self.bus.server_version().map(|nats| ("nats".to_owned(), nats)));
        record
    }

    fn finished(self) -> Finished<S> {
        Finished { record: self.record(), sink: self.sink }
    }

    fn failed(self, ending: Ending) -> Finished<S> {
        let record = RunRecord { ending, ..self.record() };
        Finished { record, sink: self.sink }
    }
}
