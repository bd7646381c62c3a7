//! (pure) What agents and the coordinator say to each other, field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::VERSION;
use crate::ledger::Takeover;
use crate::metrics::LedgerRow;

/// The version field; only [`VERSION`] can be read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct V;

impl Serialize for V {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for V {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<V, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(V),
            other => Err(serde::de::Error::custom(format!("version {other} is not {VERSION}"))),
        }
    }
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromAgent {
    /// Here I am.
    Hello(Hello),
    /// This is my state; what is wanted?
    Beat(Beat),
    /// Give me a chunk.
    Get(Get),
    /// This is what one window measured.
    Delta(Delta),
    /// This is my final report.
    Final(Final),
    /// This is who I am and what I do, for whoever wants to know.
    Status(Status),
}

/// What the coordinator says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromCoordinator {
    /// Answer to [`Hello`].
    Welcome(Welcome),
    /// Answer to [`Beat`]: the whole desired state.
    Order(Order),
    /// Answer to [`Get`]; the binary is the chunk.
    Chunk(Chunk),
    /// Answer to [`Delta`].
    DeltaAck(DeltaAck),
    /// Answer to [`Final`].
    FinalAck(FinalAck),
    /// To all: speak now. Never carries a state.
    Hint(Hint),
}

/// An agent enrols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol version.
    pub v: V,
    /// The process: 128 random bits in hex.
    pub nonce: String,
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Protocol versions it speaks.
    pub proto: Range,
    /// Artifact formats it reads.
    pub formats: Vec<u32>,
    /// Version of the program.
    pub build: String,
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Cores.
    pub cores: u32,
    /// Memory of the machine, in bytes; 0 where it cannot be told.
    pub mem_bytes: u64,
    /// Most files and sockets that it may have open; `None` for no limit.
    pub open_files: Option<u64>,
    /// Kinds of endpoints that it can talk to, as plans name them.
    pub drivers: Vec<String>,
    /// Runs whose results nobody has taken yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<Kept>,
}

/// What an agent says when anybody asks who is there. Published; it changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Protocol version.
    pub v: V,
    /// The agent's process.
    pub nonce: String,
    /// Who it is.
    pub hello: Hello,
    /// The run that it is enrolled for.
    pub run: Option<String>,
    /// Where it is in that run.
    pub phase: Phase,
    /// Its seats there; none for a standby, and until it prepares.
    pub seats: Vec<String>,
}

/// Results that an agent keeps because nobody has taken them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Run id.
    pub run: String,
    /// The process that executed the share: this one, or one before it of the same name.
    pub process: String,
    /// Number of the first window that it has; those before were acknowledged.
    pub from_seq: u64,
}

/// Versions from `min` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Lowest.
    pub min: u32,
    /// Highest.
    pub max: u32,
}

impl Kept {
    /// Returns whether both are of the same share.
    pub fn is_of(&self, other: &Kept) -> bool {
        self.run == other.run && self.process == other.process
    }
}

/// What the coordinator does with an agent that enrols.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It has a seat, or will have one when the cluster is complete.
    Seat,
    /// All seats are taken; it may wait.
    Standby,
    /// It cannot take part; the reason says why.
    Refused,
    /// Another process has its name.
    Conflict,
    /// The run is ending, or is another one that is only collected.
    Busy,
    /// Its run is over but for collecting: deliver what was kept of it. There is no lease.
    Resume,
}

/// The coordinator's answer to a hello.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// The agent's process that is answered.
    pub to: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, for a person.
    pub reason: String,
    /// Run id.
    pub run: String,
    /// Protocol version of the run.
    pub proto: u32,
    /// Time between two beats, in milliseconds.
    pub beat_ms: u64,
    /// Lease, in milliseconds.
    pub lease_ms: u64,
    /// Time until an unacknowledged message is sent again, in milliseconds.
    pub retry_ms: u64,
    /// How long the agent keeps trying to deliver its final report, in milliseconds.
    pub final_wait_ms: u64,
    /// How many beats the clocks are compared with before the agent is ready; 0 if both read the same clock.
    pub sync: u32,
    /// With the verdict `resume`: the process whose results are wanted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub process: String,
}

/// Where an agent is in a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Enrolled, without a share.
    Idle,
    /// Fetching, verifying, connecting.
    Preparing,
    /// Could start.
    Ready,
    /// Knows when it starts.
    Armed,
    /// Starts arrivals.
    Running,
    /// Starts nothing more; transactions end.
    Draining,
    /// Its lease has ended; starts nothing more in this run.
    Fenced,
    /// Nothing runs; delivers its results.
    Reporting,
    /// Cannot execute its share.
    Failed,
    /// Cannot execute its share because the artifact or a file does not hold.
    Refused,
}

/// An agent's state, said each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// Protocol version.
    pub v: V,
    /// The agent's process.
    pub nonce: String,
    /// Number of the beat.
    pub seq: u64,
    /// Run id.
    pub run: String,
    /// Which share it has; 0 for none.
    pub epoch: u64,
    /// Where it is.
    pub phase: Phase,
    /// When the beat was sent, on the agent's clock.
    pub sent_ns: u64,
    /// Why it failed or leaves.
    pub reason: Option<String>,
    /// Windows that wait to be sent.
    pub backlog: u32,
    /// Windows that were sent and are not acknowledged.
    pub delta_unacked: u32,
    /// What it knows of the coordinator's clock.
    pub armed: Option<Armed>,
}

