//! (pure) Any part of an artifact as named fields, so that two of them can be held against each other and nothing is missed.
//!
//! Works on the JSON of the part: a construct that the format gains later is compared without a line here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::spell;

/// Keys that a reader does not need: what they hold says the same.
const SILENT: [&str; 8] = ["", "action", "http", "check", "equals", "number", "value", "file"];

/// A part's fields by path, and the step lists in it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Path in words → value in words. A field without a value (`null`, an empty list) is not there.
    pub(super) values: BTreeMap<Path, String>,
    /// Path → a list of steps, which is compared by names.
    pub(super) lists: BTreeMap<Path, Vec<Value>>,
}

/// A field that differs: its path, and its values.
pub(super) type Differing = (String, Option<String>, Option<String>);

/// Where a field is: keys in words.
pub(super) type Path = Vec<String>;

impl Fields {
    /// Takes the fields of `value`, leaving out the keys `without` at its top.
    pub(super) fn of(value: &Value, without: &[&str]) -> Fields {
        let mut fields = Fields::default();
        if let Value::Object(map) = value {
            for (key, value) in map.iter().filter(|(key, _)| !without.contains(&key.as_str())) {
                fields.add(&[], key, value);
            }
        } else {
            fields.add(&[], "", value);
        }
        fields
    }

    fn add(&mut self, above: &[String], key: &str, value: &Value) {
        let mut path = above.to_vec();
        if !SILENT.contains(&key) {
            path.push(spell::words(key));
        }
        if let Some(text) = spell::whole(key, value) {
            self.put(path, text);
            return;
        }
        match value {
            Value::Array(items) if are_steps(items) => {
                self.lists.insert(path, items.clone());
            }
            Value::Array(items) => self.add_items(&path, items),
            // Of an action the fields say enough; another kind is told apart before.
            Value::Object(map) if key == "action" && map.len() == 1 => {
                map.values().for_each(|inner| self.add(&path, "", inner));
            }
            Value::Object(map) => {
                // A JSON body keeps its keys in a list of pairs under `object`.
                match map.get("object").and_then(Value::as_array).filter(|_| map.len() == 1) {
                    Some(pairs) if pairs.is_empty() => self.put(path, "{}".to_owned()),
                    Some(pairs) => self.add_items(&path, pairs),
                    None => {
                        for (key, value) in map {
                            self.add(&path, key, value);
                        }
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Adds a list whose items go by name, by path, by the first of a pair, or else by place.
    fn add_items(&mut self, path: &[String], items: &[Value]) {
        for (at, item) in items.iter().enumerate() {
            let (name, value) = named(item);
            let mut below = path.to_vec();
            below.push(name.unwrap_or_else(|| (at + 1).to_string()));
            self.add(&below, "", &value);
        }
    }

    /// A path for the second time, such as that of a query parameter given twice, gets a number.
    fn put(&mut self, mut path: Path, text: String) {
        let mut turn = 2;
        while self.values.contains_key(&path) {
            if turn > 2 {
                path.pop();
            }
            path.push(turn.to_string());
            turn += 1;
        }
        self.values.insert(path, text);
    }
}

/// Returns the name of a list's item, and what is left of it.
fn named(item: &Value) -> (Option<String>, Value) {
    match item {
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(name), value] => (Some(name.clone()), value.clone()),
            _ => (None, item.clone()),
        },
        Value::Object(map) => {
            let key = ["name", "path"]
                .into_iter()
                .find(|key| map.get(*key).is_some_and(Value::is_string));
            let Some(key) = key else { return (None, item.clone()) };
            let mut rest = map.clone();
            let name = rest.remove(key).and_then(|name| name.as_str().map(str::to_owned));
            if let Some(value) = rest.remove("value").filter(|_| rest.is_empty()) {
                return (name, value);
            }
            (name, Value::Object(rest))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (None, item.clone()),
    }
}

fn are_steps(items: &[Value]) -> bool {
    let step = |item: &Value| item.get("name").is_some() && item.get("action").is_some();
    !items.is_empty() && items.iter().all(step)
}

/// Returns the fields that differ, as (words, old, new), in the order of their paths.
pub(super) fn differing(old: &Fields, new: &Fields) -> Vec<Differing> {
    let paths: std::collections::BTreeSet<&Path> =
        old.values.keys().chain(new.values.keys()).collect();
    let value = |fields: &Fields, path: &Path| fields.values.get(path).cloned();
    let both = paths.into_iter().map(|path| (path.join(" "), value(old, path), value(new, path)));
    both.filter(|(_, old, new)| old != new).collect()
}
