//! (pure) Keys that other tools have in the place of one of ours: what they mean depends on the mapping they stand in.

/// One of our keys, with what others call it.
struct Row {
    /// Mappings, as [`super::fault::context`] names them.
    contexts: &'static [&'static str],
    /// What others write.
    keys: &'static [&'static str],
    /// Our key that it stands for.
    ours: &'static str,
    /// What to write, where the value changes too; empty if the key alone does.
    how: &'static str,
}

const fn row(
    contexts: &'static [&'static str],
    keys: &'static [&'static str],
    ours: &'static str,
    how: &'static str,
) -> Row {
    Row { contexts, keys, ours, how }
}

#[rustfmt::skip] // One row a key.
const TABLE: &[Row] = &[
    row(&["plan"], &["observe"], "scenarios", "`observe: { for: 5m }` in a scenario"),
    row(&["plan"], &["metrics"], "scenarios", "`metrics:` on the step that they are read from"),
    row(&["scenario"], &["on_fail"], "steps", "`on_fail: continue` on each step that it is for"),
    row(&["scenario"], &["retry"], "steps", "`retry: { attempts: 3 }` on each step that it is for"),
    row(&["step"], &["args", "arguments", "params", "parameters", "inputs"], "with", "`with: { name: … }`, which hands values over to what is called"),
    row(&["step"], &["let"], "step", "`let:` in the scenario, beside `steps`"),
    row(&["http_endpoint"], &["url", "base", "root", "address", "target", "endpoint"], "base_url", ""),
    row(&["http_endpoint"], &["host", "port", "hostname", "server", "domain", "protocol", "scheme"], "base_url", "`base_url: \"http://127.0.0.1:8080\"`"),
    row(&["nats_endpoint"], &["url", "urls", "server", "host", "hosts", "address", "port"], "servers", "`servers: [\"nats://127.0.0.1:4222\"]`"),
    row(&["kafka_endpoint", "kafka_sink"], &["bootstrap_servers", "bootstrap.servers", "bootstrapServers", "bootstrap", "servers", "broker", "hosts", "host", "url", "port"], "brokers", "`brokers: [\"127.0.0.1:9092\"]`"),
    row(&["amqp_endpoint"], &["host", "port", "server", "address", "uri", "broker"], "url", "`url: \"amqp://127.0.0.1:5672\"`"),
    row(&["mqtt_endpoint"], &["host", "port", "server", "address", "uri", "broker"], "url", "`url: \"mqtt://127.0.0.1:1883\"`"),
    row(&["redis_endpoint"], &["host", "port", "server", "address", "uri"], "url", "`url: \"redis://127.0.0.1:6379\"`"),
    row(&["websocket_endpoint"], &["base_url", "uri", "address", "target"], "url", ""),
    row(&["websocket_endpoint"], &["host", "port", "server"], "url", "`url: \"ws://127.0.0.1:8080\"`"),
    row(&["sse_endpoint"], &["base_url", "uri", "address", "target"], "url", ""),
    row(&["sse_endpoint"], &["host", "port", "server"], "url", "`url: \"http://127.0.0.1:8080\"`"),
    row(&["grpc_endpoint"], &["url", "address", "endpoint", "server", "base_url", "uri"], "target", ""),
    row(&["grpc_endpoint"], &["host", "port"], "target", "`target: \"127.0.0.1:50051\"`"),
    row(&["grpc_endpoint"], &["proto", "proto_file", "proto_files"], "protos", "`protos: [stock.proto]`"),
    row(&["sql_endpoint"], &["dsn", "uri", "connection", "connection_string", "address"], "url", ""),
    row(&["sql_endpoint"], &["host", "port", "user", "password", "dbname"], "url", "`url: \"postgres://shop:{{ secrets.db }}@127.0.0.1:5432/shop\"`"),
    row(&["tcp_endpoint", "statsd_sink"], &["host", "port", "url", "server", "target", "endpoint"], "address", "`address: \"127.0.0.1:7000\"`"),
    row(&["tls"], &["insecure", "skip_verify", "insecure_skip_verify"], "verify", "`verify: false`"),
    row(&["http_endpoint"], &["insecure", "skip_verify", "verify", "insecure_skip_verify"], "tls", "`tls: { verify: false }`"),
    row(&["http_endpoint"], &["follow_redirects", "followRedirects", "max_redirects", "maxRedirects"], "redirects", "how many are followed, none at 0: `redirects: 0`"),
    row(&["redis_endpoint"], &["db"], "database", ""),
    row(&["websocket_action"], &["receive", "expect", "read", "wait_for"], "await", "`await: { within: 5s }`"),
    row(&["browser_action"], &["type", "input"], "fill", "`fill: { selector: \"#name\", value: ada }`"),
    row(&["tls"], &["ca_cert", "ca_file", "cacert", "root_ca"], "ca", ""),
    row(&["tls"], &["cert_file", "certificate", "client_cert"], "cert", ""),
    row(&["http_auth"], &["user", "username", "password"], "basic", "`basic: { user: demo, password: \"{{ secrets.password }}\" }`"),
    row(&["http_auth"], &["type"], "basic", "the way as a key: `bearer: \"{{ secrets.token }}\"`"),
    row(&["nats_auth"], &["user", "username", "password"], "login", "`login: { user: demo, password: \"{{ secrets.password }}\" }`"),
    row(&["login", "sasl"], &["username", "login", "name"], "user", ""),
    row(&["login", "sasl"], &["pass", "passwd"], "password", ""),
    row(&["prometheus_sink", "otlp_sink", "loki_sink", "splunk_sink", "influx_sink", "webhook_sink", "elastic_sink", "database_sink"], &["endpoint", "address", "uri", "remote_write", "target", "dsn"], "url", ""),
    row(&["datadog_sink"], &["key", "apiKey"], "api_key", ""),
    row(&["file_sink"], &["file", "filename", "file_name"], "path", ""),
    row(&["data"], &["path", "filename", "file_name", "csv"], "file", ""),
    row(&["data"], &["mode", "order", "strategy", "pick", "distribution"], "take", ""),
    row(&["await", "websocket_await", "sse"], &["timeout", "for", "max_wait", "deadline"], "within", ""),
    row(&["await"], &["key"], "match", "`match: { key: true, equals: \"{{ order.id }}\" }`"),
    row(&["await"], &["interval", "poll_interval"], "every", ""),
    row(&["await"], &["message", "where", "filter"], "match", "`match: { json: \"$.order_id\", equals: \"{{ order.id }}\" }`"),
    row(&["match"], &["equal", "eq", "value", "is"], "equals", ""),
    row(&["match"], &["contains", "matches"], "equals", "a `regex` whose group is what must be equal: `{ regex: 'id=(\\d+)', equals: \"{{ order.id }}\" }`"),
    row(&["publish"], &["payload", "message", "body", "value", "data"], "json", "the body as `json: { … }`, `text: …`, `form: { … }` or `file: …`"),
    row(&["part"], &["value", "content"], "text", ""),
    row(&["part"], &["type", "mime", "contentType"], "content_type", ""),
    row(&["part"], &["field", "key"], "name", ""),
    row(&["part"], &["path"], "file", ""),
    row(&["grpc"], &["request", "message", "body", "data", "payload"], "json", ""),
    row(&["grpc"], &["metadata", "meta"], "headers", ""),
    row(&["grpc"], &["service", "call", "rpc"], "method", "package, service and method in one: `method: shop.v1.Stock/Reserve`"),
    row(&["sql"], &["statement", "sql", "text"], "query", ""),
    row(&["sql"], &["args", "values", "parameters"], "params", ""),
    row(&["exec"], &["cmd", "program", "run"], "command", "`command: [./check, --fast]`"),
    row(&["exec"], &["args"], "command", "program and arguments in one list: `command: [./check, --fast]`"),
    row(&["wasm"], &["module", "path"], "file", ""),
    row(&["wasm"], &["args", "params", "json"], "input", ""),
];

/// Returns which of our keys `key` stands for in `context`, and what to write if the value changes too.
pub(super) fn find(context: &str, key: &str) -> Option<(&'static str, &'static str)> {
    if matches!(context, "match" | "distinct") && key.starts_with('$') {
        return Some(("equals", "`match: { json: \"$.order_id\", equals: \"{{ order.id }}\" }`"));
    }
    let holds = |row: &&Row| row.contexts.contains(&context) && row.keys.contains(&key);
    TABLE.iter().find(holds).map(|row| (row.ours, row.how))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::fault::known_keys;

    #[test]
    fn each_row_leads_to_a_key_that_there_is() {
        for row in TABLE {
            for context in row.contexts {
                let known = known_keys(context);
                assert!(known.iter().any(|key| key == row.ours), "{context}.{}", row.ours);
                for key in row.keys {
                    assert!(!known.iter().any(|known| known == key), "{context} has `{key}`");
                    let first = TABLE
                        .iter()
                        .find(|other| other.contexts.contains(context) && other.keys.contains(key));
                    assert!(first.is_some_and(|first| std::ptr::eq(first, row)), "{context}.{key}");
                }
            }
        }
    }
}
