//! (pure) What changed between two artifacts, by meaning: loads, steps, shares, conditions; not lines.
//!
//! What follows from something else (slot numbers, digests) is no difference of its own. Everything else is compared:
//! parts without words of their own go through `fields`, which knows no construct and so misses none.

mod fields;
mod load;
mod render;
mod scenario;
mod seats;
mod spell;
mod steps;
mod threshold;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use self::render::{human, markdown};
use crate::artifact::{Artifact, Endpoint, HttpOptions, Step};
use crate::explain::label;

/// Version of the JSON form.
const FORMAT: u32 = 1;

/// All that differs between two artifacts.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Version of this form.
    pub format: u32,
    /// Whether nothing differs.
    pub equal: bool,
    /// The first artifact.
    pub old: Side,
    /// The second artifact.
    pub new: Side,
    /// What differs, from the plan's own settings to its pass conditions.
    pub changes: Vec<Change>,
}

/// One of the two artifacts.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Name of the plan.
    pub plan: String,
    /// Digest of its artifact.
    pub digest: String,
    /// Arrivals of all scenarios whose number is known.
    pub arrivals: u64,
}

/// One thing that differs.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// What it belongs to, such as `scenario checkout, step order`.
    pub subject: String,
    /// How it differs.
    pub kind: Kind,
    /// What of the subject differs, such as `expects duration`; empty for the subject as a whole.
    pub label: String,
    /// Its value in the first artifact; `null` if it has none.
    pub old: Option<String>,
    /// Its value in the second artifact; `null` if it has none.
    pub new: Option<String>,
    /// What follows, such as `+6 000 arrivals`; empty if nothing is worth saying.
    pub note: String,
}

/// How something differs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only the second artifact has it.
    Added,
    /// Only the first artifact has it.
    Removed,
    /// Both have it, with other values.
    Changed,
    /// Both have it, under other names.
    Renamed,
}

impl Change {
    /// Returns a change of one value of `subject`.
    fn value(
        subject: &str,
        label: impl Into<String>,
        old: Option<String>,
        new: Option<String>,
    ) -> Change {
        let (subject, label) = (subject.to_owned(), label.into());
        Change { subject, kind: Kind::Changed, label, old, new, note: String::new() }
    }

    fn added(subject: String, new: String) -> Change {
        let (kind, label, note) = (Kind::Added, String::new(), String::new());
        Change { subject, kind, label, old: None, new: Some(new), note }
    }

    fn removed(subject: String, old: String) -> Change {
        let (kind, label, note) = (Kind::Removed, String::new(), String::new());
        Change { subject, kind, label, old: Some(old), new: None, note }
    }

    fn renamed(subject: String, new: &str) -> Change {
        let (kind, label, note) = (Kind::Renamed, String::new(), String::new());
        Change { subject, kind, label, old: None, new: Some(new.to_owned()), note }
    }

    fn with_note(mut self, note: String) -> Change {
        self.note = note;
        self
    }
}

/// Returns what differs between `old` and `new`; nothing exactly if they mean the same.
///
/// The order of headers, parameters and fields is no meaning, and neither is the numbering of random draws in a step.
pub fn compare(old: &Artifact, new: &Artifact) -> Difference {
    let mut changes = Vec::new();
    plan(old, new, &mut changes);
    scenario::compare(old, new, &mut changes);
    threshold::compare(&old.thresholds, &new.thresholds, &mut changes);
    values("delivery", &old.delivery, &new.delivery, &[], &mut changes);
    Difference {
        format: FORMAT,
        equal: changes.is_empty(),
        old: side(old),
        new: side(new),
        changes,
    }
}

fn side(artifact: &Artifact) -> Side {
    let arrivals = artifact.scenarios.values().map(|scenario| scenario.planned);
    Side {
        plan: artifact.plan.clone(),
        digest: artifact.digest.clone(),
        arrivals: arrivals.fold(0, u64::saturating_add),
    }
}

/// Compares everything but scenarios and conditions; the compiler asks for a line if the format gains a part.
fn plan(old: &Artifact, new: &Artifact, changes: &mut Vec<Change>) {
    let Artifact {
        artifact,
        plan,
        description,
        seed,
        vars,
        secrets,
        endpoints,
        data,
        lists,
        files,
        transactions,
        before,
        after,
        nodes,
        sinks,
        // They have functions of their own.
        scenarios: _,
        thresholds: _,
        delivery: _,
        // They follow from the rest.
        slots: _,
        digest: _,
    } = old;
    let mut text = |label: &str, old: &str, new: &str| {
        if old != new {
            let said = |text: &str| (!text.is_empty()).then(|| label::printable(text));
            changes.push(Change::value("plan", label, said(old), said(new)));
        }
    };
    text("artifact format", &artifact.to_string(), &new.artifact.to_string());
    text("name", plan, &new.plan);
    text("description", description, &new.description);
    text("seed", &seed.to_string(), &new.seed.to_string());
    section("var", (vars, &new.vars), json, changes);
    section("secret", (secrets, &new.secrets), json, changes);
    section("endpoint", (endpoints, &new.endpoints), endpoint, changes);
    section(
        "data",
        (data, &new.data),
        |data| fields::said(json(data), &[("format", "csv")]),
        changes,
    );
    section("list", (lists, &new.lists), json, changes);
    section("file", (files, &new.files), json, changes);
    section("transaction", (transactions, &new.transactions), json, changes);
    around("before", before, &new.before, changes);
    around("after", after, &new.after, changes);
    section("sink", (sinks, &new.sinks), json, changes);
    section("group", (&nodes.groups, &new.nodes.groups), json, changes);
    values("nodes", nodes, &new.nodes, &["groups"], changes);
}

