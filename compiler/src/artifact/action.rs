//! Actions: what a step does.

use serde::{Deserialize, Serialize};

use super::{
    AwaitAction, BrowserAction, Call, Choose, ExecAction, ForEach, GrpcAction, Json, PublishAction,
    Repeat, SqlAction, SseAction, TcpAction, Text, WasmAction, WebsocketAction,
};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Sends an HTTP request and reads the response.
    Http(HttpAction),
    /// Lets time pass.
    Wait(WaitAction),
    /// Sends a message.
    Publish(PublishAction),
    /// Waits for messages or answers.
    Await(AwaitAction),
    /// Drives a browser.
    Browser(BrowserAction),
    /// Talks over a WebSocket.
    Websocket(WebsocketAction),
    /// Listens to server-sent events.
    Sse(SseAction),
    /// Calls a gRPC method.
    Grpc(GrpcAction),
    /// Runs a statement.
    Sql(SqlAction),
    /// Sends bytes.
    Tcp(TcpAction),
    /// Runs a program.
    Exec(ExecAction),
    /// Calls a function of the user's.
    Wasm(WasmAction),
    /// Runs steps for each item of a list.
    ForEach(ForEach),
    /// Runs steps several times.
    Repeat(Repeat),
    /// Runs one of several lists of steps.
    Choose(Choose),
    /// Runs the steps of a transaction.
    Call(Call),
}

impl Action {
    /// Returns the name of the endpoint that it uses, if it uses one.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Action::Http(http) => Some(&http.endpoint),
            Action::Publish(publish) => Some(&publish.endpoint),
            Action::Await(wait) => Some(&wait.endpoint),
            Action::Websocket(websocket) => Some(&websocket.endpoint),
            Action::Sse(sse) => Some(&sse.endpoint),
            Action::Grpc(grpc) => Some(&grpc.endpoint),
            Action::Sql(sql) => Some(&sql.endpoint),
            Action::Tcp(tcp) => Some(&tcp.endpoint),
            _ => None,
        }
    }

    /// Returns its key in a plan.
    pub fn word(&self) -> &'static str {
        match self {
            Action::Http(_) => "http",
            Action::Wait(_) => "wait",
            Action::Publish(_) => "publish",
            Action::Await(_) => "await",
            Action::Browser(_) => "browser",
            Action::Websocket(_) => "websocket",
            Action::Sse(_) => "sse",
            Action::Grpc(_) => "grpc",
            Action::Sql(_) => "sql",
            Action::Tcp(_) => "tcp",
            Action::Exec(_) => "exec",
            Action::Wasm(_) => "wasm",
            Action::ForEach(_) => "for_each",
            Action::Repeat(_) => "repeat",
            Action::Choose(_) => "choose",
            Action::Call(_) => "call",
        }
    }
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
    /// Most redirects that are followed; the endpoint's where the step does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects: Option<u32>,
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
    /// The bytes of a file that holds JSON (its path, a key of `Artifact::files`), `application/json`.
    JsonFile(String),
    /// Parts, `multipart/form-data`.
    Multipart(Vec<Part>),
}

/// One part of a multipart body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of its field.
    pub name: String,
    /// What it holds.
    pub content: PartContent,
    /// Name of a file that the server is told.
    pub filename: Option<Text>,
    /// Content type; that of its content where there is none.
    pub content_type: Option<String>,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PartContent {
    /// JSON, `application/json`.
    Json(Json),
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
