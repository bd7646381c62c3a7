//! What the plan says that has no effect, and what is known under another name: each told once, where it stands.

use super::{check, good, plan, run, steps};
use crate::compile::check as judge;
use crate::diagnostic::Diagnostics;
use crate::source::{FileId, Files, Source};
use crate::{Overrides, compile};

const NEVER: &str = "plan::expression::never";
const UNREACHABLE: &str = "plan::flow::unreachable";
const UNKNOWN_KEY: &str = "plan::schema::unknown-key";
const HTTP: &str = "endpoints: { shop: { http: { base_url: http://a } } }";
const LOAD: &str = "load: { open: [ { rate: 10/s, for: 10s } ] }";
const A: &str = "{ step: a, http: { get: / } }";

/// A plan of one open scenario with these top-level sections, more keys of the scenario, and these steps.
fn open(top: &str, more: &str, steps: &str) -> String {
    plan(&format!("{HTTP}\n{top}"), &format!("  one: {{ {LOAD}, {more}steps: [ {steps} ] }}\n"))
}

/// Returns the helps of what is found in `text`.
fn helps(text: &str) -> Vec<String> {
    run(text, &Overrides::default()).1.into_iter().map(|found| found.help).collect()
}

#[test]
fn what_is_sent_may_look_like_steps() {
    let like = "[ { http: 1, step: 2, wait: 3 } ]";
    let body =
        format!("{{ capture: {{ json: x, as: y }}, list: {like}, sent: \"{{{{ vars.like }}}}\" }}");
    let post = format!("{{ step: a, http: {{ post: /, json: {body} }} }}");
    good(&open(&format!("vars: {{ like: {like} }}"), "", &post));
    // In a list of steps, in blocks too, it is what it looks like.
    let lost = "{ http: { get: / }, step: b, wait: 1s }";
    let block = format!("{{ repeat: 2, steps: [ {lost} ] }}");
    check(&open("", "", &block), &[("plan::schema::action", "step")]);
}

#[test]
fn what_never_runs_or_never_changes_is_told() {
    let two = |first: &str, second: &str| {
        steps(&[&format!(
            "{{ choose: [ {{ weight: {first}, steps: [ {A} ] }}, {{ weight: {second}, steps: [ {{ wait: 1s }} ] }} ] }}"
        )])
    };
    good(&two("1", "3"));
    check(&two("0", "3"), &[(UNREACHABLE, "0")]);
    check(&two("0", "0"), &[("plan::flow::branches", "0")]);
    check(&steps(&[&format!("{{ for_each: [], steps: [ {A} ] }}")]), &[(UNREACHABLE, "[]")]);
    let home = "{ step: home, http: { get: / }, capture: { x: { json: $.x } } }";
    let again = |until: &str| {
        let inner = "{ step: b, http: { get: \"/{{ home.x }}\" }, capture: { y: { json: $.y } } }";
        let read = "{ step: z, http: { get: \"/{{ b.y }}\" } }";
        let turns = format!("{{ repeat: {{ until: {until}, at_most: 3 }}, steps: [ {inner} ] }}");
        steps(&[home, &turns, read])
    };
    good(&again("b.y == 1"));
    good(&again("b.y == home.x"));
    check(&again("home.x == 1"), &[(NEVER, "home.x == 1")]);
    check(&again("gone.x == 1"), &[("plan::capture::unknown", "gone.x")]);
}

