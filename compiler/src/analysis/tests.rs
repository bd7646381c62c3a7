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
