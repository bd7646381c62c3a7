//! Good plans, and one mistake each.

mod driver;

use super::*;
use crate::source::FileId;
use crate::syntax::parse;

const HEAD: &str = "version: 1\nname: p\n";
const STEPS: &str = "steps: [ { step: a, http: { get: / } } ]";

fn judge(text: &str) -> (Source, Tree, Vec<crate::diagnostic::Diagnostic>) {
    let source = Source::new(FileId(0), "p.yaml", text);
    let mut sink = Diagnostics::new();
    let mut tree = parse(&source, &mut sink).unwrap();
    validate(&source, &mut tree, &mut sink);
    (source, tree, sink.into_sorted())
}

fn check(text: &str, expected: &[(&str, &str)]) {
    let (source, _, found) = judge(text);
    let seen: Vec<(&str, &str)> =
        found.iter().map(|found| (found.code, source.slice(found.primary.span))).collect();
    assert_eq!(seen, expected, "{text}\n{found:#?}");
    for found in found {
        assert!(!found.help.is_empty() && !found.message.ends_with('.'), "{found:?}");
    }
}

fn load(load: &str) -> String {
    format!("{HEAD}scenarios: {{ s: {{ load: {load}, {STEPS} }} }}\n")
}

fn step(step: &str) -> String {
    format!(
        "{HEAD}scenarios:\n  s:\n    load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}\n    steps:\n      - {step}\n"
    )
}

fn top(section: &str) -> String {
    format!("{}{section}\n", load("{ open: [ { rate: 1/s, for: 1s } ] }"))
}

#[test]
fn good_plans_are_silent() {
    for good in [
        load(
            "{ open: [ { rate: { to: \"{{ vars.r }}\" }, for: 30s }, { pause: 1s } ], max_in_flight: 10 }",
        ),
        load("{ open: [ { rate: 1.5/s, count: 10 } ], late_after: 1s }"),
        load("{ closed: [ { users: { from: 1, to: 5 }, for: 1m30s }, { pause: 1s } ] }"),
        load("{ closed: [ { users: 5, count: \"{{ vars.n }}\", within: 1m } ] }"),
        step("wait: { uniform: [1s, 2s] }"),
        step(
            "{ step: a, needs: [], timeout: 1s, http: { use: x, post: /, json: [1, null], query: { a: 1 } }, expect: { status: [201, 4xx], duration: < 1s, json: { \"$.a\": \"> 0\" }, header: { etag: x }, body: { contains: a } }, capture: { c: { json: \"$.a\", default: null, all: true }, s: { status: true } } }",
        ),
        top(
            "thresholds: { t: { require: p95(service) < 1s, scenario: \"*\", step: \"*\", window: 1s, grace: 1s, min_samples: 3, abort: true, on_no_data: pass } }",
        ),
        top("delivery: { min: 99.9%, max_lateness: { p99: 20ms }, max_start_spread: 50ms }"),
        top(
            "nodes: { groups: { eu-1: { agents: 2, weight: 3, requires: { gpu: true }, vars: { x: [1] } } }, join_timeout: 1s, lease: 2s, on_agent_loss: fail, tuning: { beat: 1s } }",
        ),
        top(
            "vars: { a: 1 }\nsecrets: { t: { env: T } }\nenvironments: { prod: { vars: { a: 2 }, thresholds: { t: { window: 1s } } } }\ndata: { d: { file: a.csv, take: unique, per: user } }\nendpoints: { e: { http: { base_url: x, timeout: 1s, headers: { a: b }, tracking: none, max_body: 10MiB } } }",
        ),
    ] {
        check(&good, &[]);
    }
}

/// Checks that `text` gives one finding, `code` at `at`; `more` are there beside it on purpose.
fn mistake(text: &str, code: &str, at: &str, more: usize) {
    let (source, _, found) = judge(text);
    let first = found.iter().find(|found| found.code == code);
    let first = first.unwrap_or_else(|| panic!("{text}\n{found:#?}"));
    assert_eq!(source.slice(first.primary.span), at, "{text}");
    assert!(!first.help.is_empty());
    assert_eq!(found.len(), 1 + more, "{text}\n{found:#?}");
}

#[test]
fn data_is_from_one_place() {
    let one = |data: &str, at: &str| {
        let text = top(&format!("data: {{ d: {{ {data} }} }}"));
        mistake(&text, "plan::schema::source", at, 0);
    };
    one("take: unique", "{ take: unique }");
    one("file: a.csv, from: before.a.b, take: unique", "from");
    one("file: a.csv, take: unique, on_end: stop", "on_end");
    one("from: before.a.b, take: random, on_end: stop", "on_end");
}

