//! Endpoints: what steps speak to.

use serde::{Deserialize, Serialize};

use super::{NameValue, Text};

/// A connection of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Endpoint {
    /// An HTTP/1.1 server.
    Http(HttpEndpoint),
}

/// An HTTP server as seen by its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpEndpoint {
    /// `http://host:port/prefix`; rendered once per node when a run starts: vars and secrets only.
    pub base_url: Text,
    /// Headers of every request; rendered as a step's are, vars, secrets and everything else an arrival knows.
    pub headers: Vec<NameValue>,
    /// Longest wait for one response, for steps that do not say.
    pub timeout_ns: u64,
    /// Whether requests carry `x-volley-arrival` and `x-volley-step`.
    pub tracking: bool,
    /// Largest response body that is read, in bytes; a larger one fails the step.
    pub max_body_bytes: u64,
}
