//! Endpoints, actions and sinks with one mistake each.

use super::{mistake, step, top};

#[test]
fn one_mistake_in_connections_is_one_diagnostic() {
    for (text, code, at) in [
        (
            top("endpoints: { e: { http: { base_url: x, tracking: header } } }"),
            "plan::schema::value",
            "header",
        ),
        (
            top("endpoints: { e: { http: { base_url: x, tracking: [] } } }"),
            "plan::schema::type",
            "[]",
        ),
        (top("endpoints: { e: { nats: {} } }"), "plan::schema::missing-key", "nats"),
        (top("endpoints: { e: { browser: {} } }"), "plan::schema::unknown-key", "browser"),
        (top("endpoints: { e: {} }"), "plan::schema::kind", "{}"),
        (
            top("endpoints: { e: { sql: { url: x }, tcp: { address: x } } }"),
            "plan::schema::kind",
            "tcp",
        ),
        (
            top(
                "endpoints: { e: { http: { base_url: x, auth: { bearer: a, basic: { password: b } } } } }",
            ),
            "plan::schema::source",
            "basic",
        ),
        (
            top("endpoints: { e: { kafka: { brokers: [x], acks: most } } }"),
            "plan::schema::value",
            "most",
        ),
        (top("endpoints: { e: { kafka: { brokers: x } } }"), "plan::schema::type", "x"),
        (top("endpoints: { e: { sql: { url: x, pool: 0 } } }"), "plan::schema::range", "0"),
        (top("endpoints: { e: { nats: { url: x } } }"), "plan::schema::unknown-key", "url"),
        (
            top("endpoints: { e: { tcp: { host: x, port: 1 } } }"),
            "plan::schema::unknown-key",
            "host",
        ),
        (
            top("endpoints: { e: { http: { base_url: x, auth: { user: a, password: b } } } }"),
            "plan::schema::unknown-key",
            "user",
        ),
        (top("sinks: { m: { csv: { path: x }, labels: { A: b } } }"), "plan::schema::name", "A"),
        (top("sinks: { m: { otlp: { endpoint: x } } }"), "plan::schema::unknown-key", "endpoint"),
        (top("sinks: { m: { interval: 1s } }"), "plan::schema::kind", "{ interval: 1s }"),
        (top("sinks: { m: { loki: {} } }"), "plan::schema::missing-key", "loki"),
        (
            top("sinks: { m: { loki: { url: x, token: a, login: { password: b } } } }"),
            "plan::schema::source",
            "login",
        ),
    ] {
        mistake(&text, code, at, 0);
    }
}

#[test]
fn one_mistake_in_actions_is_one_diagnostic() {
    for (text, code, at) in [
        (step("{ step: a, publish: { subjekt: x } }"), "plan::schema::unknown-key", "subjekt"),
        (
            step("{ step: a, await: { subject: x, timeout: 1s } }"),
            "plan::schema::unknown-key",
            "timeout",
        ),
        (
            step("{ step: a, await: { subject: x, within: 1s, match: { $.a: b } } }"),
            "plan::schema::unknown-key",
            "$.a",
        ),
        (step("{ step: a, exec: { cmd: x, args: [] } }"), "plan::schema::unknown-key", "cmd"),
        (step("{ step: a, publish: { json: 1, text: a } }"), "plan::schema::body", "text"),
        (
            step("{ step: a, http: { get: / }, publish: { subject: x } }"),
            "plan::schema::action",
            "publish",
        ),
        (step("{ publish: { subject: x } }"), "plan::schema::missing-key", "publish"),
        (step("{ step: a, await: { subject: x } }"), "plan::schema::missing-key", "await"),
        (
            step("{ step: a, await: { subject: x, within: 1s, match: { equals: a } } }"),
            "plan::schema::source",
            "{ equals: a }",
        ),
        (
            step("{ step: a, await: { subject: x, within: 1s, match: { json: $.a } } }"),
            "plan::schema::missing-key",
            "match",
        ),
        (step("{ step: a, browser: { actions: [ {} ] } }"), "plan::schema::action", "{}"),
        (
            step("{ step: a, browser: { actions: [ { goto: x, click: y } ] } }"),
            "plan::schema::action",
            "click",
        ),
        (
            step("{ step: a, browser: { actions: [ { clik: y } ] } }"),
            "plan::schema::unknown-key",
            "clik",
        ),
        (
            step("{ step: a, browser: { actions: [ { goto: x } ], collect: [fid] } }"),
            "plan::schema::value",
            "fid",
        ),
        (step("{ step: a, websocket: { actions: [ { send: {} } ] } }"), "plan::schema::body", "{}"),
        (step("{ step: a, grpc: { json: 1 } }"), "plan::schema::missing-key", "grpc"),
        (step("{ step: a, sql: { query: x, params: 1 } }"), "plan::schema::type", "1"),
        (
            step("{ step: a, tcp: { text: a, read: { until: x, bytes: 3 } } }"),
            "plan::schema::source",
            "bytes",
        ),
        (step("{ step: a, exec: { command: ls -l } }"), "plan::schema::type", "ls -l"),
        (step("{ step: a, wasm: {} }"), "plan::schema::missing-key", "wasm"),
    ] {
        mistake(&text, code, at, 0);
    }
}
