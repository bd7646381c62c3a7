//! What is judged across aliases, calls and parts: by what runs, not by where it is written.

use super::{check, good, load, plan, run};
use crate::artifact::{Action, AwaitAction, Scenario, to_bytes};
use crate::compile;
use crate::diagnostic::Diagnostics;
use crate::model::Overrides;
use crate::parts::BYTES_MAX;
use crate::source::{FileId, Files, Source};

const HTTP: &str = "shop: { http: { base_url: http://a } }";
const BUS: &str = "bus: { nats: { servers: [\"nats://a:4222\"] } }";
const LOAD: &str = "load: { open: [ { rate: 10/s, for: 10s } ] }";
const SEND: &str = "{ step: send, publish: { use: bus, subject: s, text: x } }";
const TAKE: &str = "{ step: take, await: { use: bus, subject: s, within: 5s } }";
const NOT_UNIQUE: &str = "plan::await::not-unique";

/// A plan with an HTTP endpoint and a broker, these top-level sections and these scenarios, a line each.
fn both(top: &str, scenarios: &[&str]) -> String {
    let scenarios: String = scenarios.iter().map(|one| format!("  {one}\n")).collect();
    plan(&format!("endpoints: {{ {HTTP}, {BUS} }}\n{top}"), &scenarios)
}

