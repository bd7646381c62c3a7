//! (pure) Values of an artifact in the words of a plan: `timeout_ns: 5000000000` is a `timeout` of `5s`.

use serde_json::{Map, Value};

use crate::artifact::{Bound, CaptureFrom, Condition, Json, Slot, Text};
use crate::explain::label;
use crate::unit::{Rate, Share};

/// Returns a key as words: without its unit, with spaces.
pub(super) fn words(key: &str) -> String {
    let units = ["_ns", "_us", "_bytes"];
    let bare = units.iter().find_map(|unit| key.strip_suffix(unit)).unwrap_or(key);
    match bare {
        "expect" => "expects".to_owned(),
        "capture" => "captures".to_owned(),
        "branches" => "branch".to_owned(),
        bare => bare.replace('_', " "),
    }
}

/// Returns `value` on one line if it is one thing to a reader; `None` for what is made of named parts, and for nothing.
///
/// `key` says the unit of a number.
pub(super) fn whole(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(value) => Some(value.to_string()),
        Value::String(text) => Some(label::printable(text)),
        Value::Number(number) => Some(quantity(key, number)),
        Value::Array(items) => list(items),
        Value::Object(map) => object(value, map),
    }
}

fn quantity(key: &str, number: &serde_json::Number) -> String {
    let Some(n) = number.as_u64() else { return number.to_string() };
    if key.ends_with("_ns") {
        label::length(n)
    } else if key.ends_with("_us") {
        label::length_us(n)
    } else if key.ends_with("bytes") {
        bytes(n)
    } else if key == "min" && n <= Share::ONE.0 {
        // Only `delivery` has a bare share; every other `min` carries its unit or is a text.
        Share(n).to_string()
    } else {
        label::number(n)
    }
}

/// Returns a size as plans spell it, in the largest unit that keeps it whole.
pub(super) fn bytes(n: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let whole = units.iter().find(|(_, size)| n > 0 && n.is_multiple_of(*size));
    whole.map_or_else(|| format!("{n}B"), |(unit, size)| format!("{}{unit}", n / size))
}

/// Returns a templated text or a list of plain values; `None` for a list of parts.
fn list(items: &[Value]) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    if let Ok(text) = Text::deserialize_from(items) {
        return Some(format!("`{}`", label::template(&text)));
    }
    let plain: Option<Vec<String>> = items.iter().map(plain).collect();
    plain.map(|plain| plain.join(", "))
}

/// Returns a list's item that needs no name.
fn plain(item: &Value) -> Option<String> {
    match item {
        Value::Object(map) => comparison(map).or_else(|| statuses(map)),
        Value::Array(_) | Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => whole("", item),
    }
}

/// Returns what is an object in the file and one thing to a reader: a rate, a comparison, a slot, a JSON value.
fn object(value: &Value, map: &Map<String, Value>) -> Option<String> {
    if let Some(text) = comparison(map).or_else(|| statuses(map)) {
        return Some(text);
    }
    if map.len() == 2 && map.contains_key("per_ns") {
        return from::<Rate>(value).map(|rate| rate.to_string());
    }
    if let Some(slot) = from::<Slot>(value) {
        return Some(label::slot(&slot));
    }
    if let Some(condition) = from::<Condition>(value) {
        return Some(label::condition(&condition));
    }
    let json = from::<Json>(value).filter(|json| !matches!(json, Json::Object(_)));
    if let Some(json) = json {
        return Some(bare(&json));
    }
    from::<CaptureFrom>(value).map(|from| match from {
        CaptureFrom::Json(path) => format!("json `{path}`"),
        CaptureFrom::Header(name) => format!("header `{name}`"),
        CaptureFrom::Regex(pattern) => format!("regex `{pattern}`"),
        CaptureFrom::Status => "status".to_owned(),
        CaptureFrom::Key => "key".to_owned(),
        CaptureFrom::Subject(pattern) => format!("subject `{pattern}`"),
    })
}

/// Returns a JSON value, a text without quotes where nobody takes it for something else.
fn bare(json: &Json) -> String {
    match json {
        Json::Text(text) => {
            let spelled = label::template(text);
            let other = serde_json::from_str::<Value>(&spelled).is_ok();
            if other || spelled.is_empty() { label::json(json) } else { spelled }
        }
        Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::Slot(_)
        | Json::List(_)
        | Json::Object(_) => label::json(json),
    }
}

/// Returns a bound with its limit; numbers are lengths in microseconds, texts are as they stand.
fn comparison(map: &Map<String, Value>) -> Option<String> {
    if map.len() != 2 {
        return None;
    }
    let bound: Bound = from(map.get("bound")?)?;
    let value = map.get("value")?;
    let value = match (value.as_u64(), value.as_str()) {
        (Some(us), _) => label::length_us(us),
        (None, text) => text?.to_owned(),
    };
    Some(format!("{} {value}", bound.symbol()))
}

fn statuses(map: &Map<String, Value>) -> Option<String> {
    let (from, to) = (map.get("from")?.as_u64()?, map.get("to")?.as_u64()?);
    if map.len() != 2 {
        return None;
    }
    Some(match (from, to) {
        (from, to) if from == to => from.to_string(),
        (from, to) if from % 100 == 0 && to == from + 99 => format!("{}xx", from / 100),
        (from, to) => format!("{from} to {to}"),
    })
}

fn from<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// Reading a typed part back out of a list, without copying it.
trait DeserializeFrom: Sized {
    fn deserialize_from(items: &[Value]) -> Result<Self, serde_json::Error>;
}

impl DeserializeFrom for Text {
    fn deserialize_from(items: &[Value]) -> Result<Text, serde_json::Error> {
        items.iter().map(serde::Deserialize::deserialize).collect::<Result<_, _>>().map(Text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{whole, words};

    #[test]
    fn values_read_as_a_plan_writes_them() {
        let spelled = |key, value| whole(key, &value).unwrap();
        assert_eq!(words("max_body_bytes"), "max body");
        assert_eq!(spelled("timeout_ns", json!(90_000_000_000u64)), "1m30s");
        assert_eq!(spelled("max_body_bytes", json!(10 << 20)), "10MiB");
        assert_eq!(spelled("rate", json!({ "count": 7, "per_ns": 1_000_000_000 })), "7/s");
        assert_eq!(spelled("duration", json!([{ "bound": "less", "value": 800_000 }])), "< 800ms");
        let text = json!([{ "literal": "/a/" }, { "slot": { "from": "run_id", "filters": [] } }]);
        assert_eq!(spelled("path", text), "`/a/{{ run.id }}`");
        assert_eq!(
            spelled("status", json!([{ "from": 200, "to": 299 }, { "from": 404, "to": 404 }])),
            "2xx, 404"
        );
        assert_eq!(whole("query", &json!([])), None);
        assert_eq!(whole("json", &json!({ "object": [] })), None);
    }
}
