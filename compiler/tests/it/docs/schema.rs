//! The schema of plans as the documentation reads it: in the order in which it is written.

use compiler::diagnostic::Diagnostics;
use compiler::schema::PLAN_SCHEMA;
use compiler::source::{FileId, Source};
use compiler::syntax::{self, Tree};
use jsonschema::Validator;
use serde_json::Value;

use super::markdown;

/// The schema, as values and in order.
pub(super) struct Schema {
    pub(super) root: Value,
    order: Tree,
}

/// A key of the language.
pub(super) struct Key {
    /// `definition.key`.
    pub(super) name: String,
    /// Where its schema stands, as a JSON pointer.
    pub(super) pointer: String,
}

impl Schema {
    pub(super) fn read() -> Schema {
        // JSON is YAML, and our own reader keeps the order of keys.
        let source = Source::new(FileId(0), "plan.schema.json", PLAN_SCHEMA);
        let order = syntax::parse(&source, &mut Diagnostics::new()).unwrap();
        Schema { root: serde_json::from_str(PLAN_SCHEMA).unwrap(), order }
    }

    /// Returns the keys of the mapping at `pointer`, in order.
    pub(super) fn keys(&self, pointer: &str) -> Vec<String> {
        let node = self.order.pointer(pointer).map(|pointed| pointed.node);
        node.iter().flat_map(|node| node.entries()).map(|(entry, _)| entry.key.clone()).collect()
    }

    /// Returns the examples of the key at `pointer`, each on one line of YAML.
    pub(super) fn examples(&self, pointer: &str) -> Vec<String> {
        let own = self.order.pointer(&format!("{pointer}/examples"));
        if let Some(examples) = own {
            return examples.node.items().map(markdown::inline).collect();
        }
        match self.at(pointer)["$ref"].as_str() {
            Some(target) => self.examples(target.trim_start_matches('#')),
            None => Vec::new(),
        }
    }

    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.root.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Returns the schema at `pointer` with its `$ref` laid below it: what stands beside `$ref` wins.
    pub(super) fn resolved(&self, pointer: &str) -> Value {
        let own = self.at(pointer);
        let Some(target) = own["$ref"].as_str() else { return own.clone() };
        let mut whole = self.resolved(target.trim_start_matches('#'));
        for (key, value) in own.as_object().unwrap().iter().filter(|(key, _)| *key != "$ref") {
            whole[key] = value.clone();
        }
        whole
    }

    /// Returns the names of all definitions, in order.
    pub(super) fn definitions(&self) -> Vec<String> {
        self.keys("/$defs")
    }

    /// Returns every key of the language, definition by definition.
    pub(super) fn every_key(&self) -> Vec<Key> {
        let mut found = Vec::new();
        self.collect("", "plan", &mut found);
        for name in self.definitions() {
            self.collect(&format!("/$defs/{name}"), &name, &mut found);
        }
        found
    }

    fn collect(&self, pointer: &str, name: &str, found: &mut Vec<Key>) {
        for key in self.keys(&format!("{pointer}/properties")) {
            let (pointer, name) = (format!("{pointer}/properties/{key}"), format!("{name}.{key}"));
            found.push(Key { name: name.clone(), pointer: pointer.clone() });
            self.collect(&pointer, &name, found);
        }
        for inner in ["items", "additionalProperties"] {
            let pointer = format!("{pointer}/{inner}");
            if self.at(&pointer).is_object() {
                self.collect(&pointer, name, found);
            }
        }
    }

    /// Returns what judges a value of the schema at `pointer`.
    pub(super) fn validator(&self, pointer: &str) -> Validator {
        let whole = serde_json::json!({
            "$schema": self.root["$schema"],
            "$defs": self.root["$defs"],
            "allOf": [self.at(pointer)],
        });
        jsonschema::draft202012::new(&whole).unwrap()
    }
}
