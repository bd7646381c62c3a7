//! Data and groups of whole plans: what is proven of rows, and where scenarios are placed.

use compiler::artifact::{Artifact, DataUse, Format, OnAgentLoss, OnEnd};
use compiler::diagnostic::{Diagnostic, Diagnostics};
use compiler::source::{FileId, Files, Source};
use compiler::{Overrides, compile};

const HEAD: &str = "version: 1\nname: test\n\
    endpoints: { shop: { http: { base_url: \"http://127.0.0.1:8080\" } } }\n";

/// Steps that read `template` in a body.
fn reads(template: &str) -> String {
    format!(
        "steps: [ {{ step: a, http: {{ post: /, json: {{ x: \"{{{{ {template} }}}}\" }} }} }} ]"
    )
}

const OPEN: &str = "load: { open: [ { rate: 3/s, count: 3 } ] }";
const TIMED: &str = "load: { closed: [ { users: 2, for: 5s } ] }";

const BEFORE: &str = "before: [ { step: login, http: { get: / }, capture: { tokens: { json: \"$[*].id\", all: true }, code: { status: true } } } ]";

fn run(top: &str, scenarios: &[String]) -> (Option<Artifact>, Vec<Diagnostic>, Source) {
    let bodies: Vec<String> =
        scenarios.iter().enumerate().map(|(n, body)| format!("  s{n}: {{ {body} }}\n")).collect();
    let text = format!("{HEAD}{top}\nscenarios:\n{}", bodies.concat());
    let source = Source::new(FileId(0), "plan.yaml", text);
    let mut files = Files::new(source.clone());
    files.add(
        "t.jsonl",
        b"{\"id\": 1, \"tags\": [1], \"note\": null}\n{\"id\": 2, \"tags\": [], \"note\": \"x\"}\n"
            .to_vec(),
    );
    files.add("t.json", b"[1, 2, 3, 4, 5, 6, 7]".to_vec());
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, &Overrides::default(), &mut sink);
    (artifact, sink.into_sorted(), source)
}

fn good(top: &str, scenarios: &[String]) -> Artifact {
    let (artifact, found, source) = run(top, scenarios);
    assert!(found.is_empty(), "{}\n{found:#?}", source.text());
    artifact.unwrap()
}

fn bad(top: &str, scenarios: &[String], expected: &[(&str, &str)]) {
    let (_, found, source) = run(top, scenarios);
    let found: Vec<(&str, &str)> =
        found.iter().map(|one| (one.code, source.slice(one.primary.span))).collect();
    assert_eq!(found, expected, "{}", source.text());
}

#[test]
fn json_tables_have_columns_and_values_of_their_kinds() {
    let top = "data: { t: { file: ./t.jsonl, take: circular }, n: { file: t.json, take: unique } }";
    let artifact = good(
        top,
        &[
            format!("{OPEN}, {}", reads("data.t.tags")),
            format!("{OPEN}, {}", reads("data.n.value")),
            format!("{OPEN}, {}", reads("data.n.value")),
        ],
    );
    let table = &artifact.data["t"];
    assert_eq!((table.format, table.rows, table.file.path.as_str()), (Format::Jsonl, 2, "t.jsonl"));
    assert_eq!(table.columns, ["id", "tags", "note"]);
    assert_eq!(artifact.data["n"].columns, ["value"]);
    // Unique rows follow one another in the order of the scenarios.
    assert_eq!(artifact.scenarios["s1"].data["n"], DataUse { first_row: 0, rows: 3 });
    assert_eq!(artifact.scenarios["s2"].data["n"], DataUse { first_row: 3, rows: 3 });
    let third = format!("{OPEN}, {}", reads("data.n.value"));
    bad(
        "data: { n: { file: t.json, take: unique } }",
        &[third.clone(), third.clone(), third],
        &[("plan::data::rows", "data.n.value")],
    );
}

#[test]
fn values_without_text_are_no_text() {
    let top = "data: { t: { file: t.jsonl, take: circular } }";
    let path = |template: &str| {
        vec![format!(
            "{OPEN}, steps: [ {{ step: a, http: {{ get: \"/{{{{ {template} }}}}\" }} }} ]"
        )]
    };
    good(top, &path("data.t.id"));
    good(top, &path("data.t.tags | json"));
    good(top, &path("data.t.note | default('none')"));
    bad(top, &path("data.t.tags"), &[("plan::value::kind", "data.t.tags")]);
    bad(top, &path("data.t.note"), &[("plan::value::kind", "data.t.note")]);
    bad(top, &path("data.t.nte"), &[("plan::data::column", "data.t.nte")]);
}

