//! Flow: what is proven of captures, blocks, calls and conditions, and where each mistake is told.

use super::{check, good, plan, steps};
use crate::artifact::{Action, Condition};

const MAYBE: &str = "plan::variable::maybe-unbound";
const UNBOUND: &str = "plan::variable::unbound";
const PLACE: &str = "plan::template::place";

/// Captures `x` in a step `a`, with more keys of that step.
fn capturing(more: &str) -> String {
    format!("{{ step: a, http: {{ get: / }}, capture: {{ x: {{ json: $.x }} }}{more} }}")
}

const READ: &str = r#"{ step: z, http: { get: /, query: { x: "{{ a.x }}" } } }"#;

/// A plan with these top-level sections and one closed scenario with these keys.
fn closed(top: &str, scenario: &str) -> String {
    plan(
        &format!("endpoints: {{ shop: {{ http: {{ base_url: http://a }} }} }}\n{top}"),
        &format!("  one:\n    load: {{ closed: [ {{ users: 2, for: 9s }} ] }}\n{scenario}\n"),
    )
}

#[test]
fn captures_that_may_be_missing_need_a_default() {
    let one = |block: &str| steps(&[block, READ]);
    good(&one(&capturing("")));
    check(&one(&capturing(", on_fail: continue")), &[(MAYBE, "a.x")]);
    check(&one(&capturing(", when: vars.shop == 'x'")), &[(MAYBE, "a.x")]);
    good(&one(&capturing(", on_fail: stop_scenario")));
    let default = "{ step: a, when: vars.shop == 'x', http: { get: / }, capture: { x: { json: $.x, default: 1 } } }";
    good(&one(default));
    let filtered = READ.replace("a.x", "a.x | default(1)");
    good(&steps(&[&capturing(", on_fail: continue"), &filtered]));
    let inside = |head: &str| format!("{{ {head}, steps: [ {} ] }}", capturing(""));
    check(
        &one(&inside("for_each: vars.l")).replace("vars: {", "vars: { l: [1], "),
        &[(MAYBE, "a.x")],
    );
    good(&one(&inside("for_each: [1, 2]")));
    good(&one(&inside("repeat: 2")));
    check(&one(&inside("when: vars.shop == 'x', repeat: 2")), &[(MAYBE, "a.x")]);
    let choose = format!(
        "{{ choose: [ {{ weight: 1, steps: [ {} ] }}, {{ weight: 2, steps: [ {{ wait: 1s }} ] }} ] }}",
        capturing("")
    );
    check(&one(&choose), &[(MAYBE, "a.x")]);
    // In the branch that does not capture it.
    let beside = choose.replace("{ wait: 1s }", READ);
    check(&steps(&[&beside]), &[(MAYBE, "a.x")]);
    // A condition has no filters, so the capture itself needs the default.
    let asked = "{ step: z, when: a.x == 1, http: { get: / } }";
    check(&steps(&[&capturing(", on_fail: continue"), asked]), &[(MAYBE, "a.x")]);
}

#[test]
fn blocks_read_what_is_captured_before_them_and_inside_of_them() {
    let inside = format!("{{ repeat: 2, steps: [ {}, {READ} ] }}", capturing(""));
    good(&steps(&[&inside]));
    let turned = format!("{{ repeat: 2, steps: [ {READ}, {} ] }}", capturing(""));
    check(&steps(&[&turned]), &[(UNBOUND, "a.x")]);
    let until = |when: &str| {
        format!("{{ repeat: {{ until: {when}, at_most: 3 }}, steps: [ {} ] }}", capturing(""))
    };
    good(&steps(&[&until("a.x == 1")]));
    check(&steps(&[&until("a.y == 1")]), &[("plan::capture::unknown", "a.y")]);
    let guarded = format!("{{ repeat: 2, when: a.x == 1, steps: [ {} ] }}", capturing(""));
    check(&steps(&[&guarded]), &[(UNBOUND, "a.x")]);
    let beside = format!("{{ needs: [], repeat: 2, steps: [ {READ} ] }}");
    check(&steps(&[&capturing(""), &beside]), &[(UNBOUND, "a.x")]);
    let nested = format!(
        "{{ repeat: 2, steps: [ {}, {{ for_each: [1], steps: [ {{ repeat: 2, steps: [ {READ} ] }} ] }} ] }}",
        capturing("")
    );
    good(&steps(&[&nested]));
    let item = r#"{ step: i, http: { get: "/{{ item }}" } }"#;
    check(&steps(&[item]), &[(PLACE, "item")]);
    good(&steps(&[&format!(
        "{{ for_each: [a, b], steps: [ {{ repeat: 2, steps: [ {item} ] }} ] }}"
    )]));
}

