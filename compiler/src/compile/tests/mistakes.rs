//! Mistakes that need several stages to be seen, and mistakes that must not be told twice.

use super::{check, plan, steps};
use crate::compile::check as judge;
use crate::diagnostic::Diagnostics;
use crate::source::{FileId, Files, Source};

/// Checks what `plan check` says of `text`: codes, each with its place and a part of its message.
fn told(text: &str, expected: &[(&str, &str, &str)]) {
    let source = Source::new(FileId(0), "plan.yaml", text);
    let mut sink = Diagnostics::new();
    judge(&Files::new(source.clone()), &mut sink);
    let found = sink.into_sorted();
    assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
    for (found, (code, place, words)) in found.iter().zip(expected) {
        assert_eq!((found.code, source.slice(found.primary.span)), (*code, *place), "{found:#?}");
        assert!(found.message.contains(words), "{found:#?}");
    }
}

fn environments(environments: &str) -> String {
    let top = format!(
        "vars: {{ peak: 10/s, host: a }}\nendpoints: {{ shop: {{ http: {{ base_url: \"http://{{{{ vars.host }}}}\" }} }} }}\nthresholds: {{ t: {{ require: p95(service) < 1s, scenario: one, step: a }} }}\nenvironments: {environments}"
    );
    let rest = "  one: { load: { open: [ { rate: \"{{ vars.peak }}\", for: 9s } ] }, steps: [ { step: a, http: { get: / } } ] }\n";
    plan(&top, rest)
}

#[test]
fn each_environment_is_checked_and_named() {
    told(&environments("{ dev: { vars: { peak: 20/s } }, prod: { vars: { host: b } } }"), &[]);
    let base = "\"http://{{ vars.host }}\"";
    told(
        &environments("{ dev: { vars: { host: a b } }, prod: { vars: { host: c d } } }"),
        &[
            ("plan::endpoint::base-url", base, "in the environment `dev`"),
            ("plan::endpoint::base-url", base, "in the environment `prod`"),
        ],
    );
    told(
        &environments("{ prod: { vars: { peak: fast } } }"),
        &[("plan::value::unit", "\"{{ vars.peak }}\"", "in the environment `prod`")],
    );
    // What an overlay makes of a threshold is judged too.
    told(
        &environments("{ prod: { thresholds: { t: { step: b } } } }"),
        &[("plan::threshold::selector", "b", "in the environment `prod`")],
    );
    told(
        &environments("{ prod: { thresholds: { new: { require: p95(service) < 1 } } } }"),
        &[("plan::expression::unit", "1", "in the environment `prod`")],
    );
    // A value of the wrong kind is told once, not again where it is used.
    told(
        &environments("{ prod: { vars: { peak: 3 } } }"),
        &[("plan::override::kind", "peak", "the environment `prod`")],
    );
}

#[test]
fn an_expectation_knows_no_time_and_no_draw() {
    for (value, place) in
        [("{{ now.unix_ms }}", "now.unix_ms"), ("{{ rand.uuid() }}", "rand.uuid()")]
    {
        check(
            &steps(&[&format!(
                "{{ step: a, http: {{ get: / }}, expect: {{ json: {{ $.x: \"{value}\" }} }} }}"
            )]),
            &[("plan::template::place", place)],
        );
        check(
            &steps(&[&format!(
                "{{ step: a, http: {{ get: / }}, expect: {{ body: {{ contains: \"a {value}\" }} }} }}"
            )]),
            &[("plan::template::place", place)],
        );
    }
}

#[test]
fn a_bound_that_is_none_is_no_text() {
    let expect = |value: &str| {
        steps(&[&format!(
            "{{ step: a, http: {{ get: / }}, expect: {{ json: {{ $.x: \"{value}\" }} }} }}"
        )])
    };
    for good in ["> 0", "accepted", "<html>", ">"] {
        check(&expect(good), &[]);
    }
    for bad in ["> many", "!= null", "> {{ vars.shop }}"] {
        check(&expect(bad), &[("plan::expression::syntax", &format!("\"{bad}\""))]);
    }
}

