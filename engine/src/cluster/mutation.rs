//! Messages with one field changed, for tests of what takes them in.

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::wire;

/// Returns a generator of its own for each seed.
pub(crate) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Returns one of `all`.
pub(crate) fn one<'a, T>(random: &mut StdRng, all: &'a [T]) -> &'a T {
    &all[random.random_range(0..all.len())]
}

/// Returns `message` with up to three of its fields changed, taken out or added, as it comes off the wire; `None` if
/// the wire refuses it.
pub(crate) fn mutated<T: Serialize + DeserializeOwned>(
    random: &mut StdRng,
    message: &T,
    binary: &[u8],
) -> Option<(T, Bytes)> {
    let mut value = serde_json::to_value(message).unwrap();
    for _ in 0..random.random_range(0..=3) {
        change(random, &mut value);
    }
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes.extend(binary);
    wire::decode(&Bytes::from(bytes)).ok()
}

fn change(random: &mut StdRng, value: &mut Value) {
    let deeper = random.random_bool(0.7);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = one(random, &names).clone();
            match random.random_range(0..20) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert("unknown".to_owned(), json!([1]))),
                _ => change(random, &mut fields[&name]),
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = random.random_range(0..items.len());
            change(random, &mut items[at]);
        }
        other => *other = extreme(random),
    }
}

/// Returns a value that is likely to do harm.
fn extreme(random: &mut StdRng) -> Value {
    let long = "x".repeat(2_000);
    let values = [
        json!(0),
        json!(1),
        json!(2),
        json!(random.random_range(0..10_000)),
        json!(u32::MAX),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1_u64 << 46),
        json!(-1),
        json!(""),
        json!("a"),
        json!("default"),
        json!("running"),
        json!("draining"),
        json!("refused"),
        json!(long),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
    ];
    one(random, &values).clone()
}
