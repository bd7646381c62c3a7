//! Whole plans: what they become, and what is wrong with them and where.

mod across;
mod flow;
mod mistakes;
mod told;

use super::*;
use crate::artifact::{Json, Load, OpenStage, Piece, SlotSource, Text, to_bytes};
use crate::source::{FileId, Source};
use crate::verify::load;

const USERS: &str = "name,email\nann,a@x\nbob,b@x\ncid,c@x\ndan,d@x\n";

/// A small plan; `scenarios`' body follows two spaces deep.
fn plan(top: &str, scenarios: &str) -> String {
    format!("version: 1\nname: test\n{top}\nscenarios:\n{scenarios}")
}

/// A plan of one scenario with these steps, in flow style, a line each.
fn steps(steps: &[&str]) -> String {
    let list: String = steps.iter().map(|step| format!("      - {step}\n")).collect();
    plan(
        "vars: { shop: \"http://127.0.0.1:8080\" }\nendpoints: { shop: { http: { base_url: \"{{ vars.shop }}\" } } }",
        &format!(
            "  one:\n    load: {{ open: [ {{ rate: 10/s, for: 10s }} ] }}\n    steps:\n{list}"
        ),
    )
}

fn run(text: &str, overrides: &Overrides) -> (Option<Artifact>, Vec<Diagnostic>) {
    let mut files = Files::new(Source::new(FileId(0), "plan.yaml", text));
    files.add("users.csv", USERS.as_bytes().to_vec());
    files.add("bad.csv", b"a,b\n1\n".to_vec());
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, overrides, &mut sink);
    (artifact, sink.into_sorted())
}

fn good(text: &str) -> Artifact {
    let (artifact, found) = run(text, &Overrides::default());
    assert!(found.is_empty(), "{found:#?}");
    artifact.unwrap()
}

/// Checks that `text` gives exactly these codes, each at the text that follows it; help and label are there.
fn check(text: &str, expected: &[(&str, &str)]) {
    let (_, found) = run(text, &Overrides::default());
    let source = Source::new(FileId(0), "plan.yaml", text);
    let seen: Vec<(&str, &str)> =
        found.iter().map(|d| (d.code, source.slice(d.primary.span))).collect();
    assert_eq!(seen, expected, "{text}\n{found:#?}");
    for one in &found {
        assert!(!one.help.is_empty() && one.primary.message != "here", "{one:?}");
        assert!(!one.message.ends_with('.') && !one.help.ends_with('.'), "{one:?}");
    }
}

const CHECKOUT: &str = r#"version: 1
name: checkout
seed: 7
vars: { shop: "http://127.0.0.1:8080", peak: 200/s, tags: [a, b] }
secrets: { api_token: { env: SHOP_TOKEN } }
endpoints:
  shop: { http: { base_url: "{{ vars.shop }}", timeout: 5s, headers: { authorization: "Bearer {{ secrets.api_token }}" } } }
data:
  users: { file: users.csv, take: circular }
nodes:
  groups:
    eu: { agents: 2 }
    us: { agents: 1, vars: { shop: "http://10.0.0.1" } }
scenarios:
  checkout:
    load: { open: [ { rate: { to: "{{ vars.peak }}" }, for: 30s }, { rate: "{{ vars.peak }}", for: 2m } ] }
    warm_up: 10s
    steps:
      - step: login
        http: { post: /login, json: { user: "{{ data.users.name }}", n: 1.50, tag: "{{ rand.pick(vars.tags) }}" } }
        capture: { token: { json: "$.token" } }
      - wait: { uniform: [1s, 3s] }
      - step: order
        http: { use: shop, post: "/orders/{{ login.token | url }}", headers: { X-Session: "{{ login.token }}" }, query: { a: 1 }, form: { b: x } }
        expect: { status: [201, 2xx], duration: < 800ms, json: { "$.state": accepted, "$.n": "> 0" }, body: { contains: ok } }
  browse:
    runs_on: [eu]
    start_after: [ { scenario: checkout, state: started, delay: 10s } ]
    load: { closed: [ { users: 5, for: 2m } ] }
    steps:
      - { step: open, http: { get: "/u/{{ user.number }}" } }
thresholds:
  order_fast: { require: p95(service) < 500ms, scenario: checkout, step: order }
  each: { require: share(failed) < 1%, scenario: "*" }
"#;

