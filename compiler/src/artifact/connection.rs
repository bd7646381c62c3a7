//! Connections other than HTTP: brokers, streams, databases. Settings are as in [`super::Endpoint`].

use serde::{Deserialize, Serialize};

use super::{NameValue, Text, TrackingNames};

/// How a connection is encrypted; files are read on each node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Path of a PEM file with the roots to trust instead of the system's.
    pub ca: Option<Text>,
    /// Path of a PEM file with the client's certificate.
    pub cert: Option<Text>,
    /// PEM text of the client's key, a secret.
    pub key: Option<Text>,
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// Name that the server's certificate must have; the host's where there is none.
    pub server_name: Option<Text>,
    /// Whether sessions are resumed.
    pub resumption: bool,
}

/// How requests and messages name their arrival and step.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tracking {
    /// `x-volley-arrival` and `x-volley-step`.
    Headers,
    /// Not at all.
    None,
    /// Under other names.
    Named(TrackingNames),
}

/// A name and its password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Name; empty where a server knows passwords alone.
    pub user: Text,
    /// Password, a secret.
    pub password: Text,
}

/// NATS servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsEndpoint {
    /// `nats://host:port` of each.
    pub servers: Vec<Text>,
    /// Who connects.
    pub auth: Option<NatsAuth>,
    /// TLS other than the server's default.
    pub tls: Option<Tls>,
    /// Whether messages go through JetStream, which confirms each.
    pub jetstream: bool,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest wait for what a step sends to be confirmed, for steps that do not say.
    pub timeout_ns: u64,
    /// How messages name their arrival.
    pub tracking: Tracking,
}

/// Who connects to NATS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NatsAuth {
    /// A name and a password.
    Login(Login),
    /// A token, a secret.
    Token(Text),
    /// Text of a `.creds` file, a secret.
    Creds(Text),
    /// Seed of an nkey, a secret.
    Nkey(Text),
}

/// Kafka brokers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaEndpoint {
    /// `host:port` of each.
    pub brokers: Vec<Text>,
    /// Who connects.
    pub sasl: Option<Sasl>,
    /// TLS; without it the connection is plain.
    pub tls: Option<Tls>,
    /// Which confirmation a message waits for.
    pub acks: Acks,
    /// How batches are compressed.
    pub compression: Compression,
    /// How long a message may wait for others in its batch.
    pub linger_ns: u64,
    /// Longest wait for a confirmation, for steps that do not say.
    pub timeout_ns: u64,
    /// How messages name their arrival.
    pub tracking: Tracking,
}

/// Who connects to Kafka.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How the password is proven.
    pub mechanism: SaslMechanism,
    /// Name.
    pub user: Text,
    /// Password, a secret.
    pub password: Text,
}

/// How a password is proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaslMechanism {
    /// Sent as it is.
    Plain,
    /// SCRAM-SHA-256
    ScramSha256,
    /// SCRAM-SHA-512
    ScramSha512,
}

/// Which confirmation a message waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// None.
    None,
    /// The leader's.
    Leader,
    /// That of all replicas in sync.
    All,
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip
    Gzip,
    /// Snappy
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard
    Zstd,
}

/// An AMQP 0.9.1 broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpEndpoint {
    /// `amqp://host:port/vhost`
    pub url: Text,
    /// Who connects; the broker's default where there is none.
    pub login: Option<Login>,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Whether each message waits for the broker's confirmation.
    pub confirms: bool,
    /// Messages that the broker sends ahead.
    pub prefetch: u32,
    /// Time between two signs of life.
    pub heartbeat_ns: u64,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest wait for a confirmation, for steps that do not say.
    pub timeout_ns: u64,
    /// How messages name their arrival.
    pub tracking: Tracking,
}

/// An MQTT broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttEndpoint {
    /// `mqtt://host:port`, `mqtts://host:port`
    pub url: Text,
    /// Version of the protocol.
    pub version: MqttVersion,
    /// Who connects.
    pub login: Option<Login>,
    /// Beginning of each connection's client id.
    pub client_id: Option<Text>,
    /// Whether a connection begins without an earlier session.
    pub clean_start: bool,
    /// Time between two signs of life.
    pub keep_alive_ns: u64,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest wait for a confirmation, for steps that do not say.
    pub timeout_ns: u64,
    /// How messages name their arrival; version 3.1.1 has no place for it.
    pub tracking: Tracking,
}

/// Versions of MQTT.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MqttVersion {
    /// 3.1.1
    V311,
    /// 5
    V5,
}

/// A Redis server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisEndpoint {
    /// `redis://host:port`, `rediss://host:port`
    pub url: Text,
    /// Who connects.
    pub login: Option<Login>,
    /// Number of the database.
    pub database: u32,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest wait for an answer, for steps that do not say.
    pub timeout_ns: u64,
    /// How entries of a stream name their arrival.
    pub tracking: Tracking,
}

/// A WebSocket server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebsocketEndpoint {
    /// `ws://host:port/prefix`, `wss://host:port/prefix`
    pub url: Text,
    /// Headers of every handshake.
    pub headers: Vec<NameValue>,
    /// Subprotocols that are offered, in order.
    pub subprotocols: Vec<Text>,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Time between two pings; 0 for none.
    pub ping_every_ns: u64,
    /// Largest message that is read, in bytes; a larger one fails the step.
    pub max_message_bytes: u64,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest step, for steps that do not say.
    pub timeout_ns: u64,
    /// How handshakes name their arrival.
    pub tracking: Tracking,
}

/// A server of server-sent events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SseEndpoint {
    /// `http://host:port/prefix`, `https://host:port/prefix`
    pub url: Text,
    /// Headers of every request.
    pub headers: Vec<NameValue>,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Whether a stream that breaks is opened again after its last event.
    pub reconnect: bool,
    /// Largest event that is read, in bytes; a larger one fails the step.
    pub max_event_bytes: u64,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest step, for steps that do not say.
    pub timeout_ns: u64,
    /// How requests name their arrival.
    pub tracking: Tracking,
}

/// A gRPC server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrpcEndpoint {
    /// `http://host:port`, `https://host:port`, or `host:port`, which is plain text unless `tls` is there
    pub target: Text,
    /// Files that describe its services (keys of `Artifact::files`); empty: the server is asked by reflection.
    pub protos: Vec<String>,
    /// Metadata of every call.
    pub headers: Vec<NameValue>,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Largest message that is read, in bytes; a larger one fails the step.
    pub max_message_bytes: u64,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest call, for steps that do not say.
    pub timeout_ns: u64,
    /// How calls name their arrival.
    pub tracking: Tracking,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlEndpoint {
    /// `postgres://…`, `mysql://…`, `sqlite:…`
    pub url: Text,
    /// TLS other than with the system's roots.
    pub tls: Option<Tls>,
    /// Most connections of one node.
    pub pool: u32,
    /// Longest wait for a connection, of the pool or new.
    pub connect_timeout_ns: u64,
    /// Longest statement, for steps that do not say.
    pub timeout_ns: u64,
}

/// A plain TCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpEndpoint {
    /// `host:port`
    pub address: Text,
    /// TLS; without it the connection is plain.
    pub tls: Option<Tls>,
    /// Largest answer that is read, in bytes; a larger one fails the step.
    pub max_message_bytes: u64,
    /// Longest wait for a connection.
    pub connect_timeout_ns: u64,
    /// Longest exchange, for steps that do not say.
    pub timeout_ns: u64,
}

impl Default for Tls {
    fn default() -> Tls {
        Tls { ca: None, cert: None, key: None, verify: true, server_name: None, resumption: true }
    }
}
