//! Every field of every example's artifact, changed one by one: whatever comes of it is judged, and what loads holds.

use compiler::artifact::{Artifact, seal_digest, to_bytes};
use compiler::explain::{Options, explain};
use compiler::verify::load;
use serde_json::{Value, json};

use crate::{plans, sample};

/// One of so many changes is tried in a run of the test: all of them take half an hour.
const STRIDE: usize = 331;

/// Returns what can stand instead of `value`.
fn instead(value: &Value) -> Vec<Value> {
    let mut others = match value {
        Value::Null => vec![json!(1), json!("x"), json!([]), json!({})],
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Number(_) => {
            vec![json!(0), json!(1), json!(3), json!(u32::MAX), json!(1u64 << 53), json!(u64::MAX)]
        }
        Value::String(_) => ["", "x", "no such", "{{", "$[", "(", "0", "-1", "*", "a/b", "eu/0"]
            .into_iter()
            .map(Value::from)
            .collect(),
        Value::Array(items) => {
            let twice: Vec<&Value> = items.iter().chain(items.first()).collect();
            let fewer = items.split_last().map_or(&[][..], |(_, rest)| rest);
            vec![json!([]), json!(twice), json!(fewer)]
        }
        Value::Object(fields) => {
            let mut others = vec![json!({})];
            for key in fields.keys() {
                let mut fewer = fields.clone();
                let inner = fewer.remove(key).unwrap_or_default();
                others.push(Value::Object(fewer.clone()));
                for renamed in ["x", "var", "secret", "capture", "json", "header", "count", "hold"]
                {
                    let mut other = fewer.clone();
                    other.insert(renamed.to_owned(), inner.clone());
                    others.push(Value::Object(other));
                }
            }
            others
        }
    };
    others.retain(|other| other != value);
    others
}

/// Returns the JSON pointer of every value in `value`.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(key, inner)| places(inner, &format!("{at}/{}", escaped(key)), out));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, inner)| places(inner, &format!("{at}/{n}"), out));
        }
        _ => {}
    }
}

#[test]
fn every_changed_field_is_judged() {
    let artifacts = plans::plans().into_iter().map(|path| plans::compile(&path));
    let (mut count, mut refused) = (0usize, 0usize);
    let schema = schema();
    for artifact in artifacts.chain([sample::artifact()]) {
        let whole = serde_json::to_value(&artifact).unwrap();
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        for place in &found {
            for other in instead(whole.pointer(place).unwrap()) {
                count += 1;
                if count % STRIDE != 0 {
                    continue;
                }
                let mut changed = whole.clone();
                *changed.pointer_mut(place).unwrap() = other;
                refused += usize::from(!holds(changed, &schema));
            }
        }
    }
    assert!(refused > 100, "only {refused} changes were refused");
}

/// Returns whether an artifact is accepted; then all that is done with one works.
fn holds(value: Value, schema: &jsonschema::Validator) -> bool {
    let Ok(mut artifact) = serde_json::from_value::<Artifact>(value) else { return false };
    seal_digest(&mut artifact);
    let Ok(loaded) = load(&to_bytes(&artifact)) else { return false };
    assert_eq!(loaded, artifact);
    let value = serde_json::to_value(&artifact).unwrap();
    let errors: Vec<String> =
        schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "the schema refuses what loads: {errors:?}");
    explain(&artifact, Options::default()).unwrap();
    true
}

fn schema() -> jsonschema::Validator {
    let schema = serde_json::from_str(compiler::artifact::ARTIFACT_SCHEMA).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_published_schema_accepts_every_plan() {
    let schema = schema();
    for path in plans::plans() {
        let value = serde_json::to_value(plans::compile(&path)).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}