#[test]
fn secrets_are_followed_through_calls() {
    let exposed = "plan::secret::exposed";
    let read = "{ step: z, http: { get: \"/{{ s.k }}\" } }";
    let top = |transactions: &str| {
        format!("secrets: {{ key: {{ env: KEY }} }}\ntransactions: {{ {transactions} }}")
    };
    let returned = |value: &str| {
        let t = format!("t: {{ params: [k], steps: [ {A} ], returns: {{ k: \"{value}\" }} }}");
        let call = "{ step: s, call: t, with: { k: \"{{ secrets.key }}\" } }";
        open(&top(&t), "", &format!("{call}, {read}"))
    };
    check(&returned("{{ params.k }}"), &[(exposed, "s.k")]);
    good(&returned("{{ params.k | hmac_sha256(key) }}"));
    let own = "t: { steps: [ { wait: 1s } ], returns: { k: \"{{ secrets.key }}\" } }";
    check(&open(&top(own), "", &format!("{{ step: s, call: t }}, {read}")), &[(exposed, "s.k")]);
    let handed = |place: &str| {
        let twice = format!(
            "t: {{ params: [k], steps: [ {{ step: i, call: u, with: {{ q: \"{{{{ params.k }}}}\" }} }} ] }}, u: {{ params: [q], steps: [ {{ step: b, http: {{ get: /, {place}: {{ x: \"{{{{ params.q }}}}\" }} }} }} ] }}"
        );
        open(&top(&twice), "", "{ step: s, call: t, with: { k: \"{{ secrets.key }}\" } }")
    };
    check(&handed("query"), &[(exposed, "params.q")]);
    good(&handed("headers"));
}

#[test]
fn waits_inside_of_calls_count() {
    let load = "load: { open: [ { rate: 10/s, for: 1m } ], max_in_flight: 5 }";
    let text = |transactions: &str, call: &str| {
        let top = format!("{HTTP}\ntransactions: {{ {transactions} }}");
        plan(&top, &format!("  one: {{ {load}, steps: [ {{ step: s, call: {call} }}, {A} ] }}\n"))
    };
    let slow = "u: { steps: [ { wait: 30s } ] }";
    let found = [("plan::load::in-flight", "5")];
    check(&text(slow, "u"), &found);
    check(&text(&format!("t: {{ steps: [ {{ step: i, call: u }} ] }}, {slow}"), "t"), &found);
    good(&text("u: { steps: [ { wait: 100ms } ] }", "u"));
    let endless = "u: { steps: [ { step: i, call: u }, { wait: 30s } ] }";
    check(&text(endless, "u"), &[("plan::transaction::cycle", "u")]);
}

#[test]
fn a_name_that_is_known_elsewhere_is_told_with_its_place() {
    let top = "before: [ { step: mk, http: { get: / }, capture: { id: { json: $.id } } } ]\ntransactions: { t: { steps: [ { step: login, http: { get: / }, capture: { x: { json: $.x } } } ], returns: { token: \"{{ login.x }}\" } } }";
    let read = |name: &str| {
        let step = format!(
            "{{ step: s, call: t }}, {{ step: z, http: {{ get: \"/{{{{ {name} }}}}/{{{{ before.mk.id }}}}/{{{{ s.token }}}}\" }} }}"
        );
        helps(&open(top, "", &step)).join("; ")
    };
    assert_eq!(read("before.mk.id"), "");
    assert_eq!(read("mk.id"), "write `before.mk.id`");
    assert!(read("login.token").ends_with("`s.token`"), "{}", read("login.token"));
    assert!(read("s.tok").ends_with("or read `s.token`"), "{}", read("s.tok"));
    assert!(read("env.TOKEN").contains("secrets"), "{}", read("env.TOKEN"));
}

#[test]
fn the_text_of_a_name_is_not_what_it_reads() {
    let foreign = "plan::template::foreign";
    let text = |returned: &str, given: &str| {
        let top = format!(
            "vars: {{ who: a }}\ntransactions: {{ t: {{ params: [n], steps: [ {{ step: login, http: {{ get: \"/{{{{ params.n }}}}/{{{{ vars.who }}}}\" }}, capture: {{ x: {{ json: $.x, default: 1 }} }} }} ], returns: {{ token: {returned} }} }} }}"
        );
        open(
            &top,
            "",
            &format!(
                "{{ step: s, call: t, with: {{ n: {given} }} }}, {{ step: z, http: {{ get: \"/{{{{ s.token }}}}\" }} }}"
            ),
        )
    };
    good(&text("\"{{ login.x }}\"", "x.y"));
    check(&text("login.x", "1"), &[(foreign, "token")]);
    check(&text("\"{{ login.x }}\"", "vars.who"), &[(foreign, "n")]);
}