#[test]
fn needs_name_steps_of_their_own_list() {
    let block = "{ step: b, repeat: 2, steps: [ { step: in, http: { get: / } } ] }";
    let needs = |name: &str| format!("{{ step: z, needs: [{name}], http: {{ get: / }} }}");
    good(&steps(&[block, &needs("b")]));
    check(&steps(&[block, &needs("in")]), &[("plan::needs::unknown", "in")]);
    let inner = "{ repeat: 2, steps: [ { step: in, needs: [out], http: { get: / } } ] }";
    let outer = "{ step: out, http: { get: / } }";
    check(&steps(&[outer, inner]), &[("plan::needs::unknown", "out")]);
    let circle = "{ repeat: 2, steps: [ { step: p, needs: [q], wait: 1s }, { step: q, needs: [p], wait: 1s } ] }";
    check(&steps(&[circle]), &[("plan::needs::cycle", "q")]);
    let again = "{ repeat: 2, steps: [ { step: out, http: { get: / } } ] }";
    check(&steps(&[outer, again]), &[("plan::name::duplicate", "out")]);
    let jump = "{ repeat: 2, steps: [ { step: p, http: { get: / } }, { wait: 1s }, { step: q, needs: [p], http: { get: / } } ] }";
    check(&steps(&[jump]), &[("plan::needs::jumps-wait", "p")]);
}

#[test]
fn calls_hand_over_and_return() {
    let sign_in = r#"transactions: { sign_in: { params: [name], steps: [ { step: login, http: { post: /login, json: { n: "{{ params.name }}" } }, capture: { token: { json: $.t } } } ], returns: { token: "{{ login.token }}" } } }"#;
    let calling = |steps: &str| closed(sign_in, &format!("    steps: [ {steps} ]"));
    let call = "{ step: signed, call: sign_in, with: { name: ada } }";
    let read = |name: &str| {
        format!("{{ step: z, http: {{ get: /, query: {{ t: \"{{{{ {name} }}}}\" }} }} }}")
    };
    let artifact = good(&calling(&format!("{call}, {}", read("signed.token"))));
    assert_eq!(artifact.transactions["sign_in"].params, ["name"]);
    assert!(matches!(artifact.scenarios["one"].steps[0].action, Action::Call(_)));
    check(
        &calling(&format!("{call}, {}", read("signed.tokn"))),
        &[("plan::capture::unknown", "signed.tokn")],
    );
    check(
        &calling(&format!("{call}, {}", read("login.token"))),
        &[("plan::capture::unknown", "login.token")],
    );
    check(&calling(&format!("{}, {call}", read("signed.token"))), &[(UNBOUND, "signed.token")]);
    let maybe = call.replace("call:", "on_fail: continue, call:");
    check(&calling(&format!("{maybe}, {}", read("signed.token"))), &[(MAYBE, "signed.token")]);
    let arguments = "plan::transaction::arguments";
    check(&calling("{ step: signed, call: sign_in }"), &[(arguments, "sign_in")]);
    check(&calling("{ step: signed, call: sign_in, with: { nme: a } }"), &[(arguments, "nme")]);
    check(
        &calling("{ step: signed, call: sign_in, with: { name: a, b: c } }"),
        &[(arguments, "b")],
    );
    check(&calling(&format!("{call}, {}", read("params.name"))), &[(PLACE, "params.name")]);
    let lost = sign_in.replace("login.token", "login.tken");
    check(
        &closed(&lost, &format!("    steps: [ {call} ]")),
        &[("plan::capture::unknown", "login.tken")],
    );
    let strange = sign_in.replace("params.name", "params.nam");
    check(
        &closed(&strange, &format!("    steps: [ {call} ]")),
        &[("plan::variable::unknown", "params.nam")],
    );
    let own = "transactions: { a: { steps: [ { step: x, call: a } ] } }";
    check(
        &closed(own, "    steps: [ { step: s, call: a } ]"),
        &[("plan::transaction::cycle", "a")],
    );
}

