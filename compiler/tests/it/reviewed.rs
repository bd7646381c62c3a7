//! A difference in the words of whoever reviews a plan: one line for one change, defaults by name.

use compiler::diff::compare;

use crate::diff::{Desk, lines};

const PLAN: &str = r#"version: 1
name: reviewed
secrets: { token: { env: TOKEN } }
endpoints:
  shop: { http: { base_url: "http://127.0.0.1:8080", timeout: 5s } }
data:
  skus: { file: data/skus.csv, take: circular }
traffic:
  shoppers: { load: { open: [ { rate: 100/s, for: 10s } ] }, mix: { browse: 60, cart: 30, pay: 10 } }
scenarios:
  browse: { steps: [ { step: list, http: { use: shop, get: /list } } ] }
  cart: { steps: [ { step: add, http: { use: shop, post: "/cart/{{ data.skus.sku }}" } } ] }
  pay:
    steps:
      - step: ask
        http: { use: shop, get: /ask }
        capture: { total: { json: "$.total", default: 0 } }
        on_fail: continue
        metrics: { sum: { trend: { json: "$.sum" } } }
      - choose:
          - { when: ask.total > 100, steps: [ { step: much, http: { use: shop, get: /much } } ] }
          - { when: ask.total > 10, steps: [ { step: some, http: { use: shop, get: /some } } ] }
          - { weight: 70, steps: [ { step: card, http: { use: shop, get: /card } } ] }
          - { weight: 30, steps: [ { step: cash, http: { use: shop, get: /cash } } ] }
  polls: { load: { open: [ { rate: 10/s, for: 10s } ], arrivals: poisson, on_overload: queue }, steps: [ { step: poll, http: { use: shop, get: /poll } } ] }
  once: { load: { closed: [ { users: 1, count: 5, within: 20s } ] }, steps: [ { step: fill, http: { use: shop, post: /fill } } ] }
  later:
    start_after: [ { scenario: once, state: finished, delay: 1s } ]
    load: { open: [ { rate: 10/s, for: 10s } ] }
    steps: [ { step: late, http: { use: shop, headers: { x-token: "{{ secrets.token }}" }, get: /late } } ]
sinks:
  store: { jsonl: { path: metrics.jsonl } }
"#;

#[track_caller]
fn told(edits: &[(&str, &str)], expected: &[&str]) {
    let desk = Desk::new();
    let new = edits.iter().fold(PLAN.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is in the plan");
        text.replacen(from, to, 1)
    });
    let found = lines(&compare(&desk.compile(PLAN), &desk.compile(&new)));
    let changes: Vec<&str> =
        found.iter().map(String::as_str).take_while(|line| !line.is_empty()).collect();
    assert_eq!(changes, expected);
}

#[test]
fn a_mix_is_told_in_shares() {
    told(
        &[("cart: 30, pay: 10", "cart: 20, pay: 20")],
        &[
            "scenario cart: share 30% → 20% of traffic shoppers, −100 arrivals",
            "scenario cart: max in flight 3 000 → 2 000",
            "scenario pay: share 10% → 20% of traffic shoppers, +100 arrivals",
            "scenario pay: max in flight 1 000 → 2 000",
        ],
    );
    told(&[("browse: 60, cart: 30, pay: 10", "browse: 6, cart: 3, pay: 1")], &["no difference"]);
}

#[test]
fn what_a_plan_need_not_say_has_a_name() {
    told(
        &[(", arrivals: poisson, on_overload: queue", ""), ("        on_fail: continue\n", "")],
        &[
            "scenario pay, step ask: on fail continue → end_transaction",
            "scenario polls: arrivals poisson → even",
            "scenario polls: on overload queue → drop",
        ],
    );
    told(
        &[("timeout: 5s", "timeout: 5s, cookies: false")],
        &["endpoint shop: options cookies true → false"],
    );
}

#[test]
fn a_start_is_one_change() {
    told(
        &[("state: finished, delay: 1s", "state: drained")],
        &["scenario later: starts 1s after once has finished: between 1s and 21s → \
           when once has drained: between 30s and 50s"],
    );
}

#[test]
fn branches_go_by_what_they_do() {
    told(
        &[(
            "          - { weight: 30, steps",
            "          - { weight: 20, steps: [ { step: gift, http: { use: shop, get: /gift } } ] }\n          - { weight: 10, steps",
        )],
        &[
            "scenario pay, step #2: branch cash weight 30 → 10",
            "scenario pay, step #2: branch gift none → weight 20, steps gift",
        ],
    );
    let much = "          - { when: ask.total > 100, steps: [ { step: much, http: { use: shop, get: /much } } ] }\n";
    let some = "          - { when: ask.total > 10, steps: [ { step: some, http: { use: shop, get: /some } } ] }\n";
    told(
        &[(much, ""), (some, &format!("{some}{much}"))],
        &["scenario pay, step #2: branch order much, some, card, cash → some, much, card, cash"],
    );
    told(
        &[(much, "")],
        &["scenario pay, step #2: branch much when ask.total > 100, steps much → none"],
    );
}

#[test]
fn another_kind_is_one_change() {
    told(
        &[
            ("jsonl: { path: metrics.jsonl }", "csv: { path: metrics.csv }"),
            ("env: TOKEN", "file: /run/token"),
        ],
        &[
            "secret token: env TOKEN → /run/token",
            "sink store: to jsonl path metrics.jsonl → csv path metrics.csv",
        ],
    );
    told(
        &[("        metrics: { sum: { trend: { json: \"$.sum\" } } }\n", "")],
        &["scenario pay, step ask: metrics sum from answer json `$.sum`, kind trend → none"],
    );
}

#[test]
fn what_is_new_is_told_with_its_value() {
    told(
        &[
            ("secrets:", "vars: { vip: false, shop: \"http://a.example\" }\nsecrets:"),
            ("\"http://127.0.0.1:8080\"", "\"{{ vars.shop }}\""),
        ],
        &[
            "var shop: added, http://a.example",
            "var vip: added, false",
            "endpoint shop: base url `http://127.0.0.1:8080` → `{{ vars.shop }}`",
        ],
    );
}

/// That a scenario takes all rows of a file, and the size of what differs, follow from the file.
#[test]
fn another_file_says_nothing_twice() {
    told(
        &[("data/skus.csv", "data/users.csv"), ("data.skus.sku", "data.skus.name")],
        &[
            "data skus: columns sku, qty → name, password",
            "data skus: digest blake3:5bdbc8bb1b7d → blake3:80e157a41a2b",
            "data skus: path data/skus.csv → data/users.csv",
            "data skus: rows 40 → 1 000",
            "scenario cart, step add: path `/cart/{{ data.skus.sku }}` → `/cart/{{ data.skus.name }}`",
        ],
    );
}
