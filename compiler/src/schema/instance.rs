//! [pure] A [`Tree`] as the plain value that the validator reads; aliases are expanded, which parsing has bounded.

use serde_json::{Map, Value};

use crate::syntax::{Kind, Node};

/// Returns the value at `node`; a hole is null, and whatever is said of it is dropped later.
pub(super) fn of(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null | Kind::Hole | Kind::Alias(_) => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        // A number beyond 64 bits becomes a float, which only the range checks see.
        Kind::Int(text) | Kind::Number(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(f64::MAX))
        }
        Kind::Str { value, .. } => Value::String(value.clone()),
        Kind::Seq(_) => node.items().map(of).collect(),
        Kind::Map(_) => {
            let entries = node.entries().map(|(entry, value)| (entry.key.clone(), of(value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}