#[test]
fn calls_that_multiply_are_bounded() {
    let mut top = "transactions:\n  t0: { steps: [ { step: s, http: { get: / } } ] }\n".to_owned();
    for level in 1..9 {
        let calls: Vec<String> =
            (0..10).map(|n| format!("{{ step: s{n}, call: t{} }}", level - 1)).collect();
        top.push_str(&format!("  t{level}: {{ steps: [ {} ] }}\n", calls.join(", ")));
    }
    let text = closed(&top, "    steps: [ { step: s, call: t8 } ]");
    check(&text, &[("plan::limit::exceeded", "s0")]);
}

#[test]
fn names_are_known_where_they_stand() {
    let before = |uses: &str| {
        let top = format!(
            "before: [ {{ step: p, http: {{ get: \"/{{{{ {uses} }}}}\" }}, capture: {{ id: {{ json: $.id }} }} }} ]\ndata: {{ users: {{ file: users.csv, take: circular }} }}"
        );
        closed(
            &top,
            r#"    steps: [ { step: s, http: { get: "/{{ before.p.id }}/{{ data.users.name }}" } } ]"#,
        )
    };
    good(&before("run.id"));
    check(&before("data.users.name"), &[(PLACE, "data.users.name")]);
    check(&before("arrival.number"), &[(PLACE, "arrival.number")]);
    check(&before("user.number"), &[(PLACE, "user.number")]);
    check(&before("group.name"), &[(PLACE, "group.name")]);
    check(&before("before.p.id"), &[(PLACE, "before.p.id")]);
    check(&before("p.id"), &[(UNBOUND, "p.id")]);
    let lets = |values: &str, read: &str| {
        closed(
            "",
            &format!(
                "    let: {{ {values} }}\n    steps: [ {{ step: s, http: {{ get: \"/{{{{ {read} }}}}\" }}, capture: {{ x: {{ json: $.x }} }} }}, {{ step: t, http: {{ get: \"/{{{{ s.x }}}}\" }} }} ]"
            ),
        )
    };
    good(&lets("a: \"{{ rand.uuid() }}\", b: \"{{ let.a }}-1\"", "let.b"));
    check(&lets("b: \"{{ let.a }}\", a: 1", "let.b"), &[(UNBOUND, "let.a")]);
    check(&lets("a: 1", "let.b"), &[("plan::variable::unknown", "let.b")]);
    check(&lets("a: \"{{ s.x }}\"", "let.a"), &[(PLACE, "s.x")]);
    check(&lets("a: 1, b: 2", "let.a"), &[("plan::variable::unused", "b")]);
    let users = |read: &str| {
        closed(
            "",
            &format!(
                "    before_each_user: [ {{ step: l, http: {{ get: / }}, capture: {{ t: {{ json: $.t }} }} }} ]\n    steps: [ {{ step: s, http: {{ get: \"/{{{{ {read} }}}}\" }} }} ]"
            ),
        )
    };
    good(&users("user.l.t"));
    check(&users("user.l.u"), &[("plan::capture::unknown", "user.l.u")]);
    check(&users("user.k.t"), &[("plan::capture::unknown", "user.k.t")]);
    check(&users("l.t"), &[("plan::capture::unknown", "l.t")]);
}

#[test]
fn conditions_are_typed_at_their_place() {
    let when = |when: &str| {
        steps(&[
            "{ step: a, http: { get: / }, capture: { x: { json: $.x }, code: { status: true }, all: { json: \"$[*]\", all: true } } }",
            &format!("{{ step: z, when: '{}', http: {{ get: / }} }}", when.replace('\'', "''")),
            r#"{ step: y, http: { post: /, json: ["{{ a.x }}", "{{ a.code }}", "{{ a.all }}"] } }"#,
        ])
    };
    let artifact = good(&when("a.x == 'b' and not a.code in [200, 201]"));
    let step = &artifact.scenarios["one"].steps[1];
    assert!(matches!(&step.when, Some(Condition::All(parts)) if parts.len() == 2), "{step:?}");
    good(&when("a.x in a.all or a.x"));
    good(&when("a.x > 3"));
    check(&when("a.x = 1"), &[("plan::expression::syntax", "=")]);
    check(&when("a.x == done"), &[("plan::template::unknown-name", "done")]);
    check(&when("vars.shp == 'a'"), &[("plan::variable::unknown", "vars.shp")]);
    check(&when("a.code"), &[("plan::expression::kind", "a.code")]);
    check(&when("a.x in a.code"), &[("plan::expression::kind", "a.code")]);
    check(&when("a.all > 1"), &[("plan::expression::kind", "a.all")]);
    check(&when("a.code == '200'"), &[("plan::expression::never", "''200''")]);
    check(&when("1 == 1"), &[("plan::expression::never", "'1 == 1'")]);
    check(&when("rand.int == 1"), &[("plan::expression::syntax", "rand.int")]);
    // Exact in folded and escaped scalars.
    let folded = plan(
        "endpoints: { shop: { http: { base_url: http://a } } }",
        "  one:\n    load: { open: [ { rate: 10/s, for: 10s } ] }\n    steps:\n      - step: é\u{31}\n        when: >-\n          vars.a == 'ä' and\n          vars.b && true\n        http: { get: / }\n"
    ).replace("é1", "a");
    check(&folded, &[("plan::expression::syntax", "&&")]);
}

