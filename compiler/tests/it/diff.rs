//! Differences are told by meaning: everything that differs, nothing that is only spelled in another way.

#![expect(clippy::disallowed_methods, reason = "the tests write the plans that they compare")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arbtest::arbitrary::{Result, Unstructured};
use compiler::Overrides;
use compiler::artifact::{self, Artifact};
use compiler::cli::files;
use compiler::diagnostic::Diagnostics;
use compiler::diff::{Difference, compare, human, markdown};
use compiler::source::{FileId, Source};
use compiler::syntax::{self, Kind, Node};
use compiler::unit::{Length, Rate};
use serde_json::Value;

use crate::{golden, plans, sample, variants};

/// A folder in which texts are compiled as if they stood in `plans/`.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        copy(&golden::repository().join("plans"), desk.0.path());
        desk
    }

    pub(crate) fn compile(&self, text: &str) -> Artifact {
        let path = self.0.path().join("this.yaml");
        fs::write(&path, text).unwrap();
        let files = files::load_plan(&path, None).unwrap();
        let mut sink = Diagnostics::new();
        let artifact = compiler::compile(&files, &Overrides::default(), &mut sink);
        let found = sink.into_sorted();
        let found: Vec<String> = found.into_iter().map(|found| found.message).collect();
        artifact.unwrap_or_else(|| panic!("{found:#?}\n{text}"))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}

fn checkout() -> String {
    fs::read_to_string(golden::repository().join("plans/checkout.yaml")).unwrap()
}

/// Returns the lines of the difference that edits of the checkout plan make.
#[track_caller]
fn edited(edits: &[(&str, &str)]) -> Vec<String> {
    let (desk, old) = (Desk::new(), checkout());
    let new = edits.iter().fold(old.clone(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is in the plan");
        text.replacen(from, to, 1)
    });
    lines(&compare(&desk.compile(&old), &desk.compile(&new)))
}

