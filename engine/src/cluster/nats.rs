//! The bus over NATS, with the client settings that keep every fault short: see the constants.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, PublishErrorKind, Request,
    RequestErrorKind, ServerError, Subscriber,
};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use tokio::time::timeout;

use super::bus::{BusError, Incoming, ReplyTo, SEND_WAIT};
use super::subject;

/// A hung broker is noticed after two to three of these; the client's default of 60 s would take three minutes.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// Longest try to connect; a stopped server still accepts TCP.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Messages that wait for the connection; beyond it a publish blocks, which our time limits end.
const CLIENT_MESSAGES_MAX: usize = 256;

/// Messages that a subscription holds.
const INBOX_MESSAGES_MAX: usize = 8192;

/// Tries of the first connection.
const FIRST_TRIES: u32 = 3;

/// Pause before the second and third try.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// Most text of one denial that is kept, in bytes.
const DENIED_LEN_MAX: usize = 500;

/// How to reach the broker, and as whom.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// `nats://host:port`, several with commas.
    pub url: String,
    /// Cluster id.
    pub cluster: String,
    /// Name of the agent; `None` for the coordinator.
    pub agent: Option<String>,
    /// User and password.
    pub user: Option<(String, String)>,
    /// Text of a credentials file.
    pub creds: Option<String>,
    /// Seed of an nkey.
    pub nkey: Option<String>,
    /// Root certificates that are trusted beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// Client certificate and its key.
    pub tls_client: Option<(PathBuf, PathBuf)>,
}

impl NatsOptions {
    /// Returns options without credentials.
    pub fn new(url: &str, cluster: &str, agent: Option<&str>) -> NatsOptions {
        NatsOptions {
            url: url.to_owned(),
            cluster: cluster.to_owned(),
            agent: agent.map(str::to_owned),
            user: None,
            creds: None,
            nkey: None,
            tls_ca: None,
            tls_client: None,
        }
    }
}

/// A connection to NATS; clones share it.
#[derive(Clone, Debug)]
pub struct NatsBus {
    client: Client,
    watch: Arc<Watch>,
    /// A subject that nobody listens at.
    nobody: String,
}

/// What the client's events leave behind. They may be lost: hints, never the truth.
#[derive(Debug, Default)]
struct Watch {
    denied: Mutex<Option<String>>,
    dropped: AtomicU64,
}

/// Subscriptions, read as one.
#[derive(Debug)]
pub struct NatsInbox(SelectAll<Subscriber>);

impl NatsInbox {
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        let message = self.0.next().await?;
        Some(Incoming {
            subject: message.subject.to_string(),
            body: message.payload,
            reply: message.reply.map(|reply| ReplyTo::Nats(reply.to_string())),
        })
    }
}

impl NatsBus {
    /// Connects in [`FIRST_TRIES`] tries; wrong credentials fail at once.
    pub(crate) async fn connect(options: NatsOptions) -> Result<NatsBus, String> {
        let watch = Arc::new(Watch::default());
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match settings(&options, &watch)?.connect(&options.url).await {
                Ok(client) => {
                    let nobody = subject::nobody(&options.cluster, options.agent.as_deref());
                    return Ok(NatsBus { client, watch, nobody });
                }
                Err(error) => error,
            };
            let url = shown(&options.url);
            let why = cause(&error);
            if is_final(error.kind()) {
                return Err(format!("cannot enter {url}: {why}"));
            }
            if tries == FIRST_TRIES {
                return Err(format!("cannot reach {url} after {tries} tries: {why}"));
            }
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }

