//! The pages about templates and conditions. A table here names every word; tests hold the tables against the code.

use std::fmt::Write as _;

use compiler::Overrides;
use compiler::artifact::OwnKind;
use compiler::diagnostic::Diagnostics;
use compiler::expression::{Own, builtins, parse_require};
use compiler::source::{FileId, Files, Source};
use compiler::template::{FILTERS, NAMES, ROOTS};

use super::Page;
use super::markdown::{cell, code};

/// The pages, as the index names them.
pub(super) const INDEX: [(&str, &str, &str); 2] = [
    ("Templates", "templates", "every name, function and filter of `{{ … }}`"),
    ("Conditions", "conditions", "what thresholds, expectations and `when` can say"),
];

/// What `when` and `until` can say.
const TESTS: [Word; 8] = [
    ("==`, `!=", "equal or not; a number is never equal to a text", "poll.state == \"done\""),
    ("<`, `<=`, `>`, `>=", "numbers by size", "poll.total > 100"),
    ("in", "one of a list", "poll.state in [\"new\", \"open\"]"),
    ("and", "both; binds closer than `or`", "poll.total > 1 and poll.total < 5"),
    ("or", "at least one", "poll.total == 1 or poll.total == 2"),
    ("not", "the opposite", "not vars.fast"),
    ("( )", "what belongs together", "not (poll.total == 1 or vars.fast)"),
    ("a name alone", "a value that is `true` or `false`", "vars.fast"),
];