#[test]
fn one_mistake_in_sections_is_one_diagnostic() {
    for (text, code, at) in [
        (
            top("endpoints: { e: { http: { base_ulr: x } } }"),
            "plan::schema::unknown-key",
            "base_ulr",
        ),
        (top("endpoints: { e: { http: {} } }"), "plan::schema::missing-key", "http"),
        (top("endpoints: { e: { https: {} } }"), "plan::schema::unknown-key", "https"),
        (top("nodes: { on_agent_loss: maybe }"), "plan::schema::value", "maybe"),
        (top("nodes: { groups: { coordinator: {} } }"), "plan::group::reserved", "coordinator"),
        (top("nodes: { groups: { EU: {} } }"), "plan::schema::name", "EU"),
        (top("nodes: { lease: 10 }"), "plan::schema::quantity", "10"),
        (top("nodes: { lease: 10x }"), "plan::schema::quantity", "10x"),
        (top("nodes: { lease: [1s] }"), "plan::schema::type", "[1s]"),
        (top("secrets: { s: {} }"), "plan::schema::source", "{}"),
        (top("traffic: { t: { mix: { s: 1 } } }"), "plan::schema::missing-key", "t"),
        (format!("{HEAD}scenarios: {{ s: {{ {STEPS} }} }}\n"), "plan::schema::missing-key", "s"),
        (
            format!(
                "{HEAD}scenarios: {{ s: {{ observe: {{ for: 1s }}, load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}, {STEPS} }} }}\n"
            ),
            "plan::schema::load",
            "observe",
        ),
        (top("delivery: { min: 99.9 }"), "plan::schema::quantity", "99.9"),
        (top("thresholds: { t: { scenario: s } }"), "plan::schema::missing-key", "t"),
        (top("seed: -1"), "plan::schema::range", "-1"),
        (top("seed: x"), "plan::schema::type", "x"),
        (top("vars:"), "plan::schema::type", "vars"),
        (
            format!(
                "version: 2\nname: p\nscenarios: {{ s: {{ load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}, {STEPS} }} }}\n"
            ),
            "plan::schema::version",
            "2",
        ),
        (
            format!("{HEAD}scenarios: {{ s: {{ vus: 3, duration: 3s, {STEPS} }} }}\n"),
            "plan::schema::unknown-key",
            "vus",
        ),
        ("version: 1\nname: p\n".to_owned(), "plan::schema::missing-key", "version: 1"),
        ("- 1\n".to_owned(), "plan::schema::type", "- 1"),
    ] {
        let more = usize::from(text.contains("vus: 3"));
        mistake(&text, code, at, more);
    }
}

#[test]
fn one_mistake_in_loads_is_one_diagnostic() {
    for (text, code, at) in [
        (load("{}"), "plan::schema::load", "{}"),
        (load("{ closed: [] }"), "plan::schema::empty", "[]"),
        (
            load("{ open: [ { rate: 1/s, for: 1s } ], closed: [ { users: 1, for: 1s } ] }"),
            "plan::schema::load",
            "closed",
        ),
        (
            load("{ closed: [ { users: 1, for: 1s } ], max_in_flight: 3 }"),
            "plan::schema::load",
            "max_in_flight",
        ),
        (load("{ open: [ { rate: 1/s } ] }"), "plan::schema::stage", "{ rate: 1/s }"),
        (load("{ open: [ { rate: 200, for: 1s } ] }"), "plan::schema::quantity", "200"),
        (
            load("{ open: [ { rate: { min: 1/s, max: 2/s }, for: 1s } ] }"),
            "plan::schema::stage",
            "{ rate: { min: 1/s, max: 2/s }, for: 1s }",
        ),
        (
            load("{ open: [ { rate: { min: 1/s, to: 2/s }, for: 1s } ] }"),
            "plan::schema::stage",
            "{ rate: { min: 1/s, to: 2/s }, for: 1s }",
        ),
        (
            load("{ open: [ { rate: { from: 1/s }, for: 1s } ] }"),
            "plan::schema::stage",
            "{ rate: { from: 1/s }, for: 1s }",
        ),
        (
            load("{ open: [ { rate: 1/s, for: 1s } ], arrivals: random }"),
            "plan::schema::value",
            "random",
        ),
        (load("{ open: [ { rate: 1/s, for: 1s } ], pace: 1s }"), "plan::schema::load", "pace"),
        (
            load("{ closed: [ { users: 1, count_each: 3 } ] }"),
            "plan::schema::stage",
            "{ users: 1, count_each: 3 }",
        ),
        (
            load("{ closed: [ { users: 1, count_each: 3, count: 3, within: 1s } ] }"),
            "plan::schema::stage",
            "{ users: 1, count_each: 3, count: 3, within: 1s }",
        ),
        (
            load("{ closed: [ { users: 1, count: 3 } ] }"),
            "plan::schema::stage",
            "{ users: 1, count: 3 }",
        ),
        (
            load("{ open: [ { rate: 1/s, duration: 1s } ] }"),
            "plan::schema::unknown-key",
            "duration",
        ),
    ] {
        let more = usize::from(text.contains("vus: 3"));
        mistake(&text, code, at, more);
    }
}

