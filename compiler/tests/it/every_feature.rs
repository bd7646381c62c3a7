//! The plans `plans/every-*.yaml` together use every key that the schema knows, so that schema, compiler and engine cannot drift.

#![expect(clippy::disallowed_methods, reason = "the test reads the plan")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use compiler::diagnostic::Diagnostics;
use compiler::source::{FileId, Source};
use compiler::syntax::{self, Kind, Node};
use serde_json::Value;

use crate::golden;

/// Keys, each as `definition.key`.
type Keys = BTreeSet<String>;

/// Walks `schema` beside `node`, and notes each property that the plan uses.
fn visit(schema: &Value, place: &str, root: &Value, node: Node<'_>, used: &mut Keys) {
    if let Some(target) = schema["$ref"].as_str() {
        let definition = target.trim_start_matches("#/$defs/");
        visit(&root["$defs"][definition], definition, root, node, used);
    }
    for combined in ["anyOf", "allOf", "oneOf"] {
        for branch in schema[combined].as_array().into_iter().flatten() {
            visit(branch, place, root, node, used);
        }
    }
    for branch in ["then", "else"] {
        if schema[branch].is_object() {
            visit(&schema[branch], place, root, node, used);
        }
    }
    for (entry, value) in node.entries() {
        let known = &schema["properties"][&entry.key];
        if known.is_null() {
            visit(&schema["additionalProperties"], place, root, value, used);
        } else {
            used.insert(format!("{place}.{}", entry.key));
            visit(known, &format!("{place}.{}", entry.key), root, value, used);
        }
    }
    for item in node.items() {
        visit(&schema["items"], place, root, item, used);
    }
}

/// Lists every property that `schema` knows.
fn list(schema: &Value, place: &str, known: &mut Keys) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        known.insert(format!("{place}.{key}"));
        list(property, &format!("{place}.{key}"), known);
    }
    for combined in ["anyOf", "allOf", "oneOf"] {
        for branch in schema[combined].as_array().into_iter().flatten() {
            list(branch, place, known);
        }
    }
    for inner in ["items", "additionalProperties", "then", "else"] {
        if schema[inner].is_object() {
            list(&schema[inner], place, known);
        }
    }
}

#[test]
fn every_feature_uses_every_key() {
    let root: Value = serde_json::from_str(compiler::schema::PLAN_SCHEMA).unwrap();
    let mut known = Keys::new();
    list(&root, "plan", &mut known);
    for (name, definition) in root["$defs"].as_object().unwrap() {
        list(definition, name, &mut known);
    }
    assert!(known.len() > 80, "the schema was read: {}", known.len());

    let mut used = Keys::new();
    for path in plans() {
        let text = fs::read_to_string(&path).unwrap();
        let source = Source::new(FileId(0), path.display().to_string(), text);
        let tree = syntax::parse(&source, &mut Diagnostics::new()).unwrap();
        assert!(matches!(tree.root().kind(), Kind::Map(_)));
        visit(&root, "plan", &root, tree.root(), &mut used);
    }
    let unused: Vec<&String> = known.difference(&used).collect();
    assert!(unused.is_empty(), "keys that no plans/every-*.yaml uses: {unused:#?}");
}

/// Returns the plans that use every key, each of a section of the language, and the parts that they include.
fn plans() -> Vec<PathBuf> {
    let folder = golden::repository().join("plans");
    let entries = [folder.clone(), folder.join("parts")]
        .map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("every-") && name.ends_with(".yaml")
    };
    paths.filter(is_one).collect()
}
