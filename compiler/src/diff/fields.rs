//! (pure) Any part of an artifact as named fields, so that two of them can be held against each other and nothing is missed.
//!
//! Works on the JSON of the part: a construct that the format gains later is compared without a line here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::spell;

/// Keys that a reader does not need: what they hold says the same.
const SILENT: [&str; 8] = ["", "action", "http", "check", "equals", "number", "value", "file"];

/// Keys whose mapping has names of the plan's own, which are no words of the format.
const NAMED: [&str; 4] = ["vars", "requires", "with", "returns"];

/// What stands for an item that has nothing to tell.
const EMPTY: &str = "empty";

/// Values that need no word where a whole part is told.
pub(super) const NOTHING: [&str; 3] = ["false", "0", "0s"];

/// A part's fields by path, and the step lists in it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Path in words → value in words. A field without a value (`null`, an empty list) is not there.
    pub(super) values: BTreeMap<Path, String>,
    /// Path → a list of steps, which is compared by names.
    pub(super) lists: BTreeMap<Path, Vec<Value>>,
    /// Paths of the items of lists.
    items: BTreeSet<Path>,
    /// Path → the names of branches, of which the first one that holds is taken.
    orders: BTreeMap<Path, Vec<String>>,
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
        if let (true, Value::Object(map)) = (NAMED.contains(&key), value) {
            for (name, value) in map {
                let mut below = path.clone();
                below.push(name.clone());
                self.items.insert(below.clone());
                self.add(&below, "", value);
            }
            return;
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
        let mut names: Vec<String> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let (name, value) = named(item);
            let name = name.filter(|name| !names.contains(name));
            let name = name.unwrap_or_else(|| (at + 1).to_string());
            let mut below = path.to_vec();
            below.push(name.clone());
            names.push(name);
            self.items.insert(below.clone());
            self.add(&below, "", &value);
        }
        if items.iter().any(|item| is_branch(item) && item.get("when").is_some()) {
            self.orders.insert(path.to_vec(), names);
        }
    }

    /// Returns what stands under a path on one line.
    fn under(&self, item: &Path) -> String {
        let below = |path: &Path| path.get(item.len()..).unwrap_or_default().join(" ");
        let values = self.values.iter().filter(|(path, _)| path.starts_with(item));
        let value = |(path, text): (&Path, &String)| format!("{} {text}", below(path));
        let mut all: Vec<String> = values
            .filter(|(path, text)| path.len() == item.len() || !NOTHING.contains(&text.as_str()))
            .map(|each| value(each).trim().to_owned())
            .collect();
        let lists = self.lists.iter().filter(|(path, _)| path.starts_with(item));
        all.extend(lists.map(|(path, steps)| {
            let names: Vec<&str> = steps.iter().map(super::steps::name).collect();
            format!("{} {}", below(path), names.join(", "))
        }));
        all.join(", ")
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
        Value::Object(_) if is_branch(item) => (branch_name(item), item.clone()),
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

/// Returns a part with the words that files leave out where a plan need not say them.
pub(super) fn said(mut part: Value, unsaid: &[(&str, &str)]) -> Value {
    if let Value::Object(map) = &mut part {
        for (key, word) in unsaid {
            map.entry(*key).or_insert_with(|| Value::from(*word));
        }
    }
    part
}

/// Drops the sizes of files whose contents differ: the digests say so.
pub(super) fn drop_sizes(old: &mut Value, new: &mut Value) {
    for pointer in ["", "/file"] {
        let digest =
            |part: &Value| part.pointer(pointer).and_then(|file| file.get("digest")).cloned();
        if digest(old) == digest(new) {
            continue;
        }
        for part in [&mut *old, &mut *new] {
            let file = part.pointer_mut(pointer).and_then(Value::as_object_mut);
            file.and_then(|file| file.remove("bytes"));
        }
    }
}

fn is_branch(item: &Value) -> bool {
    item.get("weight").is_some() && item.get("steps").is_some()
}

/// Returns a branch's first step that has a name of its own: a place would change with the branches before it.
fn branch_name(branch: &Value) -> Option<String> {
    let steps = branch.get("steps").and_then(Value::as_array)?;
    let mut names = steps.iter().map(super::steps::name);
    names.find(|name| !name.starts_with('#')).map(str::to_owned)
}

/// Takes away the items of lists that only one side has, the outermost of each, and returns them as fields that differ.
fn alone(old: &mut Fields, new: &mut Fields) -> Vec<(Path, Option<String>, Option<String>)> {
    let items: BTreeSet<Path> = old.items.symmetric_difference(&new.items).cloned().collect();
    let mut found = Vec::new();
    for item in items {
        let [before, after] = [&*old, &*new].map(|side| {
            side.items.contains(&item).then(|| match side.under(&item) {
                text if text.is_empty() => EMPTY.to_owned(),
                text => text,
            })
        });
        // An item of one that is alone itself was told with it; it comes right behind.
        if found.last().is_some_and(|(told, ..): &(Path, _, _)| item.starts_with(told)) {
            continue;
        }
        for side in [&mut *old, &mut *new] {
            side.values.retain(|path, _| !path.starts_with(&item));
            side.lists.retain(|path, _| !path.starts_with(&item));
        }
        found.push((item, before, after));
    }
    found
}

/// Returns the fields that differ, as (words, old, new), in the order of their paths, and leaves the lists of steps
/// that both sides are to be compared by.
pub(super) fn differing(old: &mut Fields, new: &mut Fields) -> Vec<Differing> {
    let mut found = alone(old, new);
    let paths: BTreeSet<&Path> = old.values.keys().chain(new.values.keys()).collect();
    let value = |fields: &Fields, path: &Path| fields.values.get(path).cloned();
    let both = paths.into_iter().map(|path| (path.clone(), value(old, path), value(new, path)));
    found.extend(both.filter(|(_, old, new)| old != new));
    for (path, before) in &old.orders {
        let Some(after) = new.orders.get(path) else { continue };
        let common = |names: &[String], others: &[String]| -> Vec<String> {
            names.iter().filter(|name| others.contains(name)).cloned().collect()
        };
        let (before, after) = (common(before, after), common(after, before));
        if before != after {
            let mut path = path.clone();
            path.push("order".to_owned());
            found.push((path, Some(before.join(", ")), Some(after.join(", "))));
        }
    }
    found.sort();
    found.into_iter().map(|(path, old, new)| (path.join(" "), old, new)).collect()
}