#[test]
fn one_mistake_in_a_block_is_told_once() {
    let inner = |step: &str| steps(&[&format!("{{ repeat: 2, steps: [ {step}, {READ} ] }}")]);
    let broken = capturing("").replace("$.x", "x.y");
    check(&inner(&broken), &[("plan::pattern::invalid", "x.y")]);
    check(&inner(&capturing(", on_fail: [a]")), &[("plan::schema::type", "[a]")]);
    check(&inner(&capturing(", when: 'a ='")), &[("plan::template::unknown-name", "a")]);
    check(
        &steps(&["{ for_each: vars.missing, steps: [ { step: i, http: { get: / } } ] }"]),
        &[("plan::variable::unknown", "vars.missing")],
    );
    check(
        &steps(&["{ for_each: vars.shop, steps: [ { step: i, http: { get: / } } ] }"]),
        &[("plan::flow::list", "vars.shop")],
    );
    let hole =
        "{ repeat: 2, steps: [ { step: a, htp: { get: / }, capture: { x: { json: $.x } } } ] }";
    check(&steps(&[hole, READ]), &[("plan::schema::unknown-key", "htp")]);
    let call = "{ step: a, call: gone }";
    check(&steps(&[call, READ]), &[("plan::transaction::unknown", "gone")]);
}

#[test]
fn secrets_do_not_reach_a_url_over_other_names() {
    let exposed = "plan::secret::exposed";
    let top = "secrets: { key: { env: KEY } }";
    let lets = |at: &str| {
        closed(
            top,
            &format!(
                "    let: {{ k: \"{{{{ secrets.key }}}}\" }}\n    steps: [ {{ step: s, http: {{ get: / , {at}: {{ k: \"{{{{ let.k }}}}\" }} }} }} ]"
            ),
        )
    };
    good(&lets("headers"));
    check(&lets("query"), &[(exposed, "let.k")]);
    let calls = |at: &str| {
        let top = format!(
            "{top}\ntransactions: {{ t: {{ params: [k], steps: [ {{ step: i, http: {{ get: /, {at}: {{ k: \"{{{{ params.k }}}}\" }} }} }} ] }} }}"
        );
        closed(&top, "    steps: [ { step: s, call: t, with: { k: \"a-{{ secrets.key }}\" } } ]")
    };
    good(&calls("headers"));
    check(&calls("query"), &[(exposed, "params.k")]);
}

#[test]
fn a_broken_section_is_told_once() {
    let read = "    steps: [ { step: s, http: { get: \"/{{ let.x }}\" } } ]";
    check(&closed("", &format!("    let: 5\n{read}")), &[("plan::schema::type", "5")]);
    let call = "    steps: [ { step: s, call: t, with: { a: 1 } }, { step: r, http: { get: \"/{{ s.b }}\" } } ]";
    check(&closed("transactions: 5", call), &[("plan::schema::type", "5")]);
    check(&closed("transactions: { t: 5 }", call), &[("plan::schema::type", "5")]);
    check(
        &closed("transactions: { t: { params: 5, returns: 6, steps: [ { wait: 1s } ] } }", call),
        &[("plan::schema::type", "5"), ("plan::schema::type", "6")],
    );
    check(
        &closed("before: 5", "    steps: [ { step: r, http: { get: \"/{{ before.s.b }}\" } } ]"),
        &[("plan::schema::type", "5")],
    );
}