#[test]
fn one_mistake_in_steps_is_one_diagnostic() {
    for (text, code, at) in [
        (step("{ step: a }"), "plan::schema::action", "{ step: a }"),
        (step("{ step: a, http: { get: / }, wait: 1s }"), "plan::schema::action", "wait"),
        (step("{ wait: 1s, capture: {} }"), "plan::schema::action", "capture"),
        (step("{ http: { get: / } }"), "plan::schema::missing-key", "http"),
        (step("{ step: a, http: { use: x } }"), "plan::schema::method", "{ use: x }"),
        (step("{ step: a, http: { get: /, post: / } }"), "plan::schema::method", "post"),
        (step("{ step: a, http: { post: /, json: 1, text: a } }"), "plan::schema::body", "text"),
        (
            step("{ step: a, http: { get: / }, expect: { status: 20x } }"),
            "plan::schema::status",
            "20x",
        ),
        (
            step("{ step: a, http: { get: / }, capture: { c: { default: 1 } } }"),
            "plan::schema::source",
            "{ default: 1 }",
        ),
        (step("{ step: a, http: { post: /, multipart: {} } }"), "plan::schema::type", "{}"),
        (step("{ wait: { uniform: [1s] } }"), "plan::schema::length", "[1s]"),
        (step("{ step: a, needs: [b, b], wait: 1s }"), "plan::schema::repeated", "[b, b]"),
        (step("{ name: a, http: { get: / } }"), "plan::schema::unknown-key", "name"),
        (step("{ step: a, http: { post: /, body: x } }"), "plan::schema::unknown-key", "body"),
        (step("{ step: A, wait: 1s }"), "plan::schema::name", "A"),
    ] {
        let more = usize::from(text.contains("vus: 3") || text.contains("min: 1/s"));
        mistake(&text, code, at, more);
    }
}

#[test]
fn one_mistake_in_blocks_is_one_diagnostic() {
    for (text, code, at) in [
        (step("{ for_each: list.ids, steps: [] }"), "plan::schema::empty", "[]"),
        (step("{ for_each: list.ids }"), "plan::schema::missing-key", "for_each"),
        (step("{ repeat: 0, steps: [ { wait: 1s } ] }"), "plan::schema::range", "0"),
        (
            step("{ repeat: { until: a.b }, steps: [ { wait: 1s } ] }"),
            "plan::schema::missing-key",
            "repeat",
        ),
        (
            step("{ repeat: { until: a.b, at_most: 0 }, steps: [ { wait: 1s } ] }"),
            "plan::schema::range",
            "0",
        ),
        (
            step("{ repeat: 2, steps: [ { wait: 1s, expect: { status: 200 } } ] }"),
            "plan::schema::action",
            "expect",
        ),
        (
            step("{ repeat: 2, timeout: 1s, steps: [ { wait: 1s } ] }"),
            "plan::schema::action",
            "timeout",
        ),
        (step("{ while: x, steps: [ { wait: 1s } ] }"), "plan::schema::unknown-key", "while"),
        (
            step("{ choose: [ { when: a.b, weight: 1, steps: [ { wait: 1s } ] } ] }"),
            "plan::schema::branch",
            "weight",
        ),
        (
            step("{ choose: [ { steps: [ { wait: 1s } ] } ] }"),
            "plan::schema::branch",
            "{ steps: [ { wait: 1s } ] }",
        ),
        (step("{ choose: [ { weight: 1 } ] }"), "plan::schema::missing-key", "{ weight: 1 }"),
        (step("{ call: x }"), "plan::schema::missing-key", "call"),
        (
            step("{ step: a, call: x, capture: { b: { json: $.b } } }"),
            "plan::schema::action",
            "capture",
        ),
        (step("{ step: a, http: { get: / }, with: { b: 1 } }"), "plan::schema::action", "with"),
        (step("{ step: a, http: { get: / }, retry: {} }"), "plan::schema::missing-key", "retry"),
        (step("{ step: a, http: { get: / }, retry: { attempts: 1 } }"), "plan::schema::range", "1"),
        (
            step("{ step: a, http: { get: / }, retry: { attempts: 2, when: [timeuot] } }"),
            "plan::schema::value",
            "timeuot",
        ),
        (step("{ step: a, http: { get: / }, on_fail: ignore }"), "plan::schema::value", "ignore"),
        (step("{ step: a, http: { get: / }, when: 1 }"), "plan::schema::type", "1"),
        (step("{ step: a, http: { get: / }, split_by: {} }"), "plan::schema::source", "{}"),
        (step("{ step: a, http: { get: / }, metrics: { m: {} } }"), "plan::schema::source", "{}"),
        (
            step("{ step: a, http: { get: / }, metrics: { m: { trend: { value: x } } } }"),
            "plan::schema::type",
            "x",
        ),
    ] {
        mistake(&text, code, at, 0);
    }
}

