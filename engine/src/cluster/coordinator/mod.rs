//! The coordinator: forms the cluster, starts and stops the load, collects what was measured.

mod bounds;
mod collect;
pub(crate) mod due;
mod forming;
#[cfg(test)]
mod fuzz;
mod loss;
mod member;
mod progress;
mod scenarios;
pub(crate) mod state;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use compiler::artifact::digest_of;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::state::{Cause, Coordinator, Effect, Input, Settings};
use self::store::Store;
use super::bus::{Bus, BusError, Inbox, Incoming, ReplyTo};
use super::wire::{self, FromAgent, FromCoordinator, Hint, V};
use super::{Finished, Job, Sink, StopRequest, subject};
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
        seating: job.seating,
        join_timeout_ns: job.join_timeout_ns,
        lease_ns: job.lease_ns,
        local: bus.is_local(),
        series: crate::metrics::series(&job.artifact).len(),
    };
    let patterns: Vec<String> =
        subject::TOPICS.map(|topic| subject::from_agent(&job.cluster, "*", topic)).into();
    let subscribed = bus.subscribe(&patterns).await;
    let mut host = Host {
        nonce: settings.nonce.clone(),
        state: Coordinator::new(clock.now(), settings),
        store: Store::new(&job),
        turned: clock.now(),
        cluster: job.cluster,
        run: job.run,
        clock,
        events,
        events_lost: 0,
        refused: 0,
        sink,
        pings: JoinSet::new(),
        bus,
        done: false,
    };
    match subscribed {
        Ok(inbox) => {
            host.serve(inbox, stop).await;
            // The last answers tell agents that the run is over.
            host.bus.flush().await;
        }
        Err(error) => {
            let what = format!("cannot subscribe to {}: {error}", patterns[0]);
            return host.failed(Ending::ClusterFailed(what));
        }
    }
    host.finished()
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
    done: bool,
}

impl<S: Sink> Host<S> {
    async fn serve(&mut self, mut inbox: Inbox, mut stop: watch::Receiver<Option<StopRequest>>) {
        let mut stop_open = true;
        if let Some(request) = *stop.borrow_and_update() {
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
            Ok((FromAgent::Hello(_), _)) | Err(_) => {
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
            for effect in self.state.on(self.clock.now(), input) {
                windows |= matches!(effect, Effect::Window { .. });
                self.perform(effect, &mut reply).await;
            }
            if windows && let Some(name) = self.sink.missed_abort(self.state.complete_until()) {
                inputs.push(Input::Stop(Cause::Threshold(name)));
            }
        }
    }

    async fn perform(&mut self, effect: Effect, reply: &mut Option<ReplyTo>) {
        match effect {
            Effect::Reply(message) => {
                if let (Some(to), Ok(body)) = (reply.take(), wire::encode(message.as_ref(), &[])) {
                    self.reply(to, body).await;
                }
            }
            Effect::Window { node, window } => self.sink.window(node, &window),
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