/// How an agent will start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Armed {
    /// The start on the agent's clock.
    pub start_ns: u64,
    /// The agent's clock minus the coordinator's.
    pub offset_ns: i64,
    /// Uncertainty of the offset: half of the best round trip.
    pub err_ns: u64,
}

/// What the coordinator wants of an agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Wait.
    Idle,
    /// Prepare the share.
    Prepare,
    /// Start at the agreed instant, or go on.
    Run,
    /// Start nothing more, let what runs end.
    Stop,
    /// Cut what runs.
    Abort,
    /// Deliver the results.
    Report,
    /// The run is over for this agent.
    Forget,
}

/// The whole desired state of one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// The agent's process that is answered.
    pub to: String,
    /// Number of the beat that is answered.
    pub seq: u64,
    /// Run id.
    pub run: String,
    /// The coordinator's clock when it answered.
    pub coord_now_ns: u64,
    /// Load may be sent for so long after the answered beat was sent, in milliseconds; 0 for no lease.
    pub lease_ms: u64,
    /// What to do.
    pub want: Want,
    /// Number of the share that is in force; it counts up with each takeover.
    pub epoch: u64,
    /// The share, while the beat shows another epoch.
    pub share: Option<Box<ShareOrder>>,
    /// When to start.
    pub go: Option<Go>,
    /// How to stop.
    pub stop: Option<StopOrder>,
    /// What is wanted of single scenarios; of those that are not named, what the plan says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<ScenarioOrder>,
    /// Highest delta number up to which all have been taken.
    pub delta_acked: u64,
    /// Whether the final report has been taken.
    pub final_acked: bool,
}

/// What an agent is to execute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareOrder {
    /// Digest of the artifact.
    pub artifact: String,
    /// Digest of the text with the artifact's signatures, if it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<String>,
    /// Digests of data and body files.
    pub data: Vec<String>,
    /// Seed that overrides the artifact's.
    pub seed: Option<u64>,
    /// Vars that override the artifact's.
    pub vars: BTreeMap<String, String>,
    /// Seats to execute.
    pub seats: Vec<String>,
    /// All that it takes over from lost agents, beside what its seats own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Takeover>,
    /// Whether it is a dry run: the node derives that from the artifact once it is verified.
    #[serde(default)]
    pub dry_run: bool,
    /// Longest wait for one chunk of what is fetched.
    pub get_timeout_ms: u64,
}

/// When the load starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Go {
    /// The start on the coordinator's clock.
    pub start_coord_ns: u64,
}

/// How the load stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopOrder {
    /// Why, for a person.
    pub reason: String,
    /// How long transactions may go on, in milliseconds.
    pub drain_ms: u64,
}

/// What is wanted of one scenario beside the plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ScenarioOrder {
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// When it starts, in nanoseconds since the start of the run, where the plan leaves that open.
    pub start_ns: Option<u64>,
    /// Whether it is stopped: nothing more of it starts, and what runs ends within its graceful stop.
    pub stop: bool,
}

/// Asks for a chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Get {
    /// Protocol version.
    pub v: V,
    /// The agent's process.
    pub nonce: String,
    /// Of what.
    pub digest: String,
    /// Which one, from 0.
    pub index: u32,
}

/// A chunk; its bytes are the binary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// Of what.
    pub digest: String,
    /// Which one, from 0.
    pub index: u32,
    /// How many there are; 0 if the digest is not known.
    pub count: u32,
    /// Bytes of the whole.
    pub size: u64,
}

/// One part of one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Protocol version.
    pub v: V,
    /// The agent's process.
    pub nonce: String,
    /// Run id.
    pub run: String,
    /// Share that it belongs to.
    pub epoch: u64,
    /// Number of the window, from 1.
    pub seq: u64,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts.
    pub parts: u32,
    /// The window, in milliseconds since the run's start.
    pub window_ms: (u64, u64),
}

/// Deltas up to `acked_seq` have been taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeltaAck {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// Run id.
    pub run: String,
    /// Highest number up to which all have been taken.
    pub acked_seq: u64,
}

/// One part of a final report; the binary is a part of a [`FinalReport`] as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Final {
    /// Protocol version.
    pub v: V,
    /// The agent's process.
    pub nonce: String,
    /// Run id.
    pub run: String,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts.
    pub parts: u32,
}

/// Which parts of a final report have come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinalAck {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// Run id.
    pub run: String,
    /// One bit for each part.
    pub parts_have: u64,
    /// Whether the report was whole and has been taken.
    pub taken: bool,
}

/// Everything an agent says at its end. Sent once all its windows are acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalReport {
    /// Number of the last window.
    pub last_seq: u64,
    /// Whether its lease had ended.
    pub fenced: bool,
    /// Why it left on its own, if it did.
    pub left: Option<String>,
    /// How far from the agreed instant its load started, in microseconds.
    pub start_error_us: i64,
    /// Workers that broke off without handing on what they knew.
    pub broken: u64,
    /// Sums of all its windows, by scenario and lane; they must equal what the coordinator has.
    pub ledger: Vec<LedgerRow>,
}

/// What agents are asked to do at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintWant {
    /// Those that are idle: enrol.
    Hello,
    /// Those that are enrolled: beat.
    Beat,
    /// All: say who they are and what they do.
    Status,
}

/// Speak now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// Protocol version.
    pub v: V,
    /// The coordinator's process.
    pub nonce: String,
    /// Run id.
    pub run: String,
    /// What to say.
    pub want: HintWant,
}
