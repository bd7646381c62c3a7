//! What is wrong with a plan as a whole: one table for each part.

use crate::compile::compile;
use crate::diagnostic::Diagnostics;
use crate::model::Overrides;
use crate::source::{FileId, Files, Source};

/// A plan of one open and one closed scenario; `HEAD` and `TAIL` stand before and after them.
const PLAN: &str = r#"version: 1
name: test
HEAD
endpoints: { shop: { http: { base_url: "http://127.0.0.1:8080" } } }
scenarios:
  open:
    load: { open: [ { rate: { to: 10/s }, for: 10s } ] }
    graceful_stop: 5s
    steps: [ { step: a, http: { get: / } }, { step: think, wait: 1s } ]
  closed:
    load: { closed: [ { users: 2, for: 10s } ] }
    steps: [ { step: b, http: { get: BPATH } } ]
TAIL
"#;

/// Checks that a plan with these parts gives exactly these codes, each at its text.
fn check(head: &str, path: &str, tail: &str, expected: &[(&str, &str)]) {
    let text = PLAN.replace("HEAD", head).replace("BPATH", path).replace("TAIL", tail);
    let source = Source::new(FileId(0), "plan.yaml", text.clone());
    let mut files = Files::new(source.clone());
    files.add("users.csv", b"name\nann\nbob\n".to_vec());
    files.add("one.csv", b"name\nann\n".to_vec());
    files.add("latin.csv", b"name\n\xe9\n".to_vec());
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, &Overrides::default(), &mut sink);
    assert_eq!(artifact.is_some(), sink.is_clean());
    let found = sink.into_sorted();
    let seen: Vec<(&str, &str)> =
        found.iter().map(|d| (d.code, source.slice(d.primary.span))).collect();
    assert_eq!(seen, expected, "{text}\n{found:#?}");
}

#[test]
fn thresholds_select_what_can_have_data() {
    let judge = |threshold: &str, expected: &[(&str, &str)]| {
        check("", "/", &format!("thresholds: {{ t: {{ {threshold} }} }}"), expected);
    };
    judge("require: p95(response) < 1s", &[]);
    judge("require: p95(response) < 1s, scenario: open", &[]);
    judge("require: p95(service) < 1s, scenario: \"*\"", &[]);
    judge("require: p95(service) < 1s, scenario: closed, step: b", &[]);
    judge("require: p95(service) < 1s, scenario: closed, step: \"*\"", &[]);
    let no_data = "plan::threshold::no-data";
    // Each one alone, and the closed one has none.
    judge("require: p95(response) < 1s, scenario: \"*\"", &[(no_data, "p95(response) < 1s")]);
    judge("require: p95(response) < 1s, scenario: closed", &[(no_data, "p95(response) < 1s")]);
    judge("require: p95(service) < 1s, scenario: open, step: think", &[(no_data, "think")]);
    judge(
        "require: count(dropped) == 0, scenario: open, step: a",
        &[(no_data, "count(dropped) == 0")],
    );
    judge(
        "require: p95(service) < 1s, scenario: open, window: 20s",
        &[(no_data, "p95(service) < 1s")],
    );
    judge("require: p95(service) < 1s, window: 1500ms", &[("plan::value::range", "1500ms")]);
    let selector = "plan::threshold::selector";
    judge("require: p95(service) < 1s, scenario: open, step: b", &[(selector, "b")]);
    judge("require: p95(service) < 1s, step: b", &[(selector, "b")]);
    judge("require: p95(service) < 1s, scenario: opn", &[("plan::scenario::unknown", "opn")]);
    judge("require: share(failed) < 1%, abort: true", &[("plan::threshold::grace", "true")]);
    judge("require: share(failed) < 1%, abort: true, grace: 2s", &[]);
    judge("require: share(failed) < 1%, abort: true, scenario: closed", &[]);
}