pub(crate) fn lines(difference: &Difference) -> Vec<String> {
    let mut out = Vec::new();
    human(difference, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_change_is_told_by_what_it_means() {
    let found = edited(&[
        ("{ rate: \"{{ vars.peak }}\", for: 12s }", "{ rate: 50/s, for: 12s }"),
        ("duration: < 800ms", "duration: < 500ms"),
        ("< 500ms, scenario: checkout", "< 400ms, scenario: checkout"),
        ("eu: { agents: 2 }", "eu: { agents: 3 }"),
        ("needs: [think]", "needs: [login]"),
    ]);
    let expected = [
        "group eu: agents 2 → 3",
        "group eu: weight 2 → 3",
        "scenario checkout: hold 40/s → 50/s, +120 arrivals",
        "seats eu/0 to eu/1, each: 33.333% → 25% of checkout",
        "seat eu/2: 0% → 25% of checkout",
        "seat us/0: 33.333% → 25% of checkout",
        "scenario checkout: rows of users 580 → 700",
        "scenario checkout, step order: expects duration < 800ms → < 500ms",
        "scenario checkout, step recommendations: runs after think → after login",
        "threshold order_fast: p95(service) < 500ms → < 400ms",
        "",
        "10 differences, 580 → 700 arrivals (+120)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_step_between_others_is_one_difference() {
    let step = "      - step: pay\n        http: { use: shop, post: /pay }\n";
    let before = "      - step: order_status\n        needs: [order]\n";
    let after = "      - step: order_status\n        needs: [pay]\n";
    let inserted = step.replace("step: pay\n", "step: pay\n        needs: [order]\n");
    let found = edited(&[(before, &format!("{inserted}{after}"))]);
    let expected = [
        "scenario checkout, step order_status: runs after order → after pay",
        "scenario checkout, step pay: added, POST shop /pay, after order",
        "",
        "2 differences, 580 arrivals as before",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_renamed_step_is_renamed_wherever_it_is_read() {
    let found = edited(&[
        ("- step: login", "- step: sign_in"),
        ("x-session: \"{{ login.token }}\"", "x-session: \"{{ sign_in.token }}\""),
        ("x-session: \"{{ login.token }}\"", "x-session: \"{{ sign_in.token }}\""),
    ]);
    let expected = [
        "scenario checkout, step login: renamed to sign_in",
        "",
        "1 difference, 580 arrivals as before",
    ];
    assert_eq!(found, expected);
}

#[test]
fn golden_markdown_is_a_table_whose_cells_hold() {
    let (desk, old) = (Desk::new(), checkout());
    let new = old.replace("wait: { uniform: [200ms, 600ms] }", "wait: 1s").replace("40/s", "50/s");
    let new = new.replace("look the order up.", "look | `up` <b>.");
    let mut out = Vec::new();
    markdown(&compare(&desk.compile(&old), &desk.compile(&new)), &mut out).unwrap();
    golden::check("golden/checkout/diff.md", &out);
    let text = String::from_utf8(out).unwrap();
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(text.lines().skip(2).all(|line| bars(line) == 5), "{text}");
}

#[test]
fn nothing_differs_from_itself() {
    for artifact in [sample::artifact(), variants::every_variant()] {
        let difference = compare(&artifact, &artifact);
        assert!(difference.equal && difference.changes.is_empty());
        assert_eq!(lines(&difference), ["no difference"]);
    }
}

/// Keys whose value follows from others, or says in other letters what another key says.
const DERIVED: [&str; 7] =
    ["digest", "slots", "slot_base", "first_row", "require", "users_max", "place"];

/// Whatever a field of an artifact is changed to, the two are not called equal.
#[test]
fn no_field_is_missed() {
    let mut tried = BTreeMap::new();
    change_each_field(&variants::every_variant(), &mut tried);
    let desk = Desk::new();
    for path in plans::plans() {
        change_each_field(&desk.compile(&fs::read_to_string(path).unwrap()), &mut tried);
    }
    assert!(tried.len() > 500, "{}", tried.len());
}

/// Changes one field of each shape that was not tried before, in as small a part of the artifact as holds it.
fn change_each_field(artifact: &Artifact, tried: &mut BTreeMap<Vec<String>, u32>) {
    let value = serde_json::to_value(artifact).unwrap();
    let (words, mut paths) = (enumerations(), Vec::new());
    assert!(words.len() > 10, "{words:?}");
    leaves(&value, &mut Vec::new(), &mut paths);
    for path in &paths {
        // Needs are compared without what others imply; an unknown name implies nothing.
        if path.iter().any(|key| key == "needs") {
            continue;
        }
        let shape = shape(&value, path);
        if tried.contains_key(&shape) {
            continue;
        }
        let derived = path.last().is_some_and(|key| DERIVED.contains(&key.as_str()));
        // The digest of a file is its own, that of the artifact follows.
        if derived && !(path.len() > 1 && path.last().is_some_and(|key| key == "digest")) {
            continue;
        }
        let (part, path) = part(&value, path);
        let mut other = part.clone();
        let leaf = at(&mut other, &path);
        // No arrivals in any time are no arrivals.
        let is_rest = path.last().is_some_and(|key| key == "per_ns") && is_zero(&part, &path);
        let others: Vec<Value> = match &*leaf {
            _ if is_rest => continue,
            Value::Bool(flag) => vec![Value::Bool(!flag)],
            Value::Number(number) => vec![Value::from(number.as_i64().map_or(7, |n| n ^ 1))],
            // A step without a name is called by its place.
            Value::String(text) if text.starts_with('#') => continue,
            // The first digits of a digest are shown, and tell contents apart.
            Value::String(text) if path.last().is_some_and(|key| key == "digest") => {
                vec![Value::from(text.replacen("blake3:", "blake3:x", 1))]
            }
            Value::String(text) => {
                let words = words.iter().filter(|words| words.contains(text)).flatten();
                let words = words.filter(|word| *word != text).cloned();
                std::iter::once(format!("{text}x")).chain(words).map(Value::from).collect()
            }
            _ => continue,
        };
        // What is no artifact any more cannot be compared.
        let mut whole = others.into_iter().filter_map(|value| {
            let mut other = part.clone();
            *at(&mut other, &path) = value;
            serde_json::from_value::<Artifact>(other).ok()
        });
        let Some(new) = whole.next() else { continue };
        let old = serde_json::from_value::<Artifact>(part).unwrap();
        *tried.entry(shape).or_default() += 1;
        assert!(!compare(&old, &new).equal, "{}", path.join("/"));
    }
}

/// Returns what stands at `path`.
fn at<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(value, |value, key| match value {
        Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
        value => &mut value[key],
    })
}

/// Returns the words of each enumeration of the format.
fn enumerations() -> Vec<Vec<String>> {
    fn collect(schema: &Value, found: &mut Vec<Vec<String>>) {
        match schema {
            Value::Object(map) => {
                let words = map.get("enum").and_then(Value::as_array).into_iter().flatten();
                let words: Vec<String> =
                    words.filter_map(Value::as_str).map(str::to_owned).collect();
                found.push(words);
                map.values().for_each(|inner| collect(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_str(artifact::ARTIFACT_SCHEMA).unwrap(), &mut found);
    found.retain(|words| words.len() > 1);
    found
}

/// Sections of an artifact whose keys are names of the plan's.
const NAMED: [&str; 9] = [
    "vars",
    "secrets",
    "endpoints",
    "data",
    "files",
    "transactions",
    "scenarios",
    "thresholds",
    "sinks",
];

/// Returns a path without names and places.
fn shape(value: &Value, path: &[String]) -> Vec<String> {
    let named = |at: usize| at == 1 && NAMED.contains(&path[0].as_str());
    let mut shape = Vec::new();
    let mut value = value;
    for (at, key) in path.iter().enumerate() {
        value = match value {
            Value::Array(items) => &items[key.parse::<usize>().unwrap()],
            value => {
                if !named(at) {
                    shape.push(key.clone());
                }
                &value[key]
            }
        };
    }
    shape
}

/// Returns an artifact with little more than the part that `path` leads to, and the path in it.
fn part(value: &Value, path: &[String]) -> (Value, Vec<String>) {
    let mut path = path.to_vec();
    let mut small = serde_json::Map::new();
    for (key, value) in value.as_object().unwrap() {
        let mut value = value.clone();
        let here = *key == path[0];
        match &mut value {
            Value::Object(named) if NAMED.contains(&key.as_str()) => {
                named.retain(|name, _| here && *name == path[1]);
                let below = named.values_mut().next();
                below.into_iter().for_each(|value| only_step(value, &mut path[2..]));
            }
            Value::Array(items) if here => {
                items.swap(0, path[1].parse().unwrap());
                items.truncate(1);
                path[1] = "0".to_owned();
            }
            Value::Array(items) => items.clear(),
            _ => {}
        }
        small.insert(key.clone(), value);
    }
    (Value::Object(small), path)
}

/// Leaves of a list of steps only the one that the path leads to.
fn only_step(value: &mut Value, path: &mut [String]) {
    let [list, place, ..] = path else { return };
    let lists = ["steps", "before_each_user"];
    for key in lists {
        let Some(Value::Array(items)) = value.get_mut(key) else { continue };
        if list == key {
            items.swap(0, place.parse().unwrap());
            items.truncate(1);
            *place = "0".to_owned();
        } else {
            items.clear();
        }
    }
}

/// Returns whether the rate at whose `per_ns` a path ends is 0.
fn is_zero(value: &Value, path: &[String]) -> bool {
    let above = path[..path.len() - 1].join("/");
    value.pointer(&format!("/{above}/count")).is_some_and(|count| count == 0)
}

fn leaves(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let mut each = |key: String, value: &Value| {
        path.push(key);
        leaves(value, path, out);
        path.pop();
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| each(at.to_string(), item));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| each(key.clone(), value)),
        _ => out.push(path.clone()),
    }
}

/// Checks what is told of a plan of two steps and a transaction when `from` becomes `to`.
#[track_caller]
fn small(from: &str, to: &str, expected: &str) {
    const PLAN: &str = r#"version: 1
name: small
vars: { who: x }
endpoints: { shop: { http: { base_url: "http://a" } }, bus: { nats: { servers: ["nats://a:1"] } } }
nodes: { groups: { eu: { agents: 1, requires: { value: a, disk_ns: b }, vars: { who: "y z" } } } }
transactions: { sign: { params: [number, http], steps: [ { step: s, http: { use: shop, get: "/{{ params.http }}", headers: { x-who: "a b", x-no: "" } }, capture: { c: { json: $.c } } } ], returns: { value: "{{ s.c }}", file: "{{ s.c }}" } } }
scenarios:
  one:
    load: { open: [ { rate: 1/s, for: 9s } ] }
    steps:
      - { step: call, call: sign, with: { number: 5, http: "{{ vars.who }}" } }
      - { step: send, publish: { use: bus, subject: a, text: "{{ call.value }}{{ call.file }}" } }
      - { step: take, await: { use: bus, subject: b, match: { json: $.id, equals: "{{ arrival.id }}" }, within: 1s } }
"#;
    assert!(PLAN.contains(from), "`{from}` is in the plan");
    let desk = Desk::new();
    let new = PLAN.replacen(from, to, 1);
    let found = lines(&compare(&desk.compile(PLAN), &desk.compile(&new)));
    assert_eq!(found[0], expected, "{found:#?}");
    assert!(found[2].starts_with("1 difference,"), "{found:#?}");
}

#[test]
fn what_is_empty_or_looks_like_space_is_told() {
    small(", x-no: \"\"", "", "transaction sign, step s: headers x-no empty → none");
    small("\"y z\"", "\"y\\tz\"", "group eu: vars who y z → y␉z");
    small("\"a b\"", "\"a\\tb\"", "transaction sign, step s: headers x-who `a b` → `a␉b`");
}

#[test]
fn names_of_the_plan_are_no_words_of_the_format() {
    small("number: 5", "number: 6", "scenario one, step call: with number 5 → 6");
    small("value: a,", "value: c,", "group eu: requires value a → c");
    small("disk_ns: b", "disk_ns: d", "group eu: requires disk_ns b → d");
    small("file: \"{{ s.c }}\"", "file: done", "transaction sign: returns file {{ s.c }} → done");
}

#[test]
fn a_renamed_sender_is_told_once() {
    small("step: send", "step: emit", "scenario one, step send: renamed to emit");
}

/// Mappings whose order says nothing, by the key that they stand under; the plan itself is one.
const UNORDERED: [&str; 8] =
    ["vars", "secrets", "endpoints", "data", "groups", "scenarios", "thresholds", "nodes"];

/// Spells a plan in another way: keys in another order, rates and lengths in other units, quotes, comments, flow style.
struct Speller<'u, 'b> {
    choice: &'u mut Unstructured<'b>,
}

impl Speller<'_, '_> {
    fn spell(&mut self, node: Node<'_>, under: &str, depth: usize) -> Result<String> {
        Ok(match node.kind() {
            Kind::Null => "null".to_owned(),
            Kind::Bool(flag) => flag.to_string(),
            Kind::Int(text) | Kind::Number(text) => text.clone(),
            Kind::Str { value, .. } => self.text(value, under)?,
            Kind::Alias(to) => self.spell(node.tree().node(*to), under, depth)?,
            Kind::Seq(_) => {
                let items = node.items().map(|item| self.spell(item, under, depth + 1));
                format!("[{}]", items.collect::<Result<Vec<_>>>()?.join(", "))
            }
            Kind::Map(_) => {
                let mut entries = Vec::new();
                for (entry, node) in node.entries() {
                    let value = self.spell(node, &entry.key, depth + 1)?;
                    entries
                        .push(format!("{}: {value}", serde_json::to_string(&entry.key).unwrap()));
                }
                if depth == 0 || UNORDERED.contains(&under) {
                    for at in (1..entries.len()).rev() {
                        entries.swap(at, self.choice.int_in_range(0..=at)?);
                    }
                }
                let comment =
                    if depth < 3 && self.choice.arbitrary()? { " # said again\n" } else { "" };
                let gap = format!(",{comment} ");
                format!("{{ {} }}", entries.join(&gap))
            }
            Kind::Hole => panic!("the plan has no error"),
        })
    }

    fn text(&mut self, value: &str, under: &str) -> Result<String> {
        let lengths = ["for", "warm_up", "graceful_stop", "timeout", "join_timeout", "lease"];
        let rates = ["rate", "from", "to"];
        let mut value = value.to_owned();
        if let (true, Ok(Length(ns))) = (lengths.contains(&under), Length::parse(&value)) {
            let others =
                [value.clone(), format!("{}us", ns / 1_000), format!("{}ms", ns / 1_000_000)];
            let same = others.iter().filter(|text| Length::parse(text) == Ok(Length(ns)));
            let same: Vec<&String> = same.collect();
            value = (*self.choice.choose(&same)?).clone();
        } else if let (true, Ok(rate)) = (rates.contains(&under), Rate::parse(&value)) {
            let per = |ns: u64| u128::from(rate.count) * u128::from(ns) / u128::from(rate.per_ns);
            let (minute, hour) = (per(60_000_000_000), per(3_600_000_000_000));
            let others = [value.clone(), format!("{minute}/m"), format!("{hour}/h")];
            let same: Vec<&String> =
                others.iter().filter(|text| Rate::parse(text).as_ref() == Ok(&rate)).collect();
            value = (*self.choice.choose(&same)?).clone();
        }
        let single = !value.contains('\n') && !value.contains('\'') && self.choice.arbitrary()?;
        Ok(if single { format!("'{value}'") } else { serde_json::to_string(&value).unwrap() })
    }
}

fn without_rows(artifact: &Artifact) -> Artifact {
    let mut artifact = artifact.clone();
    let scenarios = artifact.scenarios.values_mut();
    scenarios.flat_map(|scenario| scenario.data.values_mut()).for_each(|used| used.first_row = 0);
    artifact::seal_digest(&mut artifact);
    artifact
}

#[test]
fn another_spelling_is_no_difference() {
    let desk = Desk::new();
    for path in plans::plans() {
        let text = fs::read_to_string(&path).unwrap();
        let source = Source::new(FileId(0), "plan", text.clone());
        let tree = syntax::parse(&source, &mut Diagnostics::new()).unwrap();
        let old = desk.compile(&text);
        arbtest::arbtest(|u| {
            let again = Speller { choice: u }.spell(tree.root(), "", 0)?;
            let new = desk.compile(&again);
            assert_eq!(lines(&compare(&old, &new)), ["no difference"], "{again}");
            // In which order a plan writes its scenarios decides where each one's rows begin; all else is the same to the byte.
            let [old, new] = [&old, &new].map(without_rows);
            assert_eq!(artifact::to_bytes(&old), artifact::to_bytes(&new), "{again}");
            Ok(())
        })
        .budget_ms(400);
    }
}
