//! Actions: what a step does.

use serde::{Deserialize, Serialize};

use super::{Call, Choose, ForEach, Json, Repeat, Text};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Sends an HTTP request and reads the response.
    Http(HttpAction),
    /// Lets time pass.
    Wait(WaitAction),
    /// Runs steps for each item of a list.
    ForEach(ForEach),
    /// Runs steps several times.
    Repeat(Repeat),
    /// Runs one of several lists of steps.
    Choose(Choose),
    /// Runs the steps of a transaction.
    Call(Call),
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
