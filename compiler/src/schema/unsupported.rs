//! (pure) What the plan language has and this version cannot do yet: one table, asked before a key is called unknown.

/// Keys by the context that they stand in, as [`super::fault::context`] names it.
const KEYS: &[(&str, &[&str])] = &[
    ("plan", &["traffic", "sinks", "before", "after", "transactions", "observe", "metrics"]),
    (
        "endpoint",
        &[
            "nats",
            "kafka",
            "amqp",
            "mqtt",
            "redis",
            "websocket",
            "sse",
            "grpc",
            "sql",
            "tcp",
            "browser",
            "exec",
            "wasm",
        ],
    ),
    ("http_endpoint", &["redirects", "connections"]),
    (
        "scenario",
        &["before_each_user", "observe", "max_failures", "connections", "let", "on_fail", "retry"],
    ),
    ("load", &["arrivals", "on_overload", "pace", "connections"]),
    ("open_stage.rate", &["min", "max", "every"]),
    ("closed_stage", &["count_each"]),
    (
        "step",
        &[
            "publish",
            "await",
            "browser",
            "websocket",
            "sse",
            "grpc",
            "sql",
            "tcp",
            "exec",
            "wasm",
            "call",
            "when",
            "on_fail",
            "retry",
            "metrics",
            "split_by",
            "for_each",
            "repeat",
            "choose",
            "let",
            "with",
            "steps",
        ],
    ),
    ("http", &["json_file", "multipart", "redirects"]),
    ("threshold", &["group", "split"]),
];

/// Words that a key of the slice may have in the full language.
const VALUES: &[(&str, &[&str])] = &[];

/// Words of the slice that the full language also writes as a mapping.
const MAPPINGS: &[&str] = &["http_endpoint.tracking"];

/// Keys that only belong to another unsupported key beside them.
const FOLLOWERS: &[&str] = &["steps", "with"];

/// Returns whether `key` in `context` belongs to the full language.
pub(super) fn is_key(context: &str, key: &str) -> bool {
    listed(KEYS, context, key)
}

/// Returns whether `value` of the key at `context` belongs to the full language.
pub(super) fn is_value(context: &str, value: &str) -> bool {
    listed(VALUES, context, value)
}

/// Returns whether the key at `context` may have a mapping in the full language.
pub(super) fn is_mapping(context: &str) -> bool {
    MAPPINGS.contains(&context)
}

/// Returns whether `key` says nothing of its own beside another unsupported key.
pub(super) fn is_follower(key: &str) -> bool {
    FOLLOWERS.contains(&key)
}

fn listed(table: &[(&str, &[&str])], context: &str, word: &str) -> bool {
    table.iter().any(|(known, words)| *known == context && words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_nothing_that_the_schema_knows() {
        for (context, keys) in KEYS {
            let known = super::super::fault::known_keys(context);
            assert!(!known.is_empty(), "{context} is no context of the schema");
            for key in *keys {
                assert!(!known.iter().any(|known| known == key), "{context}: {key} is known");
            }
        }
    }
}
