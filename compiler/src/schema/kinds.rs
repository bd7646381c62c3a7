//! (pure) Names of products and protocols that are written where a kind of endpoint, action or sink stands.

/// Names of what an endpoint is, by its kind.
const ENDPOINTS: &[(&str, &[&str])] = &[
    ("http", &["https", "rest", "graphql", "web", "url", "base_url"]),
    ("nats", &["jetstream", "nats_jetstream", "stan"]),
    ("kafka", &["redpanda", "event_hubs", "eventhubs", "eventhub", "azure_event_hubs", "msk"]),
    ("amqp", &["rabbitmq", "rabbit", "amqps", "amqp091"]),
    ("mqtt", &["mosquitto", "mqtts", "emqx"]),
    ("redis", &["rediss", "redis_streams", "redis_pubsub", "valkey"]),
    ("websocket", &["ws", "wss", "websockets", "socketio"]),
    ("sse", &["eventsource", "event_source", "server_sent_events"]),
    ("grpc", &["grpcs", "protobuf"]),
    (
        "sql",
        &["postgres", "postgresql", "pg", "mysql", "mariadb", "sqlite", "database", "db", "jdbc"],
    ),
    ("tcp", &["socket", "tcps"]),
];

/// Names of what a sink is, by its kind.
const SINKS: &[(&str, &[&str])] = &[
    ("timescale", &["timescaledb", "timescale_db"]),
    ("postgres", &["postgresql", "pg"]),
    ("prometheus", &["remote_write", "prometheus_remote_write", "mimir", "victoria_metrics"]),
    ("otlp", &["otel", "opentelemetry", "open_telemetry", "newrelic", "new_relic", "dynatrace"]),
    ("loki", &["grafana", "grafana_loki"]),
    ("jsonl", &["json", "ndjson", "file"]),
    ("elastic", &["elasticsearch", "opensearch"]),
    ("webhook", &["http", "https", "cloudwatch"]),
    ("statsd", &["dogstatsd", "graphite"]),
];

/// Words of other tools for what a step does, by ours.
const STEPS: &[(&str, &[&str])] = &[
    ("http", &["request", "get", "post", "put", "patch", "delete", "head", "url", "graphql"]),
    ("publish", &["send", "produce", "emit", "producer"]),
    ("await", &["consume", "receive", "subscribe", "wait_for", "expect_message", "poll"]),
    ("browser", &["page", "playwright", "selenium"]),
    ("websocket", &["ws"]),
    ("sql", &["query"]),
    ("exec", &["run", "shell", "command", "script"]),
    ("wait", &["sleep"]),
];

/// Returns what to do instead of `key` in `context`, if it names a product or a protocol.
pub(super) fn meant(context: &str, key: &str) -> Option<String> {
    let find = |table: &[(&'static str, &[&str])]| {
        table.iter().find(|(_, names)| names.contains(&key)).map(|(ours, _)| *ours)
    };
    match context {
        "endpoint" if matches!(key, "browser" | "exec" | "wasm") => {
            Some(format!("`{key}` needs no endpoint: write it in a step"))
        }
        "endpoint" if matches!(key, "sqs" | "sns" | "pubsub" | "kinesis" | "service_bus") => Some(
            "no endpoint speaks to it: send it by `http`, or from a program by `exec`".to_owned(),
        ),
        "endpoint" => {
            find(ENDPOINTS).map(|ours| format!("an endpoint for it is of the kind `{ours}`"))
        }
        "sink" => find(SINKS).map(|ours| format!("a sink for it is of the kind `{ours}`")),
        "step" if ["nats", "kafka", "amqp", "mqtt", "redis"].contains(&key) => Some(format!(
            "send with `publish` and listen with `await`, and `use` a `{key}` endpoint"
        )),
        "step" => find(STEPS).map(|ours| match ours {
            "http" => "a request stands under `http`: `http: { get: /path }`".to_owned(),
            ours => format!("write `{ours}`"),
        }),
        _ => None,
    }
}

/// Returns what a context of endpoints, actions and sinks is called in a message.
pub(super) fn thing(context: &str) -> Option<&'static str> {
    Some(match context {
        "nats_endpoint" => "a NATS endpoint",
        "kafka_endpoint" => "a Kafka endpoint",
        "amqp_endpoint" => "an AMQP endpoint",
        "mqtt_endpoint" => "an MQTT endpoint",
        "redis_endpoint" => "a Redis endpoint",
        "websocket_endpoint" => "a WebSocket endpoint",
        "sse_endpoint" => "an SSE endpoint",
        "grpc_endpoint" => "a gRPC endpoint",
        "sql_endpoint" => "an SQL endpoint",
        "tcp_endpoint" => "a TCP endpoint",
        "tracking" => "`tracking`",
        "tls" => "`tls`",
        "login" => "a login",
        "sasl" => "`sasl`",
        "oauth2" => "`oauth2`",
        "http_auth" | "nats_auth" => "`auth`",
        "sink" => "a sink",
        "database_sink" => "a database sink",
        "influx_sink" => "an `influx` sink",
        "prometheus_sink" => "a `prometheus` sink",
        "otlp_sink" => "an `otlp` sink",
        "loki_sink" => "a `loki` sink",
        "datadog_sink" => "a `datadog` sink",
        "splunk_sink" => "a `splunk` sink",
        "statsd_sink" => "a `statsd` sink",
        "file_sink" => "a file sink",
        "webhook_sink" => "a `webhook` sink",
        "kafka_sink" => "a `kafka` sink",
        "elastic_sink" => "an `elastic` sink",
        "publish" => "a message",
        "part" => "a part",
        "await" => "an await",
        "match" => "`match`",
        "distinct" => "`distinct`",
        "browser" => "a browser step",
        "browser_action" => "a browser action",
        "field" => "a field",
        "press" => "`press`",
        "websocket" => "a WebSocket step",
        "websocket_action" => "a turn of a WebSocket",
        "websocket_message" => "a message",
        "websocket_await" => "an await",
        "sse" => "an SSE step",
        "grpc" => "a gRPC call",
        "sql" => "a statement",
        "tcp" => "a TCP exchange",
        "tcp_read" => "`read`",
        "exec" => "a program",
        "wasm" => "a call of a component",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::fault::known_keys;

    #[test]
    fn names_lead_to_kinds_that_there_are() {
        for (context, table) in [("endpoint", ENDPOINTS), ("sink", SINKS), ("step", STEPS)] {
            let known = known_keys(context);
            for (ours, names) in table {
                assert!(known.iter().any(|key| key == ours), "{context} has `{ours}`");
                for name in *names {
                    assert!(!known.iter().any(|key| key == name), "{context} has `{name}` itself");
                    assert!(meant(context, name).is_some_and(|help| help.contains(ours)));
                }
            }
        }
        assert!(meant("step", "kafka").is_some_and(|help| help.contains("publish")));
        assert!(meant("endpoint", "sqs").is_some_and(|help| help.contains("exec")));
        assert_eq!(meant("load", "kafka"), None);
    }
}