/// Compares the steps that run once around the load.
fn around(word: &str, old: &[Step], new: &[Step], changes: &mut Vec<Change>) {
    let list = |steps: &[Step]| steps.iter().map(json).collect::<Vec<_>>();
    steps::compare(word, &list(old), &list(new), changes);
}

/// Compares two maps of things that go by name, each as `spell` writes it.
fn section<T: PartialEq>(
    word: &str,
    (old, new): (&BTreeMap<String, T>, &BTreeMap<String, T>),
    spell: fn(&T) -> Value,
    changes: &mut Vec<Change>,
) {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let subject = format!("{word} {name}");
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old != new => {
                named(&subject, spell(old), spell(new), changes);
            }
            (None, Some(new)) => changes.push(Change::added(subject, summary(&spell(new)))),
            (Some(old), None) => changes.push(Change::removed(subject, summary(&spell(old)))),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Compares two things of one name. Another kind of connection, source or sink is one change without its fields.
fn named(subject: &str, mut old: Value, mut new: Value, changes: &mut Vec<Change>) {
    let mut whole = |label: &str, old: &Value, new: &Value| {
        changes.push(Change::value(subject, label, Some(summary(old)), Some(summary(new))));
    };
    let mut without: &[&str] = &[];
    if kind(&old) != kind(&new) {
        return whole("", &old, &new);
    }
    if let (Some(from), Some(to)) = (old.get("to"), new.get("to"))
        && kind(from) != kind(to)
    {
        whole("to", from, to);
        without = &["to"];
    }
    fields::drop_sizes(&mut old, &mut new);
    parts(subject, &old, &new, without, changes);
}

/// Returns the only key of an object that has one key.
fn kind(value: &Value) -> Option<&String> {
    value.as_object().filter(|map| map.len() == 1).and_then(|map| map.keys().next())
}

/// Returns an endpoint with the settings that files leave out.
fn endpoint(endpoint: &Endpoint) -> Value {
    let mut value = json(endpoint);
    if let Some(Value::Object(http)) = value.get_mut("http") {
        http.entry("options").or_insert_with(|| json(&HttpOptions::default()));
    }
    value
}

/// Compares two parts field by field, without the keys `without`.
fn values<T: PartialEq + Serialize>(
    subject: &str,
    old: &T,
    new: &T,
    without: &[&str],
    changes: &mut Vec<Change>,
) {
    if old != new {
        parts(subject, &json(old), &json(new), without, changes);
    }
}

fn parts(subject: &str, old: &Value, new: &Value, without: &[&str], changes: &mut Vec<Change>) {
    let mut old = fields::Fields::of(old, without);
    let mut new = fields::Fields::of(new, without);
    let differing = fields::differing(&mut old, &mut new);
    changes.extend(
        differing.into_iter().map(|(label, old, new)| Change::value(subject, label, old, new)),
    );
    steps::nested(subject, &old, &new, changes);
}

/// Returns all fields of a part on one line.
fn summary(part: &Value) -> String {
    // Whether a run may override a var is no part of what it is.
    let fields = fields::Fields::of(part, &["fixed"]);
    let said = fields
        .values
        .iter()
        .filter(|(path, text)| path.is_empty() || !fields::NOTHING.contains(&text.as_str()));
    let field = |(path, text): (&fields::Path, &String)| format!("{} {text}", path.join(" "));
    let mut all: Vec<String> = said.map(|pair| field(pair).trim().to_owned()).collect();
    for steps in fields.lists.values() {
        let names: Vec<&str> = steps.iter().map(steps::name).collect();
        all.push(format!("steps {}", names.join(", ")));
    }
    all.join(", ")
}

/// Returns a part of an artifact as JSON; a part of an artifact always can be.
fn json<T: Serialize>(part: &T) -> Value {
    serde_json::to_value(part).unwrap_or(Value::Null)
}

/// Returns `+6 000 arrivals` or `−6 000 arrivals`; nothing for no difference.
fn more(old: u64, new: u64, what: &str) -> String {
    match old.cmp(&new) {
        std::cmp::Ordering::Less => format!("+{} {what}", label::number(new - old)),
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("−{} {what}", label::number(old - new)),
    }
}