#[test]
fn words_of_other_tools_suggest_ours() {
    let (_, _, found) = judge(&load("{ stages: [] }"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].help.contains("k6") && found[0].help.contains("load: { closed"), "{found:#?}");
    for (load, ours) in [
        ("executor: ramping-vus", "users: { to: 5 }"),
        ("executor: constant-arrival-rate", "rate: 20/s"),
        ("executor: per-vu-iterations", "count_each"),
    ] {
        let (_, _, found) = judge(&load_of(load));
        assert!(found.len() == 1 && found[0].help.contains(ours), "{found:#?}");
    }
}

fn load_of(load: &str) -> String {
    self::load(&format!("{{ {load} }}"))
}

#[test]
fn each_word_of_another_tool_is_answered_where_it_stands() {
    let own = |context: &str, key: &str| fault::known_keys(context).iter().any(|own| own == key);
    for foreign in foreign::all() {
        let key = foreign.key;
        let mut answered = 0;
        for (context, text) in [
            ("plan", top(&format!("{key}: 1"))),
            ("scenario", top("").replace("s: { load", &format!("s: {{ {key}: 1, load"))),
            ("load", load(&format!("{{ {key}: 1 }}"))),
            ("step", step(&format!("{{ step: a, {key}: 1, http: {{ get: / }} }}"))),
            ("http", step(&format!("{{ step: a, http: {{ get: /, {key}: 1 }} }}"))),
        ] {
            if own(context, key) || borrowed::find(context, key).is_some() {
                continue;
            }
            let (source, _, found) = judge(&text);
            assert_eq!(found.len(), 1, "{text}\n{found:#?}");
            assert_eq!(source.slice(found[0].primary.span), key);
            assert!(found[0].help.contains(foreign.ours), "{text}\n{found:#?}");
            assert!(found[0].help.contains(foreign.tool), "{text}\n{found:#?}");
            answered += 1;
        }
        assert!(answered > 0, "{key} is a key of ours everywhere");
    }
}

#[test]
fn a_text_of_thousands_of_mistakes_ends_with_one_that_says_so() {
    let keys = |count| (0..count).map(|n| format!("k{n}: 1\n")).collect::<String>();
    let (_, tree, found) = judge(&top(&keys(fault::FAULTS_MAX)));
    assert_eq!(found.len(), fault::FAULTS_MAX);
    assert!(!tree.root().is_hole());
    let (_, tree, found) = judge(&top(&keys(fault::FAULTS_MAX + 1)));
    assert_eq!((found.len(), found[0].code), (fault::FAULTS_MAX + 1, "plan::limit::exceeded"));
    assert!(tree.root().is_hole());
}

#[test]
fn what_is_broken_is_a_hole() {
    let text =
        top("endpoints: { e: { http: { timeout: 5, base_url: x }, gopher: {} }, f: { http: {} } }");
    let (_, tree, found) = judge(&text);
    assert_eq!(found.len(), 3, "{found:#?}");
    for pointer in
        ["/endpoints/e/http/timeout", "/endpoints/e/gopher", "/endpoints/f/http/base_url"]
    {
        assert!(tree.pointer(pointer).unwrap().node.is_hole(), "{pointer}");
    }
    assert!(!tree.pointer("/endpoints/e/http/base_url").unwrap().node.is_hole());
}

