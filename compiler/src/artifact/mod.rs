//! The compiled plan: the contract between compiler and engine.
//!
//! Everything that can be decided before a run is decided here. No spans, no floats, no secrets, no paths but data
//! files' names as written; every map is ordered, so the same plan gives the same bytes.
//! Rates are exact fractions, lengths are nanoseconds, shares are millionths.

mod action;
mod canonical;
mod condition;
mod connection;
mod data;
mod digest;
mod driver;
mod endpoint;
mod flow;
pub mod limits;
mod load;
mod message;
mod nodes;
mod scenario;
mod sink;
mod slots;
mod step;
mod value;
mod verdict;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::action::{
    Action, Body, HttpAction, Method, NameValue, Part, PartContent, WaitAction,
};
pub use self::canonical::to_bytes;
pub use self::condition::Condition;
pub use self::connection::{
    Acks, AmqpEndpoint, Compression, GrpcEndpoint, KafkaEndpoint, Login, MqttEndpoint, MqttVersion,
    NatsAuth, NatsEndpoint, RedisEndpoint, Sasl, SaslMechanism, SqlEndpoint, SseEndpoint,
    TcpEndpoint, Tls, Tracking, WebsocketEndpoint,
};
pub use self::data::{Data, DataUse, FileRef, Format, List, OnEnd, Per, Take};
pub(crate) use self::digest::expected;
pub use self::digest::{digest_of, seal_digest};
pub use self::driver::{
    BrowserAct, BrowserAction, ExecAction, GrpcAction, SqlAction, SqlKind, SseAction, TcpAction,
    TcpRead, WasmAction, WebsocketAct, WebsocketAction,
};
pub use self::endpoint::{
    Endpoint, EndpointKind, HttpAuth, HttpEndpoint, HttpOptions, HttpVersion, TrackingNames,
};
pub use self::flow::{
    Branch, Call, Choose, ForEach, Let, OnFail, OwnFrom, OwnKind, OwnMetric, Repeat, Retry,
    RetryWhen, Transaction,
};
pub use self::load::{
    Arrivals, ClosedLoad, ClosedStage, Load, OnOverload, OpenLoad, OpenStage, Share,
};
pub use self::message::{
    AwaitAction, AwaitSource, Channel, Match, MatchPart, PollRequest, PublishAction,
};
pub use self::nodes::{COORDINATOR, Group, Nodes, OnAgentLoss, Tuning};
pub use self::scenario::{Connections, LateStart, Moment, Scenario, StartAfter};
pub use self::sink::{
    DatabaseSink, DatadogSink, ElasticAuth, ElasticSink, FileSink, InfluxSink, InfluxStore,
    KafkaSink, LokiSink, OtlpProtocol, OtlpSink, PrometheusSink, Sink, SinkAuth, SinkTarget,
    SplunkSink, StatsdSink, WebhookSink,
};
pub use self::slots::SlotSet;
pub use self::step::{
    Capture, CaptureFrom, Expect, JsonCheck, JsonExpect, Pointer, StatusRange, Step, TextCheck,
};
pub use self::value::{Filter, Json, Piece, Place, Slot, SlotSource, Text};
pub use self::verdict::{
    Aggregate, Bound, Comparison, Counter, Delivery, Metric, NoData, Phase, Quantity, Selector,
    Threshold, Vital,
};

/// The artifact format that this compiler writes and this engine reads.
pub const FORMAT: u32 = 1;

/// The published JSON Schema of that format.
pub const ARTIFACT_SCHEMA: &str = include_str!("../../../schemas/artifact.schema.json");

/// A compiled plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Format version, [`FORMAT`]; the first key of the file.
    pub artifact: u32,
    /// Name of the plan.
    pub plan: String,
    /// What the plan says it is for; empty if it does not.
    pub description: String,
    /// Root of every random draw.
    pub seed: u64,
    /// The plan's vars with their compiled values.
    pub vars: BTreeMap<String, Var>,
    /// Names of secrets, and where each node reads them.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Endpoints by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Data by name.
    pub data: BTreeMap<String, Data>,
    /// Lists that `before` captures and scenarios take items of, by name; no name is in `data` too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, List>,
    /// Files that bodies send, by name as written.
    pub files: BTreeMap<String, FileRef>,
    /// Transactions that steps call, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transactions: BTreeMap<String, Transaction>,
    /// Steps that run once for the whole cluster before the load starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// Steps that run once after the load, whenever `before` began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Step>,
    /// The cluster that the plan is dealt to.
    pub nodes: Nodes,
    /// Scenarios by name.
    pub scenarios: BTreeMap<String, Scenario>,
    /// Slots over all scenarios.
    pub slots: u32,
    /// Pass conditions by name.
    pub thresholds: BTreeMap<String, Threshold>,
    /// When the run itself counts as valid.
    pub delivery: Delivery,
    /// Where measurements go while the run lasts, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sinks: BTreeMap<String, Sink>,
    /// `blake3:` and 64 hex digits over the same bytes with this field empty; the last key of the file.
    pub digest: String,
}

/// A variable with its compiled value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Var {
    /// A JSON value without templates.
    pub value: Json,
    /// Whether something that was decided when compiling depends on it, so that a run cannot override it.
    pub fixed: bool,
}

/// Where a node reads a secret when a run starts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; its content without the last line end.
    File(String),
}
