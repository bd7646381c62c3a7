//! The bus: subjects, requests and bounded inboxes, in-process or over NATS. At most once; every call ends in time.

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::oneshot;

use super::local::{LocalBus, LocalInbox};
use super::nats::{NatsBus, NatsInbox, NatsOptions};

/// Longest wait for a message to be handed over, where no answer is awaited.
pub(crate) const SEND_WAIT: Duration = Duration::from_secs(1);

/// A connection to the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Bus {
    /// Within this process.
    Local(LocalBus),
    /// Over a NATS server.
    Nats(NatsBus),
    /// Over a NATS server, with some within this process: a coordinator whose own node is there.
    Mixed(LocalBus, NatsBus),
}

/// Why something could not be sent or was not answered.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BusError {
    /// Nobody listens there.
    #[error("nobody listens")]
    NoResponders,
    /// No answer in time, or the connection is away.
    #[error("no answer in time")]
    Timeout,
    /// Larger than the broker takes.
    #[error("message is too large")]
    TooLarge,
    /// The bus is closed or refuses.
    #[error("{0}")]
    Refused(String),
}

/// A message that came in.
#[derive(Debug)]
pub struct Incoming {
    /// Where it was sent to.
    pub subject: String,
    /// Its bytes.
    pub body: Bytes,
    /// Where its answer goes; `None` if none is awaited.
    pub reply: Option<ReplyTo>,
}

/// Where an answer goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// To a waiter in this process.
    Local(oneshot::Sender<Bytes>),
    /// To a reply subject.
    Nats(String),
}

/// What was subscribed to, in a bounded buffer; what does not fit is dropped and counted.
#[derive(Debug)]
pub enum Inbox {
    /// Within this process.
    Local(LocalInbox),
    /// Over a NATS server.
    Nats(NatsInbox),
    /// Both, read as one.
    Mixed(LocalInbox, NatsInbox),
}

impl Bus {
    /// Returns an in-process bus of its own; clones share it.
    pub fn local() -> Bus {
        Bus::Local(LocalBus::default())
    }

    /// Connects to a NATS server, in three tries.
    ///
    /// # Errors
    /// The server cannot be reached or refuses the credentials; a sentence for the operator.
    pub async fn connect(options: NatsOptions) -> Result<Bus, String> {
        NatsBus::connect(options).await.map(Bus::Nats)
    }

    /// Returns a bus of this process, and this one joined with it: one speaks to both, those within only to it.
    pub fn with_inside(self) -> (Bus, Bus) {
        let inside = LocalBus::default();
        let joined = match self {
            Bus::Local(_) => Bus::Local(inside.clone()),
            Bus::Nats(nats) | Bus::Mixed(_, nats) => Bus::Mixed(inside.clone(), nats),
        };
        (Bus::Local(inside), joined)
    }

    /// Sends `body` to whoever listens at `subject`.
    ///
    /// # Errors
    /// Not handed over within a second.
    pub async fn publish(&self, subject: &str, body: Bytes) -> Result<(), BusError> {
        match self {
            Bus::Local(bus) => {
                bus.publish(subject, &body);
                Ok(())
            }
            Bus::Nats(bus) => bus.publish(subject, body).await,
            Bus::Mixed(inside, bus) => {
                inside.publish(subject, &body);
                bus.publish(subject, body).await
            }
        }
    }

    /// Sends `body` and returns the first answer within `wait`.
    ///
    /// # Errors
    /// Nobody listens, or no answer came in time.
    pub async fn request(
        &self,
        subject: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<Bytes, BusError> {
        match self {
            Bus::Local(bus) => bus.request(subject, body, wait).await,
            Bus::Nats(bus) => bus.request(subject, body, wait).await,
            Bus::Mixed(inside, bus) => match inside.request(subject, body.clone(), wait).await {
                Err(BusError::NoResponders) => bus.request(subject, body, wait).await,
                answer => answer,
            },
        }
    }

    /// Answers a message.
    ///
    /// # Errors
    /// Not handed over within a second.
    pub async fn reply(&self, to: ReplyTo, body: Bytes) -> Result<(), BusError> {
        match (self, to) {
            (_, ReplyTo::Local(waiter)) => waiter.send(body).map_err(|_| BusError::Timeout),
            (Bus::Nats(bus) | Bus::Mixed(_, bus), ReplyTo::Nats(subject)) => {
                bus.publish(&subject, body).await
            }
            (Bus::Local(_), ReplyTo::Nats(_)) => {
                Err(BusError::Refused("answer to another bus".to_owned()))
            }
        }
    }

    /// Listens at all of `patterns`.
    ///
    /// # Errors
    /// The broker did not take the subscription in time.
    pub async fn subscribe(&self, patterns: &[String]) -> Result<Inbox, BusError> {
        match self {
            Bus::Local(bus) => Ok(Inbox::Local(bus.subscribe(patterns))),
            Bus::Nats(bus) => bus.subscribe(patterns).await.map(Inbox::Nats),
            Bus::Mixed(inside, bus) => {
                let outside = bus.subscribe(patterns).await?;
                Ok(Inbox::Mixed(inside.subscribe(patterns), outside))
            }
        }
    }

    /// Returns whether it works within one process, on one clock.
    pub fn is_local(&self) -> bool {
        matches!(self, Bus::Local(_))
    }

    /// Returns whether the connection is there.
    pub fn is_up(&self) -> bool {
        match self {
            Bus::Local(_) => true,
            Bus::Nats(bus) | Bus::Mixed(_, bus) => bus.is_up(),
        }
    }

    /// Returns the largest message in bytes.
    pub fn payload_max(&self) -> usize {
        match self {
            Bus::Local(_) => usize::MAX,
            Bus::Nats(bus) | Bus::Mixed(_, bus) => bus.payload_max(),
        }
    }

    /// Returns what the broker has denied since the last call: the subject is in the text.
    pub fn take_denied(&self) -> Option<String> {
        match self {
            Bus::Local(_) => None,
            Bus::Nats(bus) | Bus::Mixed(_, bus) => bus.take_denied(),
        }
    }

    /// Returns how many messages were dropped because an inbox was full.
    pub fn dropped(&self) -> u64 {
        match self {
            Bus::Local(bus) => bus.dropped(),
            Bus::Nats(bus) => bus.dropped(),
            Bus::Mixed(inside, bus) => inside.dropped() + bus.dropped(),
        }
    }

    /// Returns the broker's version, if there is one.
    pub fn server_version(&self) -> Option<String> {
        match self {
            Bus::Local(_) => None,
            Bus::Nats(bus) | Bus::Mixed(_, bus) => Some(bus.server_version()),
        }
    }

    /// Sends what is buffered, within a second.
    pub async fn flush(&self) {
        match self {
            Bus::Local(_) => {}
            Bus::Nats(bus) | Bus::Mixed(_, bus) => bus.flush().await,
        }
    }

    /// Sends what is buffered and closes the connection, within a second.
    pub async fn close(&self) {
        match self {
            Bus::Local(_) => {}
            Bus::Nats(bus) | Bus::Mixed(_, bus) => bus.close().await,
        }
    }
}

impl Inbox {
    /// Returns the next message; `None` once the bus is closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Incoming> {
        match self {
            Inbox::Local(inbox) => inbox.next().await,
            Inbox::Nats(inbox) => inbox.next().await,
            Inbox::Mixed(inside, outside) => tokio::select! {
                Some(message) = inside.next() => Some(message),
                message = outside.next() => message,
            },
        }
    }
}