#[test]
fn any_tree_is_survived() {
    arbtest::arbtest(|u| {
        let keys = [
            "version",
            "name",
            "scenarios",
            "load",
            "open",
            "rate",
            "for",
            "steps",
            "http",
            "get",
            "nodes",
            "vus",
            "s",
            "data",
            "file",
            "x~/y",
            "<<",
        ];
        let values = [
            "1",
            "p",
            "[]",
            "{}",
            "1s",
            "~",
            "&a {s: 1}",
            "*a",
            "007",
            "\"{{ vars.x }}\"",
            "a.json",
        ];
        let mut text = String::new();
        for _ in 0..u.int_in_range(1..=20)? {
            let indent = u.int_in_range(0..=4)?;
            let dash = if u.ratio(1, 4)? { "- " } else { "" };
            let value = if u.ratio(1, 2)? { "" } else { u.choose(&values)? };
            text.push_str(&format!("{}{dash}{}: {value}\n", "  ".repeat(indent), u.choose(&keys)?));
        }
        let source = Source::new(FileId(0), "p.yaml", text);
        let mut sink = Diagnostics::new();
        if let Some(mut tree) = parse(&source, &mut sink) {
            validate(&source, &mut tree, &mut sink);
        }
        assert!(!sink.is_clean());
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn helps_can_be_followed() {
    let help = |text: &str| judge(text).2.into_iter().map(|found| found.help).collect::<Vec<_>>();
    assert_eq!(help(&top("seed: 1.5")), ["write a whole number"]);
    let name = ["write a name: a lower-case letter, then letters, digits or `_`"];
    assert_eq!(help(&step("{ step: 1, http: { get: / } }")), name);
    assert_eq!(help(&step("{ step: a, http: { GET: / } }")), ["did you mean `get`?"]);
    let beside = ["`timeout` belongs to the step: write it beside `http`"];
    assert_eq!(help(&step("{ step: a, http: { get: /, timeout: 5s } }")), beside);
    let wait = help(&step("{ step: a, wait: { normal: [1s, 2s] } }"));
    assert_eq!(wait, ["it can have `uniform`"], "what is missing is not told beside it");
    // A key that lost its colon is not missing as well.
    let found = judge(&top("").replace("name: p", "name p")).2;
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["plan::syntax::invalid"]);
}

#[test]
fn what_is_meant_is_written_out() {
    let told = |text: &str, code: &str, place: &str, help: &str| {
        check(text, &[(code, place)]);
        let (_, _, found) = judge(text);
        assert!(found[0].help.contains(help), "{text}\n{found:#?}");
    };
    let (kind, key) = ("plan::schema::type", "plan::schema::unknown-key");
    let quantity = "plan::schema::quantity";
    told(&load("{ open: [ { rate: 10, for: 1m } ] }"), quantity, "10", "`10/s`");
    told(&load("{ open: [ { rate: 10/s, for: 60 } ] }"), quantity, "60", "`60s`");
    let capture = "{ step: a, http: { get: / }, capture: { id: $.id } }";
    told(&step(capture), kind, "$.id", "{ json: \"$.id\" }");
    told(&step("{ step: a, http: GET /x }"), kind, "GET /x", "{ get: /x }");
    // The method and the path are one mistake.
    let request = "{ step: a, http: { method: POST, url: /x } }";
    told(&step(request), key, "method", "`post: /x`");
    // What stands beside a key without a value belongs into it.
    let left = format!(
        "{HEAD}scenarios:\nbuy: {{ load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}, {STEPS} }}\n"
    );
    told(&left, kind, "buy", "belongs to `scenarios`");
    let beside = format!(
        "{HEAD}scenarios:\n  buy:\n  load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}\n  {STEPS}\n"
    );
    told(&beside, kind, "load", "belongs to `buy`");
    // A character that must not be there is the mistake, not the name that holds it.
    let odd = format!(
        "version: 1\nname: p\u{85}q\nscenarios: {{ s: {{ load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}, {STEPS} }} }}\n"
    );
    check(&odd, &[("plan::syntax::character", "\u{85}")]);
    // What a tab has broken is not missing.
    let tab = format!(
        "{HEAD}scenarios:\n  s:\n    load: {{ open: [ {{ rate: 1/s, for: 1s }} ] }}\n\t{STEPS}\n"
    );
    check(&tab, &[("plan::syntax::tab", "\t")]);
}