    pub(crate) async fn publish(&self, subject: &str, body: Bytes) -> Result<(), BusError> {
        let publish = self.client.publish(subject.to_owned(), body);
        match timeout(SEND_WAIT, publish).await {
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(BusError::Timeout),
            Ok(Err(error)) => Err(match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => BusError::TooLarge,
                PublishErrorKind::InvalidSubject | PublishErrorKind::Send => {
                    BusError::Refused(error.to_string())
                }
            }),
        }
    }

    pub(crate) async fn request(
        &self,
        subject: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<Bytes, BusError> {
        // The client's own limit covers the answer alone; the outer one also a full send buffer.
        let request = Request::new().payload(body).timeout(Some(wait));
        match timeout(wait, self.client.send_request(subject.to_owned(), request)).await {
            Ok(Ok(message)) => Ok(message.payload),
            Err(_) => Err(BusError::Timeout),
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => BusError::NoResponders,
                RequestErrorKind::TimedOut => BusError::Timeout,
                RequestErrorKind::MaxPayloadExceeded => BusError::TooLarge,
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                    BusError::Refused(error.to_string())
                }
            }),
        }
    }

    pub(crate) async fn subscribe(&self, patterns: &[String]) -> Result<NatsInbox, BusError> {
        let mut all = SelectAll::new();
        for pattern in patterns {
            let subscriber = timeout(SEND_WAIT, self.client.subscribe(pattern.clone())).await;
            let subscriber = subscriber.map_err(|_| BusError::Timeout)?;
            all.push(subscriber.map_err(|error| BusError::Refused(error.to_string()))?);
        }
        // Whoever asks next must find the subscriptions in force. A flush says only that they left; the broker's word
        // that nobody listens somewhere says that it has read what was sent before.
        match self.request(&self.nobody, Bytes::new(), SEND_WAIT).await {
            Ok(_) | Err(BusError::NoResponders) => Ok(NatsInbox(all)),
            Err(error) => match self.take_denied() {
                Some(text) => Err(BusError::Refused(text)),
                // Somebody overhears everything, so nobody says that nobody listens; the broker has had its time.
                None if error == BusError::Timeout && self.is_up() => Ok(NatsInbox(all)),
                None => Err(error),
            },
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub(crate) fn payload_max(&self) -> usize {
        self.client.max_payload()
    }

    pub(crate) fn take_denied(&self) -> Option<String> {
        self.watch.denied.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.watch.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn server_version(&self) -> String {
        self.client.server_info().version
    }

    pub(crate) async fn flush(&self) {
        // Nothing depends on it: whatever matters is acknowledged or asked for again.
        if let Ok(Err(error)) = timeout(SEND_WAIT, self.client.flush()).await {
            tracing::debug!(%error, "flush failed");
        }
    }

    pub(crate) async fn close(&self) {
        // Nothing depends on it: whatever matters was acknowledged before.
        if let Ok(Err(error)) = timeout(SEND_WAIT, self.client.drain()).await {
            tracing::debug!(%error, "drain failed");
        }
    }
}

/// Returns the client's settings.
fn settings(options: &NatsOptions, watch: &Arc<Watch>) -> Result<ConnectOptions, String> {
    let cluster = &options.cluster;
    let (role, inbox) = match &options.agent {
        Some(name) => (format!("agent {name}"), subject::agent_inbox(cluster, name)),
        None => ("coordinator".to_owned(), subject::coordinator_inbox(cluster)),
    };
    let watch = Arc::clone(watch);
    let mut settings = ConnectOptions::new()
        .name(format!("volley/{} {role}", env!("CARGO_PKG_VERSION")))
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .reconnect_delay_callback(reconnect_delay)
        .client_capacity(CLIENT_MESSAGES_MAX)
        .subscription_capacity(INBOX_MESSAGES_MAX)
        .custom_inbox_prefix(inbox)
        .max_reconnects(None)
        .no_echo()
        .event_callback(move |event| {
            let watch = Arc::clone(&watch);
            async move { watch.event(&event) }
        });
    if let Some((user, password)) = &options.user {
        settings = settings.user_and_password(user.clone(), password.clone());
    }
    if let Some(creds) = &options.creds {
        let read = settings.credentials(creds);
        settings = read.map_err(|error| format!("credentials cannot be used: {error}"))?;
    }
    if let Some(nkey) = &options.nkey {
        settings = settings.nkey(nkey.trim().to_owned());
    }
    if let Some(ca) = &options.tls_ca {
        settings = settings.add_root_certificates(ca.clone());
    }
    if let Some((cert, key)) = &options.tls_client {
        settings = settings.add_client_certificate(cert.clone(), key.clone());
    }
    Ok(settings)
}

/// Returns the pause before try `n`: none at first, then doubling from 50 to 500 ms, half to one and a half of it, so
/// that the clients of a cluster do not come back in step.
fn reconnect_delay(n: usize) -> Duration {
    if n <= 1 {
        return Duration::ZERO;
    }
    let exponent = u32::try_from(n - 2).unwrap_or(u32::MAX).min(4);
    let base_ms = (50_u64 << exponent).min(500);
    Duration::from_millis(base_ms / 2 + rand::random_range(0..=base_ms))
}

impl Watch {
    fn event(&self, event: &Event) {
        match event {
            Event::ServerError(ServerError::Other(text)) => {
                tracing::warn!(%text, "broker");
                let violation = text.to_ascii_lowercase().contains("permissions violation");
                if violation {
                    let text = text.chars().take(DENIED_LEN_MAX).collect();
                    let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
                    denied.get_or_insert(text);
                }
            }
            Event::SlowConsumer(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            Event::ServerError(error) => tracing::warn!(%error, "broker"),
            Event::Connected
            | Event::Disconnected
            | Event::LameDuckMode
            | Event::Draining
            | Event::Closed
            | Event::ClientError(_) => tracing::debug!(%event, "connection"),
        }
    }
}

/// Returns whether trying again cannot help.
fn is_final(kind: ConnectErrorKind) -> bool {
    match kind {
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Authentication
        | ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::Tls => true,
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => false,
    }
}

/// Returns the innermost reason, in the words of the system where there are some.
fn cause(error: &ConnectError) -> String {
    let mut innermost: &dyn StdError = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<std::io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => innermost.to_string(),
    }
}

/// Returns the address without what may be a password.
pub(crate) fn shown(url: &str) -> String {
    let shown = url.split(',').map(|one| match one.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => one.rsplit_once('@').map_or(one, |(_, host)| host).to_owned(),
    });
    shown.collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("nats://a:p@h:1,tls://h2"), "nats://h:1,tls://h2");
        assert_eq!(shown("u:p@h"), "h");
    }

    #[test]
    fn reconnects_are_quick_and_bounded() {
        assert_eq!(reconnect_delay(1), Duration::ZERO);
        for n in [2, 5, 9, 1_000_000] {
            assert!(reconnect_delay(n) <= Duration::from_millis(750), "{n}");
        }
    }
}
