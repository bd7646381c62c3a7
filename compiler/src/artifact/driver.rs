//! Actions besides HTTP and messages: streams, calls, statements, browsers and the user's own code.

use serde::{Deserialize, Serialize};

use super::{Body, Json, Match, NameValue, Text, Vital};

/// What a browser does in one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserAction {
    /// One after the other.
    pub actions: Vec<BrowserAct>,
    /// Web vitals that are measured.
    pub collect: Vec<Vital>,
}

/// One thing that a browser does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BrowserAct {
    /// Opens an address.
    Goto(Text),
    /// Clicks what a CSS selector finds.
    Click(Text),
    /// Writes into a field.
    Fill {
        /// CSS selector.
        selector: Text,
        /// Text.
        value: Text,
    },
    /// Presses a key.
    Press {
        /// CSS selector of what has the focus; whatever has it where there is none.
        selector: Option<Text>,
        /// Name of the key, such as `Enter`.
        key: String,
    },
    /// Chooses an option of a list.
    Select {
        /// CSS selector.
        selector: Text,
        /// Value of the option.
        value: Text,
    },
    /// Waits until a CSS selector finds something that can be seen.
    WaitFor(Text),
    /// Lets time pass.
    Wait {
        /// Length.
        length_ns: u64,
    },
    /// Keeps a picture under this name.
    Screenshot(String),
    /// Runs a script in the page; its value is the step's answer.
    Evaluate(Text),
}

/// A conversation over a WebSocket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebsocketAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// Path after the endpoint's `url`; a socket that a user has open under it is used again.
    pub path: Text,
    /// Headers of the handshake besides the endpoint's.
    pub headers: Vec<NameValue>,
    /// One after the other.
    pub actions: Vec<WebsocketAct>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebsocketAct {
    /// Sends a message.
    Send(Body),
    /// Waits for messages; the last is the step's answer.
    Await {
        /// Which; any where there is none.
        matching: Option<Match>,
        /// How many.
        count: u32,
        /// Longest wait.
        within_ns: u64,
    },
    /// Lets time pass.
    Wait {
        /// Length.
        length_ns: u64,
    },
    /// Closes the socket.
    Close,
}

/// Listens to server-sent events; the last one is the step's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SseAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// Path after the endpoint's `url`.
    pub path: Text,
    /// Headers besides the endpoint's.
    pub headers: Vec<NameValue>,
    /// Name of the events that count; all where there is none.
    pub event: Option<Text>,
    /// Which of them count; all where there is none.
    pub matching: Option<Match>,
    /// How many end the step.
    pub count: u32,
    /// Longest wait for them.
    pub within_ns: u64,
}

/// Calls a method of a gRPC service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrpcAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// `package.Service`
    pub service: String,
    /// `Call`
    pub method: String,
    /// The message, or a list of them for a method that takes a stream.
    pub json: Json,
    /// Metadata besides the endpoint's.
    pub headers: Vec<NameValue>,
}

/// Runs a statement; the rows, a list of objects, are the step's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// The statement.
    pub query: Text,
    /// Values of its placeholders.
    pub params: Vec<Json>,
    /// Whether it gives rows.
    pub kind: SqlKind,
}

/// Whether a statement gives rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlKind {
    /// It does.
    Rows,
    /// It changes something and gives a count.
    Change,
}

/// Sends bytes and reads an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// What is sent.
    pub body: Body,
    /// Where the answer ends.
    pub read: TcpRead,
}

/// Where an answer ends.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TcpRead {
    /// No answer is read.
    Nothing,
    /// Behind this text, which is part of it.
    Until(String),
    /// After so many bytes.
    Bytes(u32),
    /// Where the server closes the connection.
    Close,
}

/// Runs a program of the node; what it writes is the step's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecAction {
    /// The program and its arguments; no shell reads them.
    pub command: Vec<Text>,
    /// Environment variables besides those of the node.
    pub env: Vec<NameValue>,
    /// What it reads from its standard input.
    pub body: Body,
}

/// Calls a function of a WebAssembly component; its value is the step's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WasmAction {
    /// The component (its path, a key of `Artifact::files`).
    pub file: String,
    /// The function.
    pub function: String,
    /// What it is given.
    pub input: Json,
}
