//! Mistakes as people make them, put into one good plan: each is told once, at its line, and hides nothing else.

use std::path::Path;

use compiler::cli::judge;

/// The good plan; line numbers of the cases count in it.
const PLAN: &str = "\
version: 1
name: shop
vars: { peak: 10/s, user: ann }
endpoints:
  shop: { http: { base_url: http://127.0.0.1:8080, timeout: 5s } }
scenarios:
  browse:
    load:
      open:
        - { rate: { to: 10/s }, for: 5s }
        - { rate: 10/s, for: 20s }
      max_in_flight: 100
    steps:
      - step: login
        http:
          post: /login
          json: { user: \"{{ vars.user }}\" }
        capture: { token: { json: $.token } }
      - wait: 1s
      - step: order
        http:
          post: /orders
          headers: { x-session: \"{{ login.token }}\" }
          json:
            sku: pen
            qty: 2
        expect: { status: 201, duration: < 800ms }
  poll:
    load: { open: [ { rate: \"{{ vars.peak }}\", for: 20s } ] }
    steps:
      - step: list
        http: { get: /list }
thresholds:
  fast: { require: p95(service) < 500ms, scenario: browse, step: order }
  errors: { require: share(failed) < 1% }
";

/// Collects what is not as expected, so that one run shows all of it.
#[derive(Default)]
struct Cases {
    wrong: Vec<String>,
}

impl Cases {
    /// Checks that the good plan with each `from` replaced by `to` gives exactly `expected`: lines and codes without `plan::`.
    fn told(&mut self, changes: &[(&str, &str)], expected: &[(u32, &str)]) {
        let mut text = PLAN.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from:?} is not in the plan");
            text = text.replacen(from, to, 1);
        }
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let (files, found) = judge("p.yaml", text.into_bytes(), Path::new("")).unwrap();
            let source = files.plan();
            let line = |at: u32| source.place(at).line;
            let code = |code: &'static str| code.trim_start_matches("plan::");
            let seen: Vec<(u32, &str)> =
                found.iter().map(|f| (line(f.primary.span.lo), code(f.code))).collect();
            if seen != expected {
                let words: Vec<String> =
                    found.iter().map(|f| format!("      {} ({})\n", f.message, f.help)).collect();
                self.wrong.push(format!(
                    "{changes:?}\n  is  {seen:?}\n  not {expected:?}\n{}",
                    words.concat()
                ));
                break;
            }
        }
    }

    fn end(self) {
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

#[test]
fn the_plan_is_good() {
    let mut cases = Cases::default();
    cases.told(&[], &[]);
    cases.end();
}

#[test]
fn indentation() {
    let mut cases = Cases::default();
    // A key one column too far left, right.
    cases.told(
        &[("        http:\n          post: /login", "       http:\n          post: /login")],
        &[(15, "syntax::invalid")],
    );
    cases.told(&[("      max_in_flight", "       max_in_flight")], &[(12, "syntax::invalid")]);
    cases.told(
        &[("    steps:\n      - step: list", "  steps:\n      - step: list")],
        &[(30, "schema::missing-key")],
    );
    // The list under its key in the same column is good YAML.
    cases.told(
        &[
            ("      open:\n        - {", "      open:\n      - {"),
            ("        - { rate: 10/s", "      - { rate: 10/s"),
        ],
        &[],
    );
    cases.told(
        &[(
            "          json:\n            sku: pen\n            qty: 2",
            "          json:\n            sku: pen\n           qty: 2",
        )],
        &[(26, "syntax::invalid")],
    );
    cases.told(&[("            qty: 2", "              qty: 2")], &[(26, "syntax::invalid")]);
    cases.told(&[("      - step: order", "     - step: order")], &[(20, "syntax::invalid")]);
    cases.told(&[("      - step: order", "       - step: order")], &[(20, "syntax::invalid")]);
    cases.told(&[(" errors: {", "errors: {")], &[(35, "syntax::invalid")]);
    cases.end();
}

#[test]
fn dashes_and_colons() {
    let mut cases = Cases::default();
    cases.told(&[("      - step: order", "        step: order")], &[(20, "schema::action")]);
    cases.told(&[("- step: order", "-step: order")], &[(20, "syntax::invalid")]);
    cases.told(&[("- step: order", "- step order")], &[(20, "syntax::invalid")]);
    cases.told(&[("post: /orders", "post /orders")], &[(22, "syntax::invalid")]);
    cases.told(&[("post: /orders", "post:/orders")], &[(22, "syntax::invalid")]);
    cases.told(&[("  poll:\n", "  poll\n")], &[(28, "syntax::invalid")]);
    cases.told(
        &[("    steps:\n      - step: list", "    steps\n      - step: list")],
        &[(30, "syntax::invalid")],
    );
    cases.told(&[("name: shop", "name shop")], &[(2, "syntax::invalid")]);
    cases.told(&[("version: 1\n", "version 1\n")], &[(1, "syntax::invalid")]);
    cases.told(
        &[("{ rate: 10/s, for: 20s }", "{ rate 10/s, for: 20s }")],
        &[(11, "schema::unknown-key")],
    );
    cases.told(
        &[("{ rate: 10/s, for: 20s }", "{ rate: 10/s for: 20s }")],
        &[(11, "syntax::bracket")],
    );
    cases.told(
        &[("{ rate: 10/s, for: 20s }", "{ rate: 10/s, for 20s }")],
        &[(11, "schema::unknown-key")],
    );
    cases.told(&[("status: 201, duration", "status: 201 duration")], &[(27, "syntax::bracket")]);
    cases.end();
}

#[test]
fn a_step_without_its_dash() {
    let mut cases = Cases::default();
    let twice = "      - wait: 1s\n      - step: order";
    cases.told(&[(twice, "        step: order")], &[(19, "syntax::duplicate-key")]);
    cases.told(
        &[(twice, "      - step: order"), ("- { rate: 10/s,", "  rate: 10/s,")],
        &[(11, "syntax::invalid")],
    );
    cases.end();
}

#[test]
fn brackets_and_quotes() {
    let mut cases = Cases::default();
    cases.told(
        &[("{ rate: 10/s, for: 20s }", "{ rate: 10/s, for: 20s")],
        &[(11, "syntax::bracket")],
    );
    cases.told(
        &[("{ rate: 10/s, for: 20s }", "{ rate: 10/s, for: 20s }}")],
        &[(11, "syntax::invalid")],
    );
    cases.told(&[("timeout: 5s } }", "timeout: 5s }")], &[(5, "syntax::bracket")]);
    cases.told(&[("timeout: 5s } }", "timeout: 5s ] }")], &[(5, "syntax::bracket")]);
    cases.told(&[("{ get: /list }", "{ get: /list")], &[(32, "syntax::bracket")]);
    // The unclosed quote is found at its line, and what follows is read too.
    cases.told(
        &[("user: ann }", "user: \"ann }"), ("scenario: browse", "scenario: brwse")],
        &[(3, "syntax::quote"), (34, "scenario::unknown")],
    );
    cases.told(
        &[("\"{{ vars.user }}\"", "\"{{ vars.user }}"), ("get: /list", "gt: /list")],
        &[(17, "syntax::quote"), (32, "schema::unknown-key")],
    );
    cases.told(
        &[("post: /login", "post: '/login"), ("p95(service)", "p95(servce)")],
        &[(16, "syntax::quote"), (34, "expression::unknown")],
    );
    cases.told(&[("post: /login", "post: /login'")], &[]);
    cases.told(&[("post: /login", "post: \"/login\" x")], &[(16, "syntax::invalid")]);
    cases.told(&[("name: shop", "name: \"shop")], &[(2, "syntax::quote")]);
    cases.told(&[("< 1% }", "< 1% }\nx: \"")], &[(36, "syntax::quote")]);
    cases.end();
}

#[test]
fn two_mistakes_are_two_and_the_rest_is_seen() {
    let mut cases = Cases::default();
    cases.told(
        &[
            ("post: /login", "post: @login"),
            ("sku: pen", "sku: %pen"),
            ("for: 20s } ] }", "fro: 20s } ] }"),
        ],
        &[(16, "yaml::reserved"), (25, "yaml::reserved"), (29, "schema::unknown-key")],
    );
    cases.told(
        &[
            ("- { rate: 10/s, for: 20s }", "- { rate: 10/s, for: 20s"),
            ("get: /list }", "get: /list"),
        ],
        &[(11, "syntax::bracket"), (32, "syntax::bracket")],
    );
    cases.told(
        &[
            ("timeout: 5s", "timeout: 5"),
            ("qty: 2", "qty: 2\n         @x"),
            ("require: share", "requier: share"),
        ],
        &[(5, "schema::quantity"), (27, "yaml::reserved"), (36, "schema::unknown-key")],
    );
    cases.told(
        &[("post: /login", "pst: /login"), ("post: /orders", "pst: /orders")],
        &[(16, "schema::unknown-key"), (22, "schema::unknown-key")],
    );
    cases.end();
}

#[test]
fn shapes() {
    let mut cases = Cases::default();
    cases.told(&[("scenarios:\n  browse:", "scenarios:\n  - browse:")], &[(28, "syntax::invalid")]);
    cases.told(&[("      open:\n        - { rate: { to: 10/s }, for: 5s }\n        - { rate: 10/s, for: 20s }", "      open: { rate: 10/s, for: 20s }")], &[(9, "schema::type")]);
    cases.told(
        &[("        http: { get: /list }", "        http: get /list")],
        &[(32, "schema::type")],
    );
    cases.told(
        &[("        http: { get: /list }", "        http: GET /list")],
        &[(32, "schema::type")],
    );
    cases.told(
        &[("    steps:\n      - step: list\n        http: { get: /list }", "    steps: list")],
        &[(30, "schema::type")],
    );
    cases.told(
        &[("thresholds:\n  fast: {", "thresholds:\n  - fast: {"), ("  errors:", "  - errors:")],
        &[(34, "schema::type")],
    );
    cases.told(&[("{ status: 201, duration: < 800ms }", "[status: 201]")], &[(27, "schema::type")]);
    cases.told(
        &[("capture: { token: { json: $.token } }", "capture: { token: $.token }")],
        &[(18, "schema::type")],
    );
    cases.told(
        &[("endpoints:\n  shop: {", "endpoints:\n  shop: http://x\n  # {")],
        &[(5, "schema::type")],
    );
    cases
        .told(&[("vars: { peak: 10/s, user: ann }", "vars: [peak, user]")], &[(3, "schema::type")]);
    cases.end();
}

#[test]
fn aliases_anchors_merges() {
    let mut cases = Cases::default();
    cases.told(
        &[
            ("- { rate: 10/s, for: 20s }", "- &hold { rate: 10/s, for: 20s }"),
            ("[ { rate: \"{{ vars.peak }}\", for: 20s } ]", "[ *hold ]"),
            ("vars: { peak: 10/s, user", "vars: { user"),
        ],
        &[],
    );
    cases.told(
        &[
            ("- { rate: 10/s, for: 20s }", "- &hold { rate: 10/x, for: 20s }"),
            ("[ { rate: \"{{ vars.peak }}\", for: 20s } ]", "[ *hold ]"),
            ("vars: { peak: 10/s, user", "vars: { user"),
        ],
        &[(11, "schema::quantity")],
    );
    cases.told(&[("get: /list", "get: *list")], &[(32, "yaml::alias")]);
    cases.told(&[("  poll:\n", "  poll:\n    <<: { max_failures: 3 }\n")], &[(29, "syntax::key")]);
    cases.told(&[("name: shop", "name: &shop")], &[(2, "syntax::anchor")]);
    cases.told(&[("name: shop", "name: &a &b shop")], &[(2, "syntax::invalid")]);
    cases.end();
}

#[test]
fn templates_in_every_style() {
    let mut cases = Cases::default();
    for (written, line) in [
        ("'{{ vars.usr }}'", 17),
        ("\"\\u007b{ vars.usr }}\"", 17),
        ("\"a\\n{{ vars.usr }}\"", 17),
        ("\"é日 {{ vars.usr }}\"", 17),
    ] {
        cases.told(
            &[("\"{{ vars.user }}\"", written), (", user: ann", ", user: ann, x: \"{{ y }}\"")],
            &[(3, "template::unknown-name"), (line, "variable::unknown")],
        );
    }
    cases.told(&[("          json: { user: \"{{ vars.user }}\" }", "          text: >\n            a\n            {{ vars.usr }}\n            {{ vars.user }}")], &[(19, "variable::unknown")]);
    cases.told(&[("          json: { user: \"{{ vars.user }}\" }", "          text: |\n            a\n            {{ vars.usr }}\n            {{ vars.user }}")], &[(19, "variable::unknown")]);
    cases.told(
        &[(
            "          json: { user: \"{{ vars.user }}\" }",
            "          text: \"a\n            {{ vars.usr }}\n            {{ vars.user }}\"",
        )],
        &[(18, "variable::unknown")],
    );
    cases.end();
}
