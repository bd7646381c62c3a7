//! Steps: what a transaction sends, with templates compiled to typed slots.

use serde::{Deserialize, Serialize};

use super::Comparison;

/// One vertex of a transaction's DAG.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, or `#` and its place in the list (from 1) for a `wait` without one.
    pub name: String,
    /// Steps of the same list that must have ended before.
    pub needs: Vec<String>,
    /// Longest time from its send to its end; 0 for the endpoint's time-out alone.
    pub timeout_ns: u64,
    /// What it does.
    pub action: Action,
    /// What must hold of the answer; empty for a `wait`.
    pub expect: Expect,
    /// What is kept of the answer.
    pub capture: Vec<Capture>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Sends an HTTP request and reads the response.
    Http(HttpAction),
    /// Lets time pass.
    Wait(WaitAction),
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// Method.
    pub method: Method,
    /// Path after the endpoint's `base_url`, begins with `/`; may hold a literal query.
    pub path: Text,
    /// Query parameters, appended in order.
    pub query: Vec<NameValue>,
    /// Headers besides the endpoint's; a name given in both is the step's.
    pub headers: Vec<NameValue>,
    /// Body.
    pub body: Body,
}

/// HTTP methods.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
}

/// What a request carries; the content type is set unless a header names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON, `application/json`.
    Json(Json),
    /// Fields, `application/x-www-form-urlencoded`.
    Form(Vec<NameValue>),
    /// Text as it stands, `text/plain; charset=utf-8`.
    Text(Text),
    /// The bytes of a file (its path, a key of `Artifact::files`), `application/octet-stream`.
    File(String),
}

/// How long a `wait` lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WaitAction {
    /// Always as long.
    Constant {
        /// Length.
        length_ns: u64,
    },
    /// Drawn from the seed, evenly between two lengths.
    Uniform {
        /// Shortest.
        min_ns: u64,
        /// Longest.
        max_ns: u64,
    },
}

/// A name with a templated text: header, query parameter, form field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameValue {
    /// Name; header names in lowercase.
    pub name: String,
    /// Value.
    pub value: Text,
}

/// A text with slots; every slot is encoded for the place that the text stands in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Piece>);

/// A stretch of a [`Text`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// Filled in for each arrival.
    Slot(Slot),
}

/// A JSON value with slots. Numbers keep the text of a JSON number, so that no float is hashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A valid JSON number.
    Number(String),
    /// A string, with slots.
    Text(Text),
    /// A value that is one slot: it keeps the slot's type.
    Slot(Slot),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}` in plan order.
    Object(Vec<(String, Json)>),
}

/// A value that is known when a request is rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Where it comes from.
    pub from: SlotSource,
    /// What is done to it, in order.
    pub filters: Vec<Filter>,
}

/// Where a slot's value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SlotSource {
    /// `{{ vars.x }}`
    Var(String),
    /// `{{ secrets.x }}`
    Secret(String),
    /// `{{ data.users.name }}`
    Data {
        /// Key of `Artifact::data`.
        data: String,
        /// Column.
        column: String,
    },
    /// `{{ login.token }}`
    Capture {
        /// Step.
        step: String,
        /// Capture of that step.
        name: String,
    },
    /// `{{ arrival.number }}`: a number, from 0 for each scenario over the whole cluster.
    ArrivalNumber,
    /// `{{ arrival.id }}`: `<run>.<scenario>.<number>`.
    ArrivalId,
    /// `{{ user.number }}`: a number, closed scenarios only.
    UserNumber,
    /// `{{ group.name }}`
    GroupName,
    /// `{{ run.id }}`
    RunId,
    /// `{{ seed }}`: a number.
    Seed,
    /// `{{ rand.int(1, 6) }}`: a number, both ends included.
    RandInt {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Which draw of the step this is.
        place: Place,
    },
    /// `{{ rand.uuid() }}`: a version 4 UUID.
    RandUuid {
        /// Which draw of the step this is.
        place: Place,
    },
    /// `{{ rand.pick(["a", "b"]) }}`
    RandPick {
        /// The list, never empty.
        items: Vec<Json>,
        /// Which draw of the step this is.
        place: Place,
    },
    /// `{{ now.unix_ms }}`: a number, when the request is rendered.
    NowUnixMs,
    /// `{{ now.iso }}`: RFC 3339 in UTC with milliseconds.
    NowIso,
}

/// Number of a random draw within its step (or endpoint), in source order from 0.
pub type Place = u32;

/// What a filter does to a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Filter {
    /// Text to whole number.
    Int,
    /// Text to number.
    Number,
    /// Text `true` or `false` to boolean.
    Bool,
    /// Scalar to text.
    Text,
    /// Any value to JSON text.
    Json,
    /// Text to base64.
    Base64,
    /// Percent-encodes for a URL component.
    Url,
    /// Text to lowercase hex HMAC-SHA-256 under the named secret.
    HmacSha256(String),
    /// Replaces a missing or null value.
    Default(Json),
    /// Is not encoded for its place.
    Raw,
}

/// A JSON pointer into an answer as the plan writes it: an RFC 9535 JSONPath.
pub type Pointer = String;

/// What must hold of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Accepted status codes; empty: below 400.
    pub status: Vec<StatusRange>,
    /// Bounds of the step's duration, in microseconds.
    pub duration: Vec<Comparison>,
    /// Checks of the JSON body.
    pub json: Vec<JsonExpect>,
    /// Checks of headers.
    pub header: Vec<(String, TextCheck)>,
    /// Checks of the body as text.
    pub body: Vec<TextCheck>,
}

/// Status codes from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRange {
    /// Lowest.
    pub from: u16,
    /// Highest.
    pub to: u16,
}

/// A check of one place of a JSON body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonExpect {
    /// The first match counts.
    pub path: Pointer,
    /// What must hold.
    pub check: JsonCheck,
}

/// What must hold of a JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JsonCheck {
    /// Equal by value; numbers by amount.
    Equals(Json),
    /// A number that compares so, such as `"> 0"`.
    Number {
        /// `== != < <= > >=` spelled as [`super::Bound`].
        bound: super::Bound,
        /// Text of a JSON number.
        value: String,
    },
}

/// What must hold of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TextCheck {
    /// The whole text.
    Equals(Text),
    /// A part of it.
    Contains(Text),
    /// A regular expression matches somewhere.
    Matches(String),
}

/// A value kept from an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Its name; read as `{{ step.name }}`.
    pub name: String,
    /// Where it is found.
    pub from: CaptureFrom,
    /// Whether every match is kept, as a list.
    pub all: bool,
    /// Its value when nothing is found; `null` in the file when finding nothing fails the step.
    pub default: Option<Json>,
}

/// Where a capture is found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptureFrom {
    /// A JSONPath into the body.
    Json(Pointer),
    /// A header, by lowercase name.
    Header(String),
    /// A regular expression over the body: its first group, else the whole match.
    Regex(String),
    /// The status code, a number.
    Status,
}