#[test]
fn a_whole_plan_compiles() {
    let artifact = good(CHECKOUT);
    assert_eq!(load(&to_bytes(&artifact)).unwrap(), artifact);
    let checkout = &artifact.scenarios["checkout"];
    assert_eq!(checkout.planned, 3_000 + 24_000);
    assert_eq!(checkout.seats.keys().collect::<Vec<_>>(), ["eu/0", "eu/1", "us/0"]);
    assert_eq!(checkout.steps[2].needs, ["#2"]);
    assert_eq!(checkout.steps[1].needs, ["login"]);
    let Load::Open(open) = &checkout.load else { panic!() };
    assert!(matches!(open.stages[0], OpenStage::Rate { from, .. } if from.count == 0));
    assert!(artifact.vars["peak"].fixed && artifact.vars["tags"].fixed);
    assert!(!artifact.vars["shop"].fixed);
    assert_eq!(artifact.scenarios["browse"].start_ns, 10_000_000_000);
    assert_eq!(artifact.scenarios["browse"].slot_base, 0);
    assert_eq!(
        artifact.thresholds.keys().collect::<Vec<_>>(),
        ["each.browse", "each.checkout", "order_fast"]
    );
    assert_eq!(artifact.data["users"].rows, 4);
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let first = to_bytes(&good(CHECKOUT));
    let name = |name: &str, order: [&str; 2]| {
        let mut files = Files::new(Source::new(FileId(0), name, CHECKOUT));
        for path in order {
            files.add(path, USERS.as_bytes().to_vec());
        }
        to_bytes(&compile(&files, &Overrides::default(), &mut Diagnostics::new()).unwrap())
    };
    assert_eq!(first, name("/elsewhere/p.yaml", ["users.csv", "other.csv"]));
    assert_eq!(first, name("p.yaml", ["other.csv", "users.csv"]));
    // The order of keys in maps that have none is no input.
    let (vars, others) = CHECKOUT.split_once("secrets:").unwrap();
    let shuffled = vars.replace(
        r#"shop: "http://127.0.0.1:8080", peak: 200/s"#,
        r#"peak: 200/s, shop: "http://127.0.0.1:8080""#,
    );
    assert_ne!(shuffled, vars);
    assert_eq!(first, to_bytes(&good(&format!("{shuffled}secrets:{others}"))));
}

#[test]
fn overrides_have_their_order_and_their_type() {
    let top = "vars: { n: 1, host: a }\nenvironments: { prod: { vars: { host: b, n: 2 } } }\nendpoints: { shop: { http: { base_url: \"http://{{ vars.host }}\" } } }";
    let text = plan(
        top,
        "  one: { load: { closed: [ { users: \"{{ vars.n }}\", for: 1s } ] }, steps: [ { step: a, http: { get: / } } ] }\n",
    );
    let value =
        |overrides: &Overrides, var: &str| run(&text, overrides).0.unwrap().vars[var].value.clone();
    let plain = |text: &str| Json::Text(Text(vec![Piece::Literal(text.to_owned())]));
    let mut overrides = Overrides { environment: Some("prod".to_owned()), ..Overrides::default() };
    assert_eq!(value(&overrides, "host"), plain("b"));
    overrides.var_file = Some(Source::new(FileId(1), "v.yaml", "host: c\n"));
    assert_eq!(value(&overrides, "host"), plain("c"));
    overrides.vars.insert("host".to_owned(), "d".to_owned());
    assert_eq!(value(&overrides, "host"), plain("d"));
    assert_eq!(value(&overrides, "n"), Json::Number("2".to_owned()));
    overrides.seed = Some(9);
    assert_eq!(run(&text, &overrides).0.unwrap().seed, 9);
    for (name, text_of, code) in
        [("n", "x", "plan::override::kind"), ("nn", "1", "plan::override::unknown")]
    {
        let mut bad = Overrides::default();
        bad.vars.insert(name.to_owned(), text_of.to_owned());
        let codes: Vec<_> = run(&text, &bad).1.iter().map(|d| d.code).collect();
        assert_eq!(codes, [code]);
    }
    let unknown = Overrides { environment: Some("pod".to_owned()), ..Overrides::default() };
    assert_eq!(run(&text, &unknown).1[0].code, "plan::override::unknown");
}

#[test]
fn templates_keep_their_type_and_find_their_slot() {
    let artifact = good(&steps(&[
        "{ step: a, http: { post: /x, json: { n: \"{{ arrival.number }}\", t: \"n {{ arrival.number }}\", r: \"{{ rand.uuid() }}\" }, headers: { x: \"{{ rand.uuid() }}\" } } }",
    ]));
    let crate::artifact::Action::Http(http) = &artifact.scenarios["one"].steps[0].action else {
        panic!()
    };
    let crate::artifact::Body::Json(Json::Object(fields)) = &http.body else { panic!() };
    assert!(matches!(&fields[0].1, Json::Slot(slot) if slot.from == SlotSource::ArrivalNumber));
    assert!(matches!(&fields[1].1, Json::Text(text) if text.0.len() == 2));
    assert!(
        matches!(&fields[2].1, Json::Slot(slot) if slot.from == SlotSource::RandUuid { place: 0 })
    );
    let Piece::Slot(slot) = &http.headers[0].value.0[0] else { panic!() };
    assert_eq!(slot.from, SlotSource::RandUuid { place: 1 });
}