/// A word of templates: how it is written, what it is, an example.
type Word = (&'static str, &'static str, &'static str);

/// Names; what the user chose is in capitals.
const NAMED: [Word; 17] = [
    ("vars.NAME", "a var of the plan", "{{ vars.shop }}"),
    ("secrets.NAME", "a secret, read by each node when a run starts", "{{ secrets.api_token }}"),
    ("data.NAME.COLUMN", "a column of the arrival's (or user's) row", "{{ data.users.name }}"),
    ("STEP.CAPTURE", "what an earlier step captured", "{{ login.token }}"),
    (
        "before.STEP.CAPTURE",
        "what a step of the plan's `before` captured",
        "{{ before.project.id }}",
    ),
    ("user.STEP.CAPTURE", "what a step of `before_each_user` captured", "{{ user.sign_up.id }}"),
    ("let.NAME", "a value of the scenario's `let`, drawn once for a transaction", "{{ let.ref }}"),
    ("params.NAME", "a parameter, in the steps of a transaction", "{{ params.name }}"),
    ("item", "the entry of this turn, in the steps of a `for_each`", "{{ item }}"),
    (
        "arrival.number",
        "the arrival's number in its scenario, over the whole cluster, from 0",
        "{{ arrival.number }}",
    ),
    ("arrival.id", "run, scenario and number: `k3v9x0q2ab.checkout.17`", "{{ arrival.id }}"),
    ("user.number", "the user's number, from 0; closed scenarios only", "{{ user.number }}"),
    ("group.name", "the group of the seat that the arrival belongs to", "{{ group.name }}"),
    ("run.id", "the run's id, ten of `a` to `z` and `0` to `9`", "{{ run.id }}"),
    ("seed", "the plan's seed, or `--seed`", "{{ seed }}"),
    ("now.unix_ms", "milliseconds since 1970, on the node's clock", "{{ now.unix_ms }}"),
    ("now.iso", "the node's time as `2026-01-31T12:00:00.000Z`", "{{ now.iso }}"),
];

const FUNCTIONS: [Word; 3] = [
    ("rand.int", "a whole number; both ends can be drawn", "{{ rand.int(1, 6) }}"),
    ("rand.uuid", "a UUID of version 4", "{{ rand.uuid() }}"),
    ("rand.pick", "one entry of a list", "{{ rand.pick([\"s\", \"m\", \"l\"]) }}"),
];

const FILTERED: [Word; 10] = [
    ("int", "a whole number", "{{ data.users.age | int }}"),
    ("number", "a number, with a fraction or without", "{{ data.users.age | number }}"),
    ("bool", "`true` or `false`", "{{ data.users.name | bool }}"),
    ("text", "text; a list or mapping becomes JSON", "{{ arrival.number | text }}"),
    ("json", "the value as JSON text", "{{ vars.sizes | json }}"),
    ("base64", "the text's bytes in base64", "{{ data.users.name | base64 }}"),
    ("url", "percent-encoded as a part of an address", "{{ data.users.name | url }}"),
    (
        "hmac_sha256",
        "the HMAC with a secret as key, in hex",
        "{{ data.users.name | hmac_sha256(api_token) }}",
    ),
    ("default", "another value where there is none", "{{ login.token | default(\"none\") }}"),
    ("raw", "left as it is where the place would encode it", "{{ vars.shop | raw }}"),
];

const AGGREGATES: [Word; 8] = [
    (
        "p50(…)`, `p95(…)`, `p99.9(…)",
        "a percentile of a time, with up to three decimals",
        "p95(service) < 500ms",
    ),
    ("min(…)", "the shortest", "min(service) > 1ms"),
    ("max(…)", "the longest", "max(response) < 3s"),
    ("mean(…)", "the mean", "mean(service) < 200ms"),
    ("share(…)", "of a counter: its share, in percent", "share(failed) < 1%"),
    ("rate(…)", "of a counter: how many per time", "rate(succeeded) >= 95/s"),
    ("count(…)", "of a counter: how many", "count(dropped) == 0"),
    ("value(…)", "of a gauge of the plan's own: its last value", "value(queue) <= 100"),
];

const TIMES: [Word; 12] = [
    (
        "response",
        "from when the arrival was due until its transaction ended; open scenarios only",
        "p99(response) < 1s",
    ),
    ("service", "from when it was sent until it ended; scenarios and steps", "p99(service) < 1s"),
    ("dns", "an HTTP request: finding the address", "p95(dns) < 20ms"),
    ("connect", "an HTTP request: opening the connection", "p95(connect) < 50ms"),
    ("tls", "an HTTP request: the TLS handshake", "p95(tls) < 50ms"),
    (
        "first_byte",
        "an HTTP request: from the last byte sent to the first byte of the answer",
        "p95(first_byte) < 300ms",
    ),
    ("body", "an HTTP request: from the first to the last byte of the answer", "p95(body) < 100ms"),
    ("lcp", "a browser step: largest contentful paint", "p75(lcp) < 2500ms"),
    ("fcp", "a browser step: first contentful paint", "p75(fcp) < 1800ms"),
    ("ttfb", "a browser step: time to first byte", "p75(ttfb) < 800ms"),
    ("cls", "a browser step: cumulative layout shift, a number without unit", "p75(cls) < 0.1"),
    ("inp", "a browser step: interaction to next paint", "p75(inp) < 200ms"),
];

const COUNTERS: [Word; 12] = [
    ("started", "arrivals that started", "rate(started) > 95/s"),
    ("succeeded", "arrivals or steps that ended well", "count(succeeded) > 0"),
    ("failed", "arrivals or steps that ended badly", "share(failed) < 1%"),
    ("dropped", "arrivals that were due and never started", "share(dropped) <= 0.1%"),
    ("unfinished", "arrivals that were sent and whose end is not known", "count(unfinished) == 0"),
    (
        "unaccounted",
        "arrivals that nobody can account for, after a node was lost",
        "count(unaccounted) == 0",
    ),
    ("skipped", "steps that `when` passed over", "share(skipped) < 50%"),
    ("matched", "awaits whose event came", "count(matched) > 0"),
    ("timed_out", "awaits whose event did not come in time", "share(timed_out) < 1%"),
    ("duplicate", "awaits: events that came again", "count(duplicate) == 0"),
    ("unmatched", "awaits: events that nobody waited for", "count(unmatched) < 10"),
    ("late", "awaits: events that came after their time", "count(late) == 0"),
];

pub(super) fn pages() -> Vec<Page> {
    let mut templates = String::from(
        "# Templates\n\n`{{ … }}` stands for a value. A text that is one template alone keeps the value's kind (number, list, …); anything else \
         is text.\nQuote it: YAML reads a value that begins with `{` as a mapping. Filters follow behind `|`, in order. The lists here are \
         closed.\n\n[All pages](../README.md)\n\n## Names\n\n",
    );
    table("name", &NAMED, &mut templates);
    templates.push_str("\n## Functions\n\nDrawn from the seed by scenario, arrival, step and place: the same arrival draws the same value on any node.\n\n");
    table("function", &FUNCTIONS, &mut templates);
    templates.push_str("\n## Filters\n\n");
    table("filter", &FILTERED, &mut templates);
    let mut conditions = String::from(
        "# Conditions\n\nA threshold requires `FUNCTION(METRIC) OPERATOR LIMIT` with one of `<`, `<=`, `>`, `>=`, `==`, `!=`. The limit is in the unit of its\n\
         function: a duration, a percentage, a rate, or a count.\n\n[All pages](../README.md)\n\n## Thresholds\n\n",
    );
    table("function", &AGGREGATES, &mut conditions);
    conditions.push_str("\n### Times\n\nFor `p…`, `min`, `max`, `mean`. A step's own `metrics` of kind `trend` stand here too.\n\n");
    table("metric", &TIMES, &mut conditions);
    conditions.push_str("\n### Counters\n\nFor `share`, `rate`, `count`. A step's own `metrics` of kind `counter` stand here too.\n\n");
    table("metric", &COUNTERS, &mut conditions);
    conditions.push_str(
        "\n## Conditions of steps\n\n`when` of a step or branch and `until` of a `repeat` compare names, as in templates but without braces, with numbers,\n\
         texts in quotes, `true`, `false`, `null` and lists. Nothing else can be said.\n\n",
    );
    table("word", &TESTS, &mut conditions);
    [("templates", templates), ("conditions", conditions)]
        .map(|(file, text)| Page { path: format!("docs/language/{file}.md"), text })
        .into()
}

fn table(what: &str, words: &[Word], text: &mut String) {
    writeln!(text, "| {what} | what it is | example |\n|---|---|---|").unwrap();
    for (name, meaning, example) in words {
        let cells = [format!("`{name}`"), (*meaning).to_owned(), code(example)];
        writeln!(text, "| {} |", cells.map(|text| cell(&text)).join(" | ")).unwrap();
    }
}

#[test]
fn the_tables_name_every_word_of_templates() {
    let mut roots: Vec<&str> =
        NAMED.iter().chain(&FUNCTIONS).map(|(name, ..)| name.split('.').next().unwrap()).collect();
    roots.dedup();
    roots.sort_unstable();
    roots.dedup();
    let mut known: Vec<&str> = ROOTS.into_iter().chain(["STEP"]).collect();
    known.sort_unstable();
    assert_eq!(roots, known);
    for name in NAMES {
        assert!(NAMED.iter().chain(&FUNCTIONS).any(|(known, ..)| *known == name), "{name}");
    }
    assert_eq!(FILTERED.map(|(name, ..)| name), FILTERS);
    for (name, _, example) in FILTERED {
        assert!(example.contains(&format!("| {name}")), "{example}");
    }
}

/// Plans around a template: each name is known in one of them.
const AROUND_TEMPLATE: [&str; 4] = [
    include_str!("around/open.yaml"),
    include_str!("around/closed.yaml"),
    include_str!("around/flow.yaml"),
    include_str!("around/transaction.yaml"),
];

/// A plan around a step's condition.
const AROUND_TEST: [&str; 1] = [include_str!("around/test.yaml")];

/// Compiles each plan with `example` in it; returns what is wrong with all of them, or nothing if one compiles.
fn faults(plans: &[&str], example: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for plan in plans {
        let text = plan.replace("EXAMPLE", &example.replace('\'', "''"));
        let mut files = Files::new(Source::new(FileId(0), "around.yaml", text));
        files.add("users.csv", b"name,age\nann,31\n".to_vec());
        let mut sink = Diagnostics::new();
        if compiler::compile(&files, &Overrides::default(), &mut sink).is_some() {
            return Vec::new();
        }
        faults.extend(sink.into_sorted().into_iter().map(|found| found.message));
    }
    faults
}

#[test]
fn every_example_compiles() {
    let mut wrong = Vec::new();
    let mut check = |plans: &[&str], (_, _, example): &Word| {
        let faults = faults(plans, example);
        if !faults.is_empty() {
            wrong.push(format!("{example}: {faults:#?}"));
        }
    };
    let templates = NAMED.iter().chain(&FUNCTIONS).chain(&FILTERED);
    templates.for_each(|word| check(&AROUND_TEMPLATE, word));
    TESTS.iter().for_each(|word| check(&AROUND_TEST, word));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_example_does_not_compile() {
    for example in ["{{ vars.nothing }}", "{{ rand.float(1) }}", "{{ seed | upper }}"] {
        assert!(!faults(&AROUND_TEMPLATE, example).is_empty(), "{example}");
    }
    assert!(!faults(&AROUND_TEST, "poll.state = 1").is_empty());
}

#[test]
fn every_metric_is_named_and_every_condition_is_one() {
    let mut own = Own::default();
    own.kinds.insert("queue".to_owned(), Some(OwnKind::Gauge));
    for (name, _, example) in AGGREGATES.iter().chain(&TIMES).chain(&COUNTERS) {
        let parsed = parse_require(example, &own);
        assert!(matches!(parsed, Ok(Some(_))), "{name}: {parsed:?}");
    }
    let mut named: Vec<&str> = TIMES.iter().chain(&COUNTERS).map(|(name, ..)| *name).collect();
    let mut known: Vec<&str> = builtins().collect();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);
}
