//! Artifacts that were changed and still load: they are made ready or refused, never a panic.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{Artifact, seal_digest, to_bytes};
use compiler::verify::load;
use serde_json::{Value, json};

use crate::user::{Inputs, Program};

/// The artifact of an example that uses all that this engine executes.
const ARTIFACT: &[u8] = include_bytes!("../../../../golden/every-feature/artifact.json");

const FILES: [(&str, &[u8]); 3] = [
    ("data/note.txt", include_bytes!("../../../../plans/data/note.txt")),
    ("data/skus.csv", include_bytes!("../../../../plans/data/skus.csv")),
    ("data/users.csv", include_bytes!("../../../../plans/data/users.csv")),
];

/// One of so many changes is tried: all of them take two minutes.
const STRIDE: usize = 17;

fn inputs(artifact: &Artifact) -> Inputs {
    let listed = artifact.data.values().map(|data| &data.file).chain(artifact.files.values());
    let content =
        |path: &str| FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes);
    Inputs {
        run: "k3v9x0q2ab".to_owned(),
        vars: BTreeMap::new(),
        secrets: artifact.secrets.keys().map(|name| (name.clone(), "s3cret".to_owned())).collect(),
        files: listed
            .filter_map(|file| {
                Some((file.digest.clone(), Bytes::from_static(content(&file.path)?)))
            })
            .collect(),
        seed: None,
    }
}

fn instead(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![json!(0), json!(2), json!(u32::MAX), json!(u64::MAX)],
        Value::String(_) => ["", "x", "{{", "$[", "(", "a b", "é", "http://[", "login"]
            .into_iter()
            .map(Value::from)
            .collect(),
        Value::Array(_) => vec![json!([])],
        Value::Bool(flag) => vec![json!(!flag)],
        _ => Vec::new(),
    }
}

fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            places(inner, &format!("{at}/{key}"), out);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, one)| places(one, &format!("{at}/{n}"), out));
        }
        _ => {}
    }
}

#[test]
fn what_loads_is_made_ready_or_refused() {
    let artifact = load(ARTIFACT).unwrap();
    let given = inputs(&artifact);
    assert!(Program::prepare(Arc::new(artifact), given).is_ok());
    let whole: Value = serde_json::from_slice(ARTIFACT).unwrap();
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    let (mut count, mut ready, mut refused) = (0usize, 0usize, 0usize);
    for place in found {
        for other in instead(whole.pointer(&place).unwrap()) {
            count += 1;
            if !count.is_multiple_of(STRIDE) {
                continue;
            }
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = other;
            let Ok(mut artifact) = serde_json::from_value::<Artifact>(changed) else { continue };
            seal_digest(&mut artifact);
            let Ok(artifact) = load(&to_bytes(&artifact)) else { continue };
            let given = inputs(&artifact);
            match Program::prepare(Arc::new(artifact), given) {
                Ok(_) => ready += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(ready > 10 && refused > 10, "{ready} ready, {refused} refused");
}