/// Returns the step that the await of a scenario counts from.
fn since(scenario: &Scenario) -> &str {
    let found = scenario.steps.iter().find_map(|step| match &step.action {
        Action::Await(AwaitAction { since, .. }) => Some(since.as_str()),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn awaits_of_one_anchor_each_count_from_their_own_step() {
    let own = "match: { json: $.id, equals: \"{{ arrival.id }}\" }";
    let take = format!("&t {{ step: take, await: {{ use: bus, subject: s, within: 5s, {own} }} }}");
    let first = format!("one: {{ {LOAD}, steps: [ {SEND}, {take} ] }}");
    let second = SEND.replace("step: send", "step: other");
    let second = format!("two: {{ {LOAD}, steps: [ {second}, *t ] }}");
    let artifact = good(&both("", &[&first, &second]).replace(&format!("{HTTP}, "), ""));
    assert_eq!(since(&artifact.scenarios["one"]), "send");
    assert_eq!(since(&artifact.scenarios["two"]), "other");
}

#[test]
fn a_metric_of_a_broken_transaction_is_not_called_unknown() {
    let judge = "thresholds: { t: { require: mean(cart) < 9 } }";
    let scenario =
        format!("one: {{ {LOAD}, steps: [ {{ step: a, http: {{ use: shop, get: / }} }} ] }}");
    let unknown = |top: &str| {
        let (_, found) =
            run(&both(&format!("{top}\n{judge}"), &[&scenario]), &Overrides::default());
        found.iter().any(|one| one.code == "plan::expression::unknown")
    };
    assert!(unknown(""));
    assert!(!unknown("transactions: { t: 7 }"));
    assert!(!unknown("transactions: [ 7 ]"));
    assert!(!unknown("include: [ gone.yaml ]"));
}

#[test]
fn retries_name_statuses_that_their_answer_has() {
    const KIND: &str = "plan::answer::kind";
    let retry = |step: &str, when: &str| {
        let step = format!("{{ step: a, {step}, retry: {{ attempts: 2, when: [{when}] }} }}");
        let top = "endpoints: { shop: { http: { base_url: http://a } }, rpc: { grpc: { target: \"a:1\" } }, bus: { nats: { servers: [\"nats://a:4222\"] } } }";
        plan(top, &format!("  one: {{ {LOAD}, steps: [ {step} ] }}\n"))
    };
    let codes = |text: &str| {
        let (_, found) = run(text, &Overrides::default());
        let found = found.iter().filter(|one| one.code != "plan::endpoint::unused");
        found.map(|one| one.code).collect::<Vec<_>>()
    };
    let http = "http: { use: shop, get: / }";
    assert_eq!(codes(&retry(http, "timeout, 5xx, 429")), Vec::<&str>::new());
    assert_eq!(codes(&retry(http, "unavailable")), [KIND]);
    let grpc = "grpc: { use: rpc, method: a.B/c, json: {} }";
    assert_eq!(codes(&retry(grpc, "connect, unavailable")), Vec::<&str>::new());
    assert_eq!(codes(&retry(grpc, "5xx")), [KIND]);
    let publish = "publish: { use: bus, subject: s, text: x }";
    assert_eq!(codes(&retry(publish, "timeout")), Vec::<&str>::new());
    assert_eq!(codes(&retry(publish, "503")), [KIND]);
}

#[test]
fn what_runs_once_awaits_any_message() {
    let around = |key: &str| format!("{key}: [ {SEND}, {TAKE} ]");
    let scenario =
        format!("one: {{ {LOAD}, steps: [ {{ step: a, http: {{ use: shop, get: / }} }} ] }}");
    for key in ["before", "after"] {
        good(&both(&around(key), &[&scenario]));
    }
    let called = format!("transactions: {{ ask: {{ steps: [ {SEND}, {TAKE} ] }} }}");
    good(&both(&format!("{called}\nbefore: [ {{ step: c, call: ask }} ]"), &[&scenario]));
    let calls = scenario.replace("steps: [", "steps: [ { step: c, call: ask }, ");
    check(&both(&called, &[&calls]), &[(NOT_UNIQUE, "await")]);
}

#[test]
fn limits_of_a_scenario_hold_what_it_calls() {
    let own = "match: { json: $.id, equals: \"{{ arrival.id }}\" }";
    let take = format!("{{ step: take, await: {{ use: bus, subject: s, within: 9s, {own} }} }}");
    let called = format!("transactions: {{ ask: {{ steps: [ {SEND}, {take} ] }} }}");
    let calls = |name: &str| {
        format!("{name}: {{ {LOAD}, timeout: 5s, steps: [ {{ step: c, call: ask }} ] }}")
    };
    let scenarios = [calls("one"), calls("two")];
    let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
    let only = |text: String| text.replace(&format!("{HTTP}, "), "");
    check(&only(both(&called, &scenarios)), &[("plan::await::within", "9s")]);
    let slow = "{ step: slow, http: { use: shop, get: / }, timeout: 8s }";
    let called = format!("transactions: {{ ask: {{ steps: [ {slow} ] }} }}");
    let no_bus = |text: String| text.replace(&format!(", {BUS}"), "");
    check(&no_bus(both(&called, &scenarios)), &[("plan::flow::timeout", "timeout")]);
    let called = format!("transactions: {{ ask: {{ steps: [ {SEND}, {take} ] }} }}");
    let judged = format!("{called}\nthresholds: {{ t: {{ require: p95(response) < 2s }} }}");
    let calm = scenarios[0].replace("timeout: 5s, ", "");
    check(&only(both(&judged, &[&calm])), &[("plan::threshold::await", "p95(response) < 2s")]);
}

#[test]
fn users_call_nothing_that_reads_rows_of_arrivals() {
    const PLACE: &str = "plan::template::place";
    let data = |per: &str| format!("data: {{ users: {{ file: users.csv, take: circular{per} }} }}");
    let read = "http: { use: shop, get: \"/{{ data.users.name }}\" }";
    let called = format!("transactions: {{ ask: {{ steps: [ {{ step: r, {read} }} ] }} }}");
    let scenario = "one: { load: { closed: [ { users: 2, for: 9s } ] }, before_each_user: [ { step: c, call: ask } ], steps: [ { step: a, http: { use: shop, get: \"/{{ data.users.email }}\" } } ] }";
    let text = |per: &str| {
        both(&format!("{}\n{called}", data(per)), &[scenario]).replace(&format!(", {BUS}"), "")
    };
    good(&text(", per: user"));
    check(&text(""), &[(PLACE, "ask")]);
    // So does the endpoint that the called one uses.
    let headed =
        "shop: { http: { base_url: http://a, headers: { x-user: \"{{ data.users.name }}\" } } }, ";
    let headed = format!("{headed}plain: {{ http: {{ base_url: http://b }} }}");
    let text = |per: &str| {
        let text = text(per).replace(HTTP, &headed).replace("/{{ data.users.name }}", "/");
        text.replace("step: a, http: { use: shop", "step: a, http: { use: plain")
    };
    good(&text(", per: user"));
    check(&text(""), &[(PLACE, "data.users.name")]);
}

#[test]
fn what_compiles_is_within_the_limits_of_an_artifact() {
    let scenario =
        format!("one: {{ {LOAD}, steps: [ {{ step: a, http: {{ use: shop, get: / }} }} ] }}");
    let text = |nodes: &str| {
        both(&format!("nodes: {{ {nodes} }}"), &[&scenario]).replace(&format!(", {BUS}"), "")
    };
    load(&to_bytes(&good(&text("join_timeout: 24h, lease: 1h")))).unwrap();
    const RANGE: &str = "plan::value::range";
    check(&text("join_timeout: 25h"), &[(RANGE, "25h")]);
    check(&text("tuning: { final_wait: 48h }"), &[(RANGE, "48h")]);
}

#[test]
fn who_observes_is_not_called_open() {
    let scenario = format!(
        "one: {{ observe: {{ for: 10s }}, before_each_user: [ {SEND} ], steps: [ {TAKE} ] }}"
    );
    let text = both("", &[&scenario]).replace(&format!("{HTTP}, "), "");
    let (_, found) = run(&text, &Overrides::default());
    let told: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
    assert!(told.contains(&"`one` observes and has no users"), "{told:?}");
    assert!(!told.iter().any(|message| message.contains("open")), "{told:?}");
}

#[test]
fn a_part_that_was_not_read_because_of_the_others_is_not_called_missing() {
    let text = format!(
        "version: 1\nname: p\ninclude: [late.yaml, a.yaml, b.yaml]\nscenarios: {{ one: {{ {LOAD}, steps: [ {{ wait: 1s }} ] }} }}\n"
    );
    let codes = |bytes: usize| {
        let mut files = Files::new(Source::new(FileId(0), "plan.yaml", text.clone()));
        for name in ["a.yaml", "b.yaml"] {
            // What is no text is counted, and not parsed.
            files.add_part(name, name, [b"\xff".to_vec(), vec![b' '; bytes]].concat());
        }
        let mut sink = Diagnostics::new();
        compile(&files, &Overrides::default(), &mut sink);
        sink.into_sorted().iter().map(|found| found.code).collect::<Vec<_>>()
    };
    assert!(codes(9).contains(&"plan::file::missing"));
    let large = codes(BYTES_MAX / 2);
    assert!(large.contains(&"plan::limit::exceeded"), "{large:?}");
    assert!(!large.contains(&"plan::file::missing"), "{large:?}");
}