#[test]
fn groups_are_placed_and_the_coordinator_by_name_only() {
    let plain = |groups: &str| {
        let place =
            if groups.is_empty() { String::new() } else { format!("runs_on: [{groups}], ") };
        format!("{place}{TIMED}, steps: [ {{ step: a, http: {{ get: / }} }} ]")
    };
    let top = "nodes: { groups: { eu: { agents: 2 }, us: {} }, on_agent_loss: continue }";
    let artifact = good(top, &[plain(""), plain("coordinator"), plain("eu, coordinator")]);
    let seats = |name: &str| artifact.scenarios[name].seats.keys().cloned().collect::<Vec<_>>();
    assert_eq!(seats("s0"), ["eu/0", "eu/1", "us/0"]);
    assert_eq!(seats("s1"), ["coordinator/0"]);
    assert_eq!(seats("s2"), ["coordinator/0", "eu/0", "eu/1"]);
    assert_eq!(artifact.nodes.on_agent_loss, OnAgentLoss::Continue);
    // Nobody else has to join a run that is the coordinator's alone.
    let alone = good("", &[plain("coordinator")]);
    assert_eq!(alone.nodes.groups.keys().collect::<Vec<_>>(), ["coordinator"]);
    assert!(!good(top, &[plain("")]).nodes.groups.contains_key("coordinator"));
    bad(top, &[plain("eu")], &[("plan::group::unused", "us")]);
    bad(top, &[plain("eu, asia")], &[("plan::group::unknown", "asia")]);
}

#[test]
fn lists_are_taken_from_without_knowing_their_length() {
    let before = BEFORE.replace(", code: { status: true }", "");
    let list =
        |rest: &str| format!("{before}\ndata: {{ t: {{ from: before.login.tokens, {rest} }} }}");
    let one = |load: &str| format!("{load}, {}", reads("data.t.value"));
    let artifact = good(&list("take: unique, on_end: stop"), &[one(OPEN), one(OPEN), one(TIMED)]);
    let uses = |name: &str| artifact.scenarios[name].data["t"];
    assert_eq!(artifact.lists["t"].on_end, OnEnd::Stop);
    assert_eq!(uses("s1"), DataUse { first_row: 3, rows: 3 });
    assert_eq!(uses("s2"), DataUse { first_row: 6, rows: 0 });
    // Where the items of the next begin cannot be known behind a scenario without an end of its own.
    let unbounded = [("plan::data::unbounded", "data.t.value")];
    bad(&list("take: unique"), &[one(TIMED), one(OPEN)], &unbounded);
    let by_user = good(&list("take: unique, per: user"), &[one(TIMED), one(TIMED)]);
    assert_eq!(by_user.scenarios["s1"].data["t"], DataUse { first_row: 2, rows: 2 });
    let circular = good(&list("take: circular"), &[one(TIMED), one(OPEN)]);
    assert_eq!(circular.scenarios["s1"].data["t"], DataUse { first_row: 0, rows: 0 });
}

#[test]
fn lists_are_captured_before_the_run() {
    let check = |from: &str, code: &str, place: &str| {
        let top = format!("{BEFORE}\ndata: {{ t: {{ from: {from}, take: circular }} }}");
        let (_, found, source) = run(&top, &[format!("{OPEN}, {}", reads("data.t.value"))]);
        let found: Vec<(&str, &str)> = found
            .iter()
            .filter(|one| one.code != "plan::capture::unused")
            .map(|one| (one.code, source.slice(one.primary.span)))
            .collect();
        assert_eq!(found, [(code, place)], "{from}");
    };
    check("before.login.code", "plan::data::from", "before.login.code");
    check("before.login.tokns", "plan::capture::unknown", "before.login.tokns");
    check("before.logon.tokens", "plan::capture::unknown", "before.logon.tokens");
    check("login.tokens", "plan::data::from", "login.tokens");
    check("\"{{ before.login.tokens }}\"", "plan::data::from", "\"{{ before.login.tokens }}\"");
}
