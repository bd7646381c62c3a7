//! Steps: the vertices of a transaction, what must hold of an answer and what is kept of it.

use serde::{Deserialize, Serialize};

use super::{Action, Comparison, Condition, Json, OnFail, OwnMetric, Retry, Text};

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
    /// It runs only when this holds; a step that is skipped counts as done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What its failure ends.
    #[serde(default, skip_serializing_if = "OnFail::is_default")]
    pub on_fail: OnFail,
    /// Whether it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Metrics of the plan's own, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<OwnMetric>,
    /// Measured apart for each value that is found here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_by: Option<CaptureFrom>,
}

impl Step {
    /// Returns a step that runs at once, keeps nothing and expects nothing of its own.
    pub fn new(name: impl Into<String>, action: Action) -> Step {
        Step {
            name: name.into(),
            needs: Vec::new(),
            timeout_ns: 0,
            action,
            expect: Expect::default(),
            capture: Vec::new(),
            when: None,
            on_fail: OnFail::default(),
            retry: None,
            metrics: Vec::new(),
            split_by: None,
        }
    }

    /// Returns the lists of steps inside of it, in order; none for what is no block.
    pub fn inner(&self) -> Vec<&[Step]> {
        match &self.action {
            Action::ForEach(block) => vec![&block.steps],
            Action::Repeat(block) => vec![&block.steps],
            Action::Choose(choose) => choose.branches.iter().map(|b| b.steps.as_slice()).collect(),
            _ => Vec::new(),
        }
    }
}

/// A JSON pointer into an answer as the plan writes it: an RFC 9535 JSONPath.
pub type Pointer = String;

/// What must hold of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Accepted status codes; empty: below 400, of gRPC 0.
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

/// Status codes from `from` to `to`, both included; of gRPC its own, 0 to 16.
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
    /// The key of a message.
    Key,
    /// A regular expression over a message's subject, topic or routing key: its first group, else the whole match.
    Subject(String),
}