#[test]
fn reads_are_checked_by_the_dag_and_not_by_order() {
    let a = "{ step: a, http: { get: / }, capture: { x: { json: $.x } } }";
    check(&steps(&[a, "{ step: b, http: { get: \"/{{ a.x }}\" } }"]), &[]);
    check(
        &steps(&[a, "{ step: b, needs: [], http: { get: \"/{{ a.x }}\" } }"]),
        &[("plan::variable::unbound", "a.x")],
    );
    check(
        &steps(&["{ step: b, http: { get: \"/{{ a.x }}\" } }", a]),
        &[("plan::variable::unbound", "a.x")],
    );
    check(
        &steps(&[
            "{ step: b, needs: [a], http: { get: \"/{{ a.x }}\" } }",
            a.replace("step: a", "step: a, needs: []").as_str(),
        ]),
        &[],
    );
    check(
        &steps(&[a, "{ step: b, http: { get: \"/{{ a.y }}\" } }"]),
        &[("plan::capture::unknown", "a.y")],
    );
    check(
        &steps(&[a, "{ step: b, http: { get: \"/{{ aa.x }}\" } }"]),
        &[("plan::capture::unknown", "aa.x")],
    );
    check(&steps(&[a]), &[("plan::capture::unused", "x")]);
}

#[test]
fn cycles_and_needs() {
    check(
        &steps(&["{ step: a, needs: [b], http: { get: / } }", "{ step: b, http: { get: / } }"]),
        &[("plan::needs::cycle", "b")],
    );
    check(
        &steps(&["{ step: a, http: { get: / } }", "{ step: b, needs: [aa], http: { get: / } }"]),
        &[("plan::needs::unknown", "aa")],
    );
    check(
        &steps(&[
            "{ step: a, http: { get: / } }",
            "{ wait: 1s }",
            "{ step: b, needs: [a], http: { get: / } }",
        ]),
        &[("plan::needs::jumps-wait", "a")],
    );
    check(
        &steps(&["{ step: a, http: { get: / } }", "{ step: a, http: { get: / } }"]),
        &[("plan::name::duplicate", "a")],
    );
    check(&steps(&["{ step: vars, http: { get: / } }"]), &[("plan::name::reserved", "vars")]);
}

#[test]
fn what_is_sent_is_checked() {
    let one = |http: &str| steps(&[&format!("{{ step: a, http: {{ {http} }} }}")]);
    check(&one("get: x"), &[("plan::http::path", "x")]);
    check(&one("get: \"/a b\""), &[("plan::http::path", "\"/a b\"")]);
    check(&one("use: shpo, get: /"), &[("plan::endpoint::unknown", "shpo")]);
    check(&one("get: /, headers: { \"a b\": x }"), &[("plan::http::header", "\"a b\"")]);
    check(&one("get: /, headers: { a: \"x\\ny\" }"), &[("plan::http::header", "\"x\\ny\"")]);
    check(&one("get: \"/{{ vars.shpo }}\""), &[("plan::variable::unknown", "vars.shpo")]);
    check(&one("get: \"/{{ secrets.x }}\""), &[("plan::secret::unknown", "secrets.x")]);
    check(&one("get: \"/{{ user.number }}\""), &[("plan::variable::user", "user.number")]);
    check(&one("post: /, file: no.bin"), &[("plan::file::missing", "no.bin")]);
    check(&one("post: /, file: /etc/x"), &[("plan::file::path", "/etc/x")]);
    check(&one("get: '/é{{ vars.shop | up }}'")[..], &[("plan::template::unknown-filter", "up")]);
}

#[test]
fn loads_are_checked() {
    let one = |load: &str| {
        plan(
            "endpoints: { shop: { http: { base_url: \"http://a\" } } }",
            &format!(
                "  one: {{ load: {load}, steps: [ {{ wait: 10s }}, {{ step: a, http: {{ get: / }} }} ] }}\n"
            ),
        )
    };
    check(&one("{ open: [ { rate: 0/s, for: 1s } ] }"), &[("plan::load::zero", "0/s")]);
    check(&one("{ open: [ { pause: 1s } ] }"), &[("plan::load::empty", "load")]);
    check(
        &one("{ open: [ { rate: 1.5/s, for: 1s }, { rate: 1/h, for: 1s } ] }"),
        &[("plan::load::empty", "{ rate: 1/h, for: 1s }")],
    );
    check(
        &one("{ open: [ { rate: 100/s, for: 60s } ], max_in_flight: 100 }"),
        &[("plan::load::in-flight", "100")],
    );
    check(&one("{ open: [ { rate: 1s, for: 721h } ] }"), &[("plan::schema::quantity", "1s")]);
}