#[test]
fn a_broken_part_breaks_nothing_else() {
    // The name that a mix has misspelt is that of the scenario without a load.
    let mix = |name: &str| {
        let top = format!("{HTTP}\ntraffic: {{ t: {{ {LOAD}, mix: {{ {name}: 1 }} }} }}");
        plan(&top, &format!("  one: {{ steps: [ {A} ] }}\n"))
    };
    good(&mix("one"));
    check(&mix("onne"), &[("plan::scenario::unknown", "onne")]);
    let observe = |written: &str| {
        let top = "endpoints: { bus: { nats: { servers: [\"nats://a:4222\"] } } }";
        plan(
            top,
            &format!(
                "  one: {{ {written}, steps: [ {{ step: a, await: {{ subject: s, within: 5m }} }} ] }}\n"
            ),
        )
    };
    good(&observe("observe: { for: 5m }"));
    check(&observe("observe: 5m"), &[("plan::schema::type", "5m")]);
    check(&observe("observe: {}"), &[("plan::schema::missing-key", "observe")]);
    check(
        &observe(&format!("observe: {{ for: 5m }}, {LOAD}")),
        &[("plan::schema::load", "observe")],
    );
    // A variable that nothing uses is told of once, not for each environment that sets it.
    let text = open(
        "vars: { x: 1 }\nenvironments: { dev: { vars: { x: 2 } }, prod: { vars: { x: 3 } } }",
        "",
        A,
    );
    let mut sink = Diagnostics::new();
    judge(&Files::new(Source::new(FileId(0), "plan.yaml", text.as_str())), &mut sink);
    assert_eq!(sink.into_sorted().len(), 1);
    assert!(
        compile(
            &Files::new(Source::new(FileId(0), "plan.yaml", text.as_str())),
            &Overrides::default(),
            &mut Diagnostics::new()
        )
        .is_some()
    );
}

#[test]
fn keys_a_level_too_high_are_told_once() {
    let named_as = "{ step: a, http: { get: / }, capture: { json: $.x, as: x } }, { step: z, http: { get: \"/{{ a.x }}\" } }";
    check(&open("", "", named_as), &[(UNKNOWN_KEY, "as")]);
    check(
        &open("", "", &named_as.replace("{ json: $.x, as: x }", "[ { json: $.x, as: x } ]")),
        &[(UNKNOWN_KEY, "as")],
    );
    let missing = "plan::schema::missing-key";
    check(&plan(HTTP, &format!("  {LOAD}\n  steps: [ {A} ]\n")), &[(missing, "load")]);
    let one = format!("  one: {{ {LOAD}, steps: [ {A} ] }}\n");
    check(
        &plan(&format!("{HTTP}\nthresholds: {{ require: count(failed) == 0 }}"), &one),
        &[(missing, "require")],
    );
    check(
        &plan(&format!("{HTTP}\nenvironments: {{ vars: {{ a: 1 }} }}"), &one),
        &[(missing, "vars")],
    );
    let named = format!("  load: {{ {LOAD}, steps: [ {A} ] }}\n");
    good(&plan(HTTP, &named));
    let load = format!("  one: {{ load: {{ rate: 10/s, for: 10s }}, steps: [ {A} ] }}\n");
    check(&plan(HTTP, &load), &[(UNKNOWN_KEY, "rate")]);
    let branch = "{ choose: [ { weight: 1, step: a, http: { get: / } }, { weight: 1, steps: [ { wait: 1s } ] } ] }";
    check(&steps(&[branch]), &[(UNKNOWN_KEY, "step")]);
    check(
        &steps(&[&format!("{{ repeat: {{ times: 3 }}, steps: [ {A} ] }}")]),
        &[(UNKNOWN_KEY, "times")],
    );
    let call = "{ step: s, call: t, args: { n: 1 } }, { step: z, http: { get: \"/{{ s.k }}\" } }";
    let top = format!(
        "transactions: {{ t: {{ params: [n], steps: [ {A} ], returns: {{ k: \"{{{{ params.n }}}}\" }} }} }}"
    );
    check(&open(&top, "", call), &[(UNKNOWN_KEY, "args")]);
}
