//! (pure) Endpoints, sinks and actions: where exactly one of several keys must stand.

use super::{Shape, children};
use crate::schema::fault::known_keys;
use crate::syntax::Node;

/// What tells a message.
const PARTS: &[&str] = &["json", "header", "key", "regex", "subject"];

/// Bodies of a message, a request or an input.
pub(super) const BODIES: &[&str] = &["json", "json_file", "form", "text", "file", "multipart"];

const BROWSER: &[&str] =
    &["goto", "click", "fill", "press", "select", "wait_for", "wait", "screenshot", "evaluate"];

const SINKS: &[&str] = &[
    "timescale",
    "postgres",
    "influx",
    "prometheus",
    "otlp",
    "loki",
    "datadog",
    "splunk",
    "statsd",
    "jsonl",
    "csv",
    "webhook",
    "kafka",
    "elastic",
];

impl Shape<'_> {
    /// Checks an endpoint: one kind, and one way to say who connects.
    pub(super) fn endpoint(&mut self, endpoint: Node<'_>) {
        let kinds = known_keys("endpoint");
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        if !self.one_of(endpoint, "endpoint", &kinds, "plan::schema::kind") {
            return;
        }
        if let Some(auth) = endpoint.get("http").and_then(|http| http.get("auth")) {
            let ways = ["basic", "bearer", "oauth2"];
            self.one_of(auth, "authentication", &ways, "plan::schema::source");
        }
        if let Some(auth) = endpoint.get("nats").and_then(|nats| nats.get("auth")) {
            let ways = ["login", "token", "creds", "nkey"];
            self.one_of(auth, "authentication", &ways, "plan::schema::source");
        }
    }

    /// Checks a sink: one kind, and one way to say who writes.
    pub(super) fn metrics_sink(&mut self, sink: Node<'_>) {
        if !self.one_of(sink, "sink", SINKS, "plan::schema::kind") {
            return;
        }
        for (key, ways) in [
            ("prometheus", ["login", "token"]),
            ("loki", ["login", "token"]),
            ("elastic", ["login", "api_key"]),
        ] {
            if let Some(target) = sink.get(key) {
                self.at_most_one(target, "sink", &ways, "plan::schema::source");
            }
        }
    }

    /// Checks what stands in the action of `step`.
    pub(super) fn action(&mut self, step: Node<'_>) {
        if let Some(http) = step.get("http") {
            self.at_most_one(http, "request", BODIES, "plan::schema::body");
            self.parts(http);
        }
        if let Some(publish) = step.get("publish") {
            self.at_most_one(publish, "message", BODIES, "plan::schema::body");
            self.parts(publish);
        }
        if let Some(wait) = step.get("await") {
            self.at_most_one(wait, "await", &["get", "query"], "plan::schema::source");
            self.matching(wait);
            if let Some(distinct) = wait.get("distinct") {
                self.one_of(distinct, "`distinct`", PARTS, "plan::schema::source");
            }
        }
        for act in step.get("browser").into_iter().flat_map(|browser| items(browser, "actions")) {
            self.one_of(act, "browser action", BROWSER, "plan::schema::action");
        }
        for act in step.get("websocket").into_iter().flat_map(|socket| items(socket, "actions")) {
            let turns = ["send", "await", "wait", "close"];
            if !self.one_of(act, "turn", &turns, "plan::schema::action") {
                continue;
            }
            if let Some(send) = act.get("send") {
                let bodies = ["json", "json_file", "text", "file"];
                self.one_of(send, "message", &bodies, "plan::schema::body");
            }
            if let Some(wait) = act.get("await") {
                self.matching(wait);
            }
        }
        if let Some(sse) = step.get("sse") {
            self.matching(sse);
        }
        if let Some(tcp) = step.get("tcp") {
            self.at_most_one(tcp, "exchange", BODIES, "plan::schema::body");
            if let Some(read) = tcp.get("read") {
                let ends = ["until", "bytes", "close"];
                self.one_of(read, "answer", &ends, "plan::schema::source");
            }
        }
        if let Some(exec) = step.get("exec") {
            self.at_most_one(exec, "input", BODIES, "plan::schema::body");
        }
    }

    fn parts(&mut self, body: Node<'_>) {
        for part in items(body, "multipart") {
            self.one_of(part, "part", &["text", "json", "file"], "plan::schema::body");
        }
    }

    fn matching(&mut self, wait: Node<'_>) {
        if let Some(matching) = wait.get("match") {
            self.one_of(matching, "`match`", PARTS, "plan::schema::source");
        }
    }
}

/// Returns the items of the list at `key`.
fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    node.get(key).into_iter().flat_map(Node::items)
}

/// Checks every endpoint and sink of the plan.
pub(super) fn connections(shape: &mut Shape<'_>, top: Node<'_>) {
    for (_, endpoint) in children(top, "endpoints") {
        shape.endpoint(endpoint);
    }
    for (_, sink) in children(top, "sinks") {
        shape.metrics_sink(sink);
    }
}
