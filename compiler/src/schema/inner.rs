//! (pure) Keys that are written a level too high, where what they belong to is left out: they are told of once.

use super::{fault, steps};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::syntax::{ElementId, Node, Tree};

/// Keys of a stage.
const STAGE: [&str; 6] = ["rate", "users", "for", "count", "count_each", "within"];

/// Sections of things with names, what each is, and keys that such a thing has.
const SECTIONS: [(&str, &str, &[&str]); 6] = [
    ("scenarios", "a scenario", &["load", "steps", "observe"]),
    ("transactions", "a transaction", &["steps", "params", "returns"]),
    ("traffic", "a traffic", &["load", "mix"]),
    ("data", "the data", &["file", "take"]),
    ("thresholds", "a threshold", &["require"]),
    ("environments", "an environment", &["vars", "thresholds"]),
];

/// Returns where `key` belongs, if it is known one level below `context` or beside it.
pub(super) fn belongs(context: &str, key: &str) -> Option<&'static str> {
    Some(match (context, key) {
        ("branch", key) if is_of_step(key) => {
            "write the steps of a branch as a list: `steps: [ { step: …, http: … } ]`"
        }
        ("load", "users" | "count_each" | "within") => {
            "write stages as a list: `closed: [ { users: 5, for: 30s } ]`"
        }
        ("load", key) if STAGE.contains(&key) => {
            "write stages as a list: `open: [ { rate: 10/s, for: 30s } ]`"
        }
        ("open_stage", "users" | "count_each" | "within") => {
            "users belong to a closed load: `load: { closed: [ { users: 5, for: 30s } ] }`"
        }
        ("closed_stage", "rate") => {
            "a rate belongs to an open load: `load: { open: [ { rate: 10/s, for: 30s } ] }`"
        }
        ("traffic", "open" | "closed") => "write it under `load`: `load: { open: [ … ] }`",
        ("traffic", "scenarios" | "weights" | "shares") => {
            "write it as `mix`: `mix: { browse: 60, checkout: 10 }`"
        }
        ("repeat", "times" | "count" | "turns" | "max") => "write it as `at_most`",
        _ => return None,
    })
}

/// Returns whether a key above `key` in the same mapping has said already that what they belong to is left out.
pub(super) fn is_told(context: &str, node: Node<'_>, key: &str) -> bool {
    let told = |key: &str| belongs(context, key).is_some();
    let known = fault::known_keys(context);
    let above = node.entries().map(|(entry, _)| entry.key.as_str()).take_while(|one| *one != key);
    matches!(context, "branch" | "load")
        && told(key)
        && above.into_iter().any(|one| told(one) && !known.iter().any(|known| known == one))
}

/// Returns whether a key of `node` may be meant as one that is missing.
pub(super) fn has_strangers(context: &str, node: Node<'_>) -> bool {
    matches!(context, "traffic" | "repeat")
        && node.entries().any(|(entry, _)| belongs(context, &entry.key).is_some())
}

/// Reports sections that hold the keys of one thing and not its name, and returns what is broken by that.
pub(super) fn nameless(tree: &Tree, sink: &mut Diagnostics) -> Vec<ElementId> {
    let mut broken: Vec<ElementId> =
        steps::all(tree).into_iter().filter_map(|step| captured_as(step, sink)).collect();
    for (section, thing, keys) in SECTIONS {
        let Some(node) = tree.root().get(section) else { continue };
        let is_key = |key: &str| keys.contains(&key);
        let named = |value: Node<'_>| value.entries().any(|(entry, _)| is_key(&entry.key));
        let all =
            node.entries().all(|(entry, value)| is_known(section, &entry.key) && !named(value));
        let first = node.entries().find(|(entry, _)| is_key(&entry.key));
        let Some((entry, _)) = first.filter(|_| all) else { continue };
        let message = format!("`{}` stands where the name of {thing} belongs", entry.key);
        sink.push(
            Diagnostic::error("plan::schema::missing-key", entry.key_span, message)
                .label(format!("a key of {thing}, which has no name"))
                .help(format!(
                    "give it a name: `{section}:`, below it `some_name:`, and the keys below that"
                )),
        );
        broken.push(node.id());
    }
    broken
}

/// Reports `capture: { json: $.id, as: id }`, and returns it.
fn captured_as(step: Node<'_>, sink: &mut Diagnostics) -> Option<ElementId> {
    let node = step.get("capture")?;
    let one = node.items().next().unwrap_or(node);
    let (named, name) = one.entry("as")?;
    let (source, what) = one.entries().find(|(entry, _)| entry.key != "as")?;
    let (name, what) = (name.as_str()?, what.as_str()?);
    let message = "`as` does not name a capture: its name is the key";
    sink.push(
        Diagnostic::error("plan::schema::unknown-key", named.key_span, message)
            .label("the name of the capture")
            .help(format!("write `capture: {{ {name}: {{ {}: \"{what}\" }} }}`", source.key)),
    );
    Some(node.id())
}

/// Returns whether `key` is one of what stands in `section`.
fn is_known(section: &str, key: &str) -> bool {
    let context = match section {
        "traffic" | "data" => section,
        plural => plural.strip_suffix('s').unwrap_or(plural),
    };
    fault::known_keys(context).iter().any(|known| known == key)
}

fn is_of_step(key: &str) -> bool {
    !fault::known_keys("branch").iter().any(|known| known == key)
        && fault::known_keys("step").iter().any(|known| known == key)
}