#[test]
fn environments_are_whole() {
    let top = "environments: { prod: { thresholds: { er: { window: 10s } } } }\nendpoints: { shop: { http: { base_url: \"http://a\" } } }\nthresholds: { err: { require: share(failed) < 1%, window: 30s } }";
    let scenario = "  one: { load: { open: [ { rate: 1/s, for: 60s } ] }, steps: [ { step: a, http: { get: / } } ] }\n";
    let text = plan(top, scenario);
    check(&text, &[("plan::override::unknown", "er")]);
    let text = text.replace("er: {", "err: {");
    let prod = Overrides { environment: Some("prod".to_owned()), ..Overrides::default() };
    let artifact = run(&text, &prod).0.unwrap();
    assert_eq!(artifact.thresholds["err"].window_ns, 10_000_000_000);
    assert_eq!(artifact.thresholds["err"].require, "share(failed) < 1%");
}

#[test]
fn secrets_sign_and_group_vars_differ() {
    let top = "secrets: { key: { env: K } }\nvars: { shop: \"http://a\", who: x }\nnodes: { groups: { eu: { vars: { who: eu } }, us: { vars: { shop: nowhere } } } }\nendpoints: { shop: { http: { base_url: \"{{ vars.shop }}\" } } }";
    let scenario = |slot: &str| {
        format!(
            "  one: {{ load: {{ open: [ {{ rate: 1/s, for: 60s }} ] }}, steps: [ {{ step: a, http: {{ get: \"/?s={slot}\" }} }} ] }}\n"
        )
    };
    let text = plan(top, &scenario("{{ vars.who | hmac_sha256(key) }}"));
    check(&text, &[("plan::endpoint::base-url", "\"{{ vars.shop }}\"")]);
    check(&text.replace("nowhere", "\"http://b\""), &[]);
    let text =
        plan(top, &scenario("{{ secrets.key }}{{ vars.who }}")).replace("nowhere", "\"http://b\"");
    check(&text, &[("plan::secret::exposed", "secrets.key")]);
}

#[test]
fn unique_rows_lie_one_after_the_other() {
    let top = "data: { users: { file: users.csv, take: unique } }\nendpoints: { shop: { http: { base_url: \"http://a\" } } }";
    let scenario = |name: &str, count: u32| {
        format!(
            "  {name}: {{ load: {{ open: [ {{ rate: 1/s, count: {count} }} ] }}, steps: [ {{ step: a, http: {{ get: \"/{{{{ data.users.name }}}}\" }} }} ] }}\n"
        )
    };
    let artifact = good(&plan(top, &(scenario("z", 1) + &scenario("a", 3))));
    let range = |name: &str| artifact.scenarios[name].data["users"];
    assert_eq!((range("z").first_row, range("z").rows), (0, 1));
    assert_eq!((range("a").first_row, range("a").rows), (1, 3));
    check(
        &plan(top, &(scenario("z", 2) + &scenario("a", 3))),
        &[("plan::data::rows", "data.users.name")],
    );
    // Two names for one file give out no row twice.
    let two = top.replace("} }\nend", "}, more: { file: users.csv, take: unique } }\nend");
    let other = scenario("a", 3).replace("users", "more");
    let artifact = good(&plan(&two, &(scenario("z", 1) + &other)));
    assert_eq!(artifact.scenarios["a"].data["more"].first_row, 1);
}

/// Whatever is cut out of a good plan, or put into it, it is judged without panic, and judged one way or the other.
#[test]
fn broken_plans_are_judged() {
    arbtest::arbtest(|random| {
        let mut text = CHECKOUT.to_owned();
        for _ in 0..random.int_in_range(1..=3)? {
            let cut = |at: usize, text: &str| {
                (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
            };
            let lo = cut(random.int_in_range(0..=text.len() - 1)?, &text);
            let hi = cut((lo + random.int_in_range(0..=12usize)?).min(text.len()), &text).max(lo);
            let put = [
                "",
                "x",
                "{{ vars.shop }}",
                "0",
                "[]",
                "{}",
                "null",
                "-1s",
                "*",
                "é",
                "\"",
                ": ",
                "{{",
            ];
            text.replace_range(lo..hi, random.choose::<&str>(&put)?);
            if text.is_empty() {
                return Ok(());
            }
        }
        let (artifact, found) = run(&text, &Overrides::default());
        let errors = found.iter().any(|d| d.severity == crate::diagnostic::Severity::Error);
        assert_eq!(artifact.is_none(), errors, "{text}\n{found:#?}");
        if let Some(artifact) = artifact {
            assert_eq!(load(&to_bytes(&artifact)).unwrap(), artifact, "{text}");
        }
        assert!(found.iter().all(|d| !d.message.contains("lacks a part")), "{text}\n{found:#?}");
        Ok(())
    })
    .budget_ms(1_000);
}
