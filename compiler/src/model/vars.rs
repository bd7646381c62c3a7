//! (pure) `vars`, and what `--var`, `--var-file` and `--environment` make of them.

use std::collections::BTreeMap;

use crate::artifact::{Json, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::model::environment;
use crate::model::lower::{Lower, Site, json_name, misplaced, plain};
use crate::model::name::Section;
use crate::source::{Source, Span};
use crate::syntax::{self, Entry, Kind, Node};

/// What a caller changes of a plan before it is compiled; the command line's flags.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--var k=v`: texts, read as the type that the plan gives the var.
    pub vars: BTreeMap<String, String>,
    /// `--var-file`: a YAML mapping from names to values.
    pub var_file: Option<Source>,
    /// `--environment`: one of the plan's `environments`.
    pub environment: Option<String>,
    /// `--seed`: replaces the plan's.
    pub seed: Option<u64>,
}

/// Lowers the `vars` of `top`, which has the environment in it (`written` has not), and applies what the caller gives: `--var` before `--var-file` before the plan.
pub(super) fn lower(
    top: Node<'_>,
    written: Node<'_>,
    source: &Source,
    overrides: &Overrides,
    sink: &mut Diagnostics,
) -> Section<Json> {
    let mut vars = values(top, source, sink);
    // What is wrong in the plan's own vars has been said just now.
    let own = values(written, source, &mut Diagnostics::new());
    environments((written, overrides.environment.as_deref()), &own, source, sink);
    if let Some(file) = &overrides.var_file {
        from_file(&mut vars, file, sink);
    }
    for (name, text) in &overrides.vars {
        let span = vars.span.unwrap_or(source.span(0, 0));
        if let Some(var) = vars.get_mut(name) {
            let Some(declared) = &var.value else { continue };
            match parse_as(declared, text) {
                Ok(value) => var.value = Some(value),
                Err(wanted) => sink.push(
                    Diagnostic::error(
                        "plan::override::kind",
                        var.span,
                        format!("`--var {name}={text}` gives `{name}` no {wanted}"),
                    )
                    .label(format!("declared as {wanted} here"))
                    .help(format!("give {wanted}, as the plan does")),
                ),
            }
        } else if vars.complete {
            sink.push(undeclared(&vars, "`--var`", name, span));
        }
    }
    vars
}

fn values(top: Node<'_>, source: &Source, sink: &mut Diagnostics) -> Section<Json> {
    let none = BTreeMap::new();
    let mut work = Lower::new(source, &none, sink);
    Section::lower(top, "vars", |_, node| constant(&mut work, node))
}

/// Lowers a value without templates.
pub(super) fn constant(work: &mut Lower<'_>, node: Node<'_>) -> Option<Json> {
    let json = work.json(node, Site::Var);
    let uses = work.take_uses();
    match uses.first() {
        Some(read) => {
            let what =
                if matches!(read.from, SlotSource::Secret(_)) { "a secret" } else { "a template" };
            let help = "the value of a var holds no templates; write it out where it is used";
            work.push(misplaced(read.span, what, "the value of a var", help));
            None
        }
        None => json,
    }
}

fn from_file(vars: &mut Section<Json>, file: &Source, sink: &mut Diagnostics) {
    let Some(tree) = syntax::parse(file, sink) else { return };
    let root = tree.root();
    if !matches!(root.kind(), Kind::Map(_) | Kind::Hole) {
        let found =
            Diagnostic::error("plan::override::kind", root.span(), "the var file is no mapping");
        sink.push(found.label("not names and values").help("write `name: value`, one a line"));
        return;
    }
    let none = BTreeMap::new();
    for (entry, node) in root.entries() {
        let mut work = Lower::new(file, &none, sink);
        let value = constant(&mut work, node);
        let bad = value.as_ref().and_then(|json| refused(vars, "the var file", entry, json));
        sink.extend(bad);
        if let Some(var) = vars.get_mut(&entry.key) {
            var.value = value;
        }
    }
}