#[test]
fn what_follows_from_a_mistake_is_not_told() {
    let reader = "{ step: b, http: { get: \"/{{ a.x }}\" } }";
    check(
        &steps(&["{ step: a, http: { get: / }, capture: { x: { json: $.y[0] } } }", reader]),
        &[("plan::yaml::path", "$.y[0]")],
    );
    let a = "{ step: a, http: { get: / }, capture: { x: { json: $.x } } }";
    check(
        &steps(&[a, "{ step: b, needs: [login], http: { get: \"/{{ a.x }}\" } }"]),
        &[("plan::needs::unknown", "login")],
    );
    // A capture that was never written is still told.
    check(&steps(&["{ step: a, http: { get: / } }", reader]), &[("plan::capture::unknown", "a.x")]);
}

#[test]
fn a_list_has_no_text() {
    let vars = |path: &str| {
        let text = steps(&[&format!("{{ step: a, http: {{ get: \"{path}\" }} }}")]);
        text.replace("vars: { ", "vars: { tags: [a, b], ")
    };
    check(&vars("/{{ vars.tags | json }}"), &[]);
    check(&vars("/{{ vars.tags }}"), &[("plan::value::kind", "\"/{{ vars.tags }}\"")]);
    check(
        &vars("/a?t={{ vars.tags | url }}"),
        &[("plan::value::kind", "\"/a?t={{ vars.tags | url }}\"")],
    );
}

#[test]
fn a_captured_list_has_no_text() {
    let a = "{ step: a, http: { get: / }, capture: { x: { json: $.x, all: true } } }";
    let reads = |action: &str| steps(&[a, &format!("{{ step: b, http: {{ {action} }} }}")]);
    check(&reads("get: \"/{{ a.x }}\""), &[("plan::value::kind", "a.x")]);
    check(&reads("get: /, headers: { h: \"{{ a.x }}\" }"), &[("plan::value::kind", "a.x")]);
    check(&reads("get: \"/{{ a.x | json }}\""), &[]);
    check(&reads("post: /, json: { q: \"{{ a.x }}\" }"), &[]);
}

#[test]
fn lengths_and_sizes_of_nothing_are_refused() {
    let step = "{ step: a, http: { get: / } }";
    let text = steps(&[step]);
    let timeout = text.replace("    steps:", "    timeout: 0s\n    steps:");
    check(&timeout, &[("plan::value::range", "0s")]);
    let late = text.replace("10s } ] }", "10s } ], late_after: 0s }");
    check(&late, &[("plan::value::range", "0s")]);
    let body = text.replace("\"{{ vars.shop }}\" }", "\"{{ vars.shop }}\", max_body: 0B }");
    check(&body, &[("plan::value::range", "0B")]);
    check(&steps(&["{ step: a, http: { get: /a<b> } }"]), &[("plan::http::path", "/a<b>")]);
}

#[test]
fn a_placeholder_of_another_tool_is_sent_with_a_warning() {
    let body = |text: &str| {
        steps(&[&format!("{{ step: a, http: {{ post: /, json: {{ q: \"{text}\" }} }} }}")])
    };
    let foreign = "plan::template::foreign";
    check(&body("a ${user} b"), &[(foreign, "${user}")]);
    check(&body("{{ vars.shop }} #{user.name}"), &[(foreign, "#{user.name}")]);
    for text in ["$5", "${}", "${a b}", "{ a }", "$ {a}", "${a"] {
        check(&body(text), &[]);
    }
}

#[test]
fn a_placeholder_of_other_tools_uses_its_var_and_is_no_second_mistake() {
    let foreign = "plan::template::foreign";
    let rest = "  one: { load: { open: [ { rate: 1/s, for: 9s } ] }, steps: [ { step: a, http: { get: \"/${x}\" } } ] }\n";
    let shop = |url: &str| {
        format!("vars: {{ x: 1 }}\nendpoints: {{ shop: {{ http: {{ base_url: \"{url}\" }} }} }}")
    };
    told(&plan(&shop("http://a"), rest), &[(foreign, "${x}", "is no template here")]);
    let good = "  one: { load: { open: [ { rate: 1/s, for: 9s } ] }, steps: [ { step: a, http: { get: \"/{{ vars.x }}\" } } ] }\n";
    told(
        &plan(&shop("${HOST}"), good),
        &[("plan::endpoint::base-url", "\"${HOST}\"", "is no address")],
    );
}