#[test]
fn thresholds_read_what_is_recorded() {
    let head = "nodes: { groups: { eu: {}, us: {} } }";
    let more = "  rich:
    runs_on: [eu]
    load: { open: [ { rate: 5/s, for: 20s } ] }
    steps:
      - step: c
        http: { get: / }
        when: seed > 1
        metrics: { cart: { trend: { json: $.total } }, hits: { counter: { value: 1 } } }
        split_by: { json: $.region }
      - step: d
        http: { get: / }
        metrics: { queue: { gauge: { json: $.queue } } }
      - { step: block, repeat: 2, steps: [ { step: e, http: { get: / } } ] }
";
    let judge = |threshold: &str, expected: &[(&str, &str)]| {
        check(head, "/", &format!("{more}thresholds: {{ t: {{ {threshold} }} }}"), expected);
    };
    let no_data = "plan::threshold::no-data";
    judge("require: p95(tls) < 1s, scenario: rich", &[]);
    judge("require: p95(cart) < 10.5, scenario: rich, step: c", &[]);
    judge("require: p95(cart) < 10.5", &[]);
    judge("require: count(hits) > 3, scenario: rich", &[]);
    judge("require: value(queue) < 3, scenario: rich, step: d", &[]);
    judge("require: count(skipped) < 3, scenario: rich, step: c", &[]);
    judge("require: p95(service) < 1s, scenario: rich, step: c, split: eu, group: eu", &[]);
    judge("require: p95(service) < 1s, scenario: rich, step: e", &[]);
    judge("require: p95(cart) < 1, scenario: open", &[(no_data, "p95(cart) < 1")]);
    judge("require: p95(cart) < 1, scenario: rich, step: d", &[(no_data, "p95(cart) < 1")]);
    judge("require: p95(lcp) < 1s, scenario: rich", &[(no_data, "p95(lcp) < 1s")]);
    judge("require: p95(service) < 1s, scenario: rich, step: block", &[(no_data, "block")]);
    judge("require: count(skipped) < 1, scenario: open", &[(no_data, "count(skipped) < 1")]);
    judge(
        "require: count(skipped) < 1, scenario: rich, step: d",
        &[(no_data, "count(skipped) < 1")],
    );
    judge("require: share(timed_out) < 1%", &[(no_data, "share(timed_out) < 1%")]);
    judge(
        "require: count(unfinished) < 1, scenario: rich, step: c",
        &[(no_data, "count(unfinished) < 1")],
    );
    judge("require: p95(service) < 1s, scenario: rich, step: d, split: eu", &[(no_data, "eu")]);
    judge("require: p95(service) < 1s, scenario: rich, group: us", &[(no_data, "us")]);
    judge("require: p95(service) < 1s, group: asia", &[("plan::group::unknown", "asia")]);
    judge("require: p95(crt) < 1", &[("plan::expression::unknown", "crt")]);
    judge("require: p95(cart) < 1s", &[("plan::expression::unit", "1s")]);
    let always = "plan::threshold::always";
    judge("require: p95(service) < 0ms", &[(always, "p95(service) < 0ms")]);
    judge("require: count(failed) >= 0", &[(always, "count(failed) >= 0")]);
    judge("require: share(failed) > 100%", &[(always, "share(failed) > 100%")]);
    judge("require: share(failed) == 0%", &[]);
}

#[test]
fn loads_start_something_and_can_run() {
    let load = |more: &str, expected: &[(&str, &str)]| check("", "/", more, expected);
    let one = |name: &str, rest: &str| {
        format!("  {name}: {{ {rest}, steps: [ {{ step: x, http: {{ get: / }} }} ] }}\n")
    };
    let open = |stages: &str| one("more", &format!("load: {{ open: [ {stages} ] }}"));
    load(&open("{ rate: { min: 1/s, max: 9/s, every: 1s }, for: 5s }"), &[]);
    load(
        &open("{ rate: { min: 9/s, max: 1/s, every: 1s }, for: 5s }"),
        &[("plan::value::range", "9/s")],
    );
    let many = "{ rate: { min: 1/s, max: 9/s, every: 1us }, for: 5s }";
    load(&open(many), &[("plan::limit::exceeded", many)]);
    let fine = "{ rate: { min: 1/s, max: 9/s, every: 100us }, for: 6s }";
    load(&open(&format!("{fine}, {fine}")), &[("plan::limit::exceeded", "load")]);
    let parts: String = (0..20)
        .map(|at| one(&format!("p{at}"), &format!("load: {{ open: [ {fine} ] }}")))
        .collect();
    load(&parts, &[("plan::limit::exceeded", "load")]);
    let ramp = "{ rate: { to: 4/s }, for: 5s }";
    let drawn = "{ rate: { min: 1/s, max: 9/s, every: 1s }, for: 5s }";
    load(&open(&format!("{drawn}, {ramp}")), &[("plan::schema::stage", ramp)]);
    let small = "{ rate: 1/h, for: 1s }";
    load(&open(&format!("{{ rate: 1.5/s, for: 1s }}, {small}")), &[("plan::load::empty", small)]);
    load(
        &one(
            "more",
            "load: { closed: [ { users: 1000000, count_each: 1000000000000, within: 1h } ] }",
        ),
        &[("plan::limit::exceeded", "{ users: 1000000, count_each: 1000000000000, within: 1h }")],
    );
    // What starts after a count waits for it; what is bounded by 30 days stays so.
    let count = one("count", "load: { closed: [ { users: 2, count: 9, within: 400h } ] }");
    let after = "start_after: [ { scenario: count, state: drained } ]";
    let late = one("late", &format!("{after}, load: {{ open: [ {{ rate: 1/s, for: 9s }} ] }}"));
    load(&format!("{count}{late}"), &[]);
    let entry = "{ scenario: late, state: finished, delay: 400h }";
    let later = one(
        "later",
        &format!("start_after: [ {entry} ], load: {{ open: [ {{ rate: 1/s, for: 9s }} ] }}"),
    );
    load(&format!("{count}{late}{later}"), &[("plan::value::range", entry)]);
}