/// Checks the vars of the chosen environment, or of every one, against the plan's own.
fn environments(
    (top, chosen): (Node<'_>, Option<&str>),
    vars: &Section<Json>,
    source: &Source,
    sink: &mut Diagnostics,
) {
    let none = BTreeMap::new();
    for (environment, node) in environment::of(top, chosen) {
        for (entry, node) in node.get("vars").into_iter().flat_map(Node::entries) {
            let mut work = Lower::new(source, &none, sink);
            let Some(json) = constant(&mut work, node) else { continue };
            let giver = format!("the environment `{}`", environment.key);
            let bad = refused(vars, &giver, entry, &json);
            sink.extend(bad);
        }
    }
}

/// Says why `giver` cannot give the var of `entry` the value `json`, if so.
pub(super) fn refused(
    vars: &Section<Json>,
    giver: &str,
    entry: &Entry,
    json: &Json,
) -> Option<Diagnostic> {
    let name = &entry.key;
    let Some(var) = vars.get(name) else {
        return vars.complete.then(|| undeclared(vars, giver, name, entry.key_span));
    };
    let declared = var.value.as_ref()?;
    let same = std::mem::discriminant(declared) == std::mem::discriminant(json);
    if same || *declared == Json::Null {
        return None;
    }
    let message = format!("{giver} gives `{name}` another kind of value");
    Some(
        Diagnostic::error("plan::override::kind", entry.key_span, message)
            .label(format!("not {}", json_name(declared)))
            .also(var.span, format!("declared as {} here", json_name(declared)))
            .help(format!("give {}, as the plan does", json_name(declared))),
    )
}

fn undeclared(vars: &Section<Json>, giver: &str, name: &str, span: Span) -> Diagnostic {
    let message = format!("{giver} names `{name}`, which the plan does not declare");
    let found = Diagnostic::error("plan::override::unknown", span, message).label("no such var");
    match nearest(name, vars.names()) {
        Some(near) => found.suggest(near),
        None => found.help(format!("declare it under `vars`: `{name}: …`")),
    }
}

/// Reads `text` as the kind of value that the plan gives the var; the error says which kind that is.
fn parse_as(declared: &Json, text: &str) -> Result<Json, &'static str> {
    let parsed = || serde_json::from_str::<serde_json::Value>(text).ok().map(from_value);
    match declared {
        Json::Number(_) => match parsed() {
            Some(Json::Number(_)) => Ok(Json::Number(text.trim().to_owned())),
            _ => Err("number"),
        },
        Json::Bool(_) => text.parse().map(Json::Bool).map_err(|_| "boolean"),
        Json::List(_) => {
            parsed().filter(|json| matches!(json, Json::List(_))).ok_or("list, as JSON")
        }
        Json::Object(_) => {
            parsed().filter(|json| matches!(json, Json::Object(_))).ok_or("mapping, as JSON")
        }
        Json::Null => Ok(parsed().unwrap_or_else(|| plain(text.to_owned()))),
        Json::Text(_) | Json::Slot(_) => Ok(plain(text.to_owned())),
    }
}

fn from_value(value: serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(value) => Json::Bool(value),
        serde_json::Value::Number(number) => Json::Number(number.to_string()),
        serde_json::Value::String(text) => plain(text),
        serde_json::Value::Array(items) => Json::List(items.into_iter().map(from_value).collect()),
        serde_json::Value::Object(fields) => {
            Json::Object(fields.into_iter().map(|(key, value)| (key, from_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_read_as_the_declared_kind() {
        let number = Json::Number("1".to_owned());
        assert_eq!(parse_as(&number, "2.5"), Ok(Json::Number("2.5".to_owned())));
        assert_eq!(parse_as(&number, "x"), Err("number"));
        assert_eq!(parse_as(&Json::Bool(true), "false"), Ok(Json::Bool(false)));
        assert_eq!(parse_as(&Json::Bool(true), "yes"), Err("boolean"));
        assert_eq!(parse_as(&plain("a".to_owned()), "7"), Ok(plain("7".to_owned())));
        let list = Json::List(vec![]);
        assert_eq!(parse_as(&list, "[1]"), Ok(Json::List(vec![number])));
        assert_eq!(parse_as(&list, "{}"), Err("list, as JSON"));
    }
}
