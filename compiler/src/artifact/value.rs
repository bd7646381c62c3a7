//! Values: texts and JSON with templates compiled to typed slots.

use serde::{Deserialize, Serialize};

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
    /// `{{ before.login.token }}`: of a step that ran once, before the load.
    BeforeCapture {
        /// Step of [`super::Artifact::before`].
        step: String,
        /// Capture of that step.
        name: String,
    },
    /// `{{ user.login.token }}`: of a step that ran once for this user.
    UserCapture {
        /// Step of [`super::Scenario::before_each_user`].
        step: String,
        /// Capture of that step.
        name: String,
    },
    /// `{{ let.x }}`: drawn once for a transaction.
    Let(String),
    /// `{{ params.x }}`: what the call of a transaction handed over.
    Param(String),
    /// `{{ item }}`: of the innermost `for_each`.
    Item,
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