#[test]
fn traffic_is_dealt_to_scenarios_that_have_no_load() {
    let mixed = |mix: &str, load: &str, more: &str, expected: &[(&str, &str)]| {
        let head = format!("traffic: {{ all: {{ load: {load}, mix: {{ {mix} }} }} }}");
        check(&head, "/", more, expected);
    };
    let steps = "steps: [ { step: x, http: { get: / } } ]";
    let two = format!("  p: {{ {steps} }}\n  q: {{ {steps} }}\n");
    let load = "{ open: [ { rate: 10/s, for: 10s } ] }";
    mixed("p: 60, q: 40", load, &two, &[]);
    mixed("p: 60, q: 0", load, &two, &[("plan::schema::range", "0")]);
    mixed("p: 60, q: 1.5", load, &two, &[("plan::schema::type", "1.5")]);
    mixed("p: 60, q: 40, r: 1", load, &two, &[("plan::scenario::unknown", "r")]);
    mixed("p: 60, q: 40, open: 1", load, &two, &[("plan::traffic::twice", "open")]);
    // A scenario that is in no mix and has no load.
    mixed("p: 60", load, &two, &[("plan::schema::missing-key", "q")]);
    mixed("p: 1, q: 60000", load, &two, &[]);
    let late = "{ open: [ { rate: 10/h, for: 10s } ] }";
    mixed("p: 1, q: 1", late, &two, &[("plan::load::empty", "q")]);
    let pause = "{ open: [ { pause: 1s } ] }";
    mixed("p: 60, q: 40", pause, &two, &[("plan::load::empty", "load")]);
    let waits = "steps: [ { step: x, http: { get: / } }, { wait: 10s } ]";
    let slow = format!("  p: {{ {waits} }}\n  q: {{ {steps} }}\n");
    let tight = "{ open: [ { rate: 10/s, for: 30s } ], max_in_flight: 50 }";
    mixed("p: 1, q: 1", tight, &slow, &[("plan::load::in-flight", "50")]);
    let roomy = "{ open: [ { rate: 10/s, for: 30s } ], max_in_flight: 100 }";
    mixed("p: 1, q: 1", roomy, &slow, &[]);
    let other = format!(
        "traffic: {{ a: {{ load: {load}, mix: {{ p: 1 }} }}, b: {{ load: {load}, mix: {{ q: 1, p: 1 }} }} }}"
    );
    check(&other, "/", &two, &[("plan::traffic::twice", "p")]);
}

#[test]
fn data_is_read_and_has_rows() {
    let read = "\"/{{ data.users.name }}\"";
    let data = |rest: &str| format!("data: {{ users: {{ {rest} }} }}");
    check(&data("file: users.csv, take: unique, per: user"), read, "", &[]);
    check(&data("file: users.csv, take: circular"), read, "", &[]);
    check(&data("file: users.csv, take: random, per: user"), read, "", &[]);
    let place = "data.users.name";
    check(
        &data("file: one.csv, take: unique, per: user"),
        read,
        "",
        &[("plan::data::rows", place)],
    );
    check(&data("file: users.csv, take: unique"), read, "", &[("plan::data::unbounded", place)]);
    check(&data("file: no.csv, take: unique"), read, "", &[("plan::file::missing", "no.csv")]);
    check(&data("file: latin.csv, take: unique"), read, "", &[("plan::data::csv", "latin.csv")]);
    let column = "\"/{{ data.users.nam }}\"";
    check(
        &data("file: users.csv, take: circular"),
        column,
        "",
        &[("plan::data::column", "data.users.nam")],
    );
    check("", read, "", &[("plan::data::unknown", place)]);
    check(&data("file: users.csv, take: circular"), "/", "", &[("plan::data::unused", "users")]);
}

#[test]
fn a_cluster_can_be_dealt_to_and_holds_together() {
    let nodes = |rest: &str, expected: &[(&str, &str)]| {
        check(&format!("nodes: {{ {rest} }}"), "/", "", expected);
    };
    nodes("groups: { eu: { agents: 2 }, us: { agents: 3, weight: 7 } }", &[]);
    nodes("lease: 1s", &[("plan::value::range", "1s")]);
    nodes("lease: 4s, tuning: { beat: 2s }", &[]);
    nodes("groups: { eu: { vars: { x: 1 } } }", &[("plan::override::unknown", "x")]);
}

#[test]
fn what_stands_in_the_wrong_place_is_said() {
    let reads = |path: &str, expected: &[(&str, &str)]| check("", path, "", expected);
    reads("\"/{{ user.number }}\"", &[]);
    reads("\"/{{ a.x }}\"", &[("plan::capture::unknown", "a.x")]);
    reads("\"/{{ b.x }}\"", &[("plan::capture::unknown", "b.x")]);
    reads("\"/#x\"", &[("plan::http::path", "\"/#x\"")]);
    reads("/, headers: { x: \"é\" }", &[("plan::http::header", "\"é\"")]);
    reads("/, headers: { X: a, x: b }", &[("plan::http::header", "x")]);
    reads("/, headers: { Host: a }", &[("plan::http::header", "Host")]);
    reads("/, json: { \"{{ seed }}\": 1 }", &[("plan::template::place", "\"{{ seed }}\"")]);
}
