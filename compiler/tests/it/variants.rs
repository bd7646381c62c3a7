//! One artifact that uses every variant of the format, so that types, rules and published schema cannot drift apart.

use std::collections::BTreeMap;

use compiler::artifact::{
    ARTIFACT_SCHEMA, Action, Aggregate, Arrivals, Artifact, Body, Bound, Branch, Call, Capture,
    CaptureFrom, Choose, ClosedLoad, ClosedStage, Comparison, Condition, Connections, Counter,
    DataUse, Expect, Filter, ForEach, HttpAction, Json, JsonCheck, JsonExpect, LateStart, Let,
    Load, Method, Metric, Moment, NameValue, NoData, OnFail, OnOverload, OpenLoad, OpenStage,
    OwnFrom, OwnKind, OwnMetric, Per, Phase, Piece, Quantity, Repeat, Retry, RetryWhen,
    SecretSource, Selector, Share, Slot, SlotSet, SlotSource, StartAfter, StatusRange, Step, Take,
    Text, TextCheck, Threshold, Transaction, Vital, WaitAction, seal_digest, to_bytes,
};
use compiler::explain::{GraphFormat, Options, draw_graph, explain, render};
use compiler::unit::{Rate, SECOND_NS};
use compiler::verify::load;

use crate::sample::{self, literal};

const BOUNDS: [Bound; 6] =
    [Bound::Less, Bound::AtMost, Bound::Greater, Bound::AtLeast, Bound::Equal, Bound::NotEqual];

/// Returns one slot of each source with the filters spread over them, every filter used.
fn slots() -> Vec<Slot> {
    let items = vec![Json::Null, Json::Bool(true), Json::Number("-1.5e3".to_owned())];
    let sources = [
        SlotSource::Var("shop".to_owned()),
        SlotSource::Secret("token".to_owned()),
        SlotSource::Data { data: "users".to_owned(), column: "name".to_owned() },
        SlotSource::Capture { step: "first".to_owned(), name: "token".to_owned() },
        SlotSource::ArrivalNumber,
        SlotSource::ArrivalId,
        SlotSource::UserNumber,
        SlotSource::GroupName,
        SlotSource::RunId,
        SlotSource::Seed,
        SlotSource::RandInt { min: i64::MIN, max: i64::MAX, place: 0 },
        SlotSource::RandUuid { place: 1 },
        SlotSource::RandPick { items, place: 2 },
        SlotSource::NowUnixMs,
        SlotSource::NowIso,
    ];
    let filters = [
        Filter::Int,
        Filter::Number,
        Filter::Bool,
        Filter::Text,
        Filter::Json,
        Filter::Base64,
        Filter::Url,
        Filter::HmacSha256("token".to_owned()),
        Filter::Default(Json::Object(vec![("a".to_owned(), Json::List(vec![Json::Null]))])),
        Filter::Raw,
    ];
    let filters = filters.iter().cycle();
    sources
        .into_iter()
        .zip(filters)
        .map(|(from, f)| Slot { from, filters: vec![f.clone()] })
        .collect()
}

fn expect() -> Expect {
    let number = |bound| JsonExpect {
        path: "$.n".to_owned(),
        check: JsonCheck::Number { bound, value: "0".to_owned() },
    };
    let equals = JsonCheck::Equals(Json::Text(literal("x")));
    let checks = [
        TextCheck::Equals(literal("a")),
        TextCheck::Contains(literal("b")),
        TextCheck::Matches("c+".to_owned()),
    ];
    let header = |check: &TextCheck| ("content-type".to_owned(), check.clone());
    Expect {
        status: vec![StatusRange { from: 200, to: 299 }],
        duration: BOUNDS.map(|bound| Comparison { bound, value: 1 }).to_vec(),
        json: BOUNDS
            .map(number)
            .into_iter()
            .chain([JsonExpect { path: "$.s".to_owned(), check: equals }])
            .collect(),
        header: checks.iter().map(header).collect(),
        body: checks.to_vec(),
    }
}

fn captures() -> Vec<Capture> {
    let sources = [
        CaptureFrom::Json("$.token".to_owned()),
        CaptureFrom::Header("x-token".to_owned()),
        CaptureFrom::Regex("id=(.*)".to_owned()),
        CaptureFrom::Status,
        CaptureFrom::Key,
        CaptureFrom::Subject("orders.(.*)".to_owned()),
    ];
    let names = ["token", "b", "c", "d", "e", "f"];
    let capture = |(name, from): (&str, CaptureFrom)| {
        let all = name == "b";
        Capture { name: name.to_owned(), from, all, default: all.then_some(Json::Null) }
    };
    names.into_iter().zip(sources).map(capture).collect()
}

/// Returns a step for each method and body, the first of which captures.
fn steps() -> Vec<Step> {
    let text = Text(slots().into_iter().map(Piece::Slot).collect());
    let field = NameValue { name: "a".to_owned(), value: text.clone() };
    let list = Json::List(slots().into_iter().map(Json::Slot).collect());
    let requests = [
        ("first", Method::Get, Body::Empty),
        ("b", Method::Post, Body::Json(Json::Object(vec![("list".to_owned(), list)]))),
        ("c", Method::Put, Body::Form(vec![field.clone()])),
        ("d", Method::Patch, Body::Text(text.clone())),
        ("e", Method::Delete, Body::File("data/body.bin".to_owned())),
        ("f", Method::Head, Body::Empty),
        ("g", Method::Options, Body::Empty),
    ];
    let mut steps: Vec<Step> = Vec::new();
    for (name, method, body) in requests {
        let first = name == "first";
        let (query, headers) =
            if first { (vec![], vec![]) } else { (vec![field.clone()], vec![field.clone()]) };
        let path = if first { literal("/") } else { text.clone() };
        let endpoint = "shop".to_owned();
        let action = Action::Http(HttpAction {
            endpoint,
            method,
            path,
            query,
            headers,
            body,
            redirects: None,
        });
        steps.push(Step {
            needs: if first { vec![] } else { vec!["first".to_owned()] },
            timeout_ns: SECOND_NS,
            expect: expect(),
            capture: if first { captures() } else { vec![] },
            ..Step::new(name, action)
        });
    }
    let waits = [
        WaitAction::Constant { length_ns: 0 },
        WaitAction::Uniform { min_ns: 1, max_ns: SECOND_NS },
    ];
    for (place, wait) in (8..).zip(waits) {
        let mut step = steps[5].clone();
        step.name = format!("#{place}");
        step.action = Action::Wait(wait);
        step.expect = Expect::default();
        steps.push(step);
    }
    steps
}

fn condition(slot: Slot) -> Condition {
    let value = Json::Slot(slot);
    let compare = |bound| Condition::Compare { left: value.clone(), bound, right: Json::Null };
    let list = Json::List(vec![value.clone()]);
    let is_in = Condition::In { value: value.clone(), list };
    let inner = Condition::Any(vec![Condition::Is(Json::Bool(true)), is_in]);
    let mut parts = BOUNDS.map(compare).to_vec();
    parts.push(Condition::Not(Box::new(inner)));
    Condition::All(parts)
}

/// Returns a block of each kind, with every part that a step may have.
fn blocks() -> Vec<Step> {
    let slot = |from| Slot { from, filters: vec![] };
    let capture = |step: &str, name: &str| (step.to_owned(), name.to_owned());
    let (step, name) = capture("signed", "token");
    let user = slot(SlotSource::UserCapture { step, name });
    let (step, name) = capture("before", "token");
    let before = slot(SlotSource::BeforeCapture { step, name });
    let drawn = slot(SlotSource::Let("x".to_owned()));
    let retry_when = [
        RetryWhen::Timeout,
        RetryWhen::Connect,
        RetryWhen::Expect,
        RetryWhen::Status(StatusRange { from: 500, to: 599 }),
    ];
    let metric = |kind, from| OwnMetric { name: "m".to_owned(), kind, from };
    let inside = |name: &str, from: SlotSource| Step {
        when: Some(condition(slot(from))),
        on_fail: OnFail::Continue,
        retry: Some(Retry { attempts: 2, when: retry_when.to_vec(), wait_ns: 1 }),
        metrics: vec![
            metric(OwnKind::Trend, OwnFrom::Answer(CaptureFrom::Status)),
            metric(OwnKind::Counter, OwnFrom::Value(Json::Number("1".to_owned()))),
            metric(OwnKind::Gauge, OwnFrom::Value(Json::Slot(drawn.clone()))),
        ],
        split_by: Some(CaptureFrom::Header("x-region".to_owned())),
        ..sample::get(name, &[], "/")
    };
    let each = ForEach {
        list: Json::Slot(before),
        steps: vec![
            inside("item", SlotSource::Item),
            Step { on_fail: OnFail::StopScenario, ..sample::get("stop", &[], "/") },
        ],
    };
    let repeat = Repeat {
        at_most: 3,
        until: Some(condition(user)),
        steps: vec![Step { on_fail: OnFail::AbortRun, ..sample::get("abort", &[], "/") }],
    };
    let branch = |name: &str, when, weight| Branch {
        when,
        weight,
        steps: vec![sample::get(name, &[], "/")],
    };
    let branches =
        vec![branch("left", Some(Condition::Is(Json::Bool(false))), 0), branch("right", None, 1)];
    let with = BTreeMap::from([("name".to_owned(), Json::Text(literal("x")))]);
    vec![
        Step::new("#1", Action::ForEach(each)),
        Step::new("#2", Action::Repeat(repeat)),
        Step::new("#3", Action::Choose(Choose { branches })),
        Step::new("called", Action::Call(Call { transaction: "sign_in".to_owned(), with })),
    ]
}

/// Adds steps around the run, a transaction that is called, and a scenario of blocks.
fn add_flow(artifact: &mut Artifact) {
    let token =
        Capture { name: "token".to_owned(), from: CaptureFrom::Status, all: false, default: None };
    let once = |name: &str| Step { capture: vec![token.clone()], ..sample::get(name, &[], "/") };
    artifact.before = vec![once("before")];
    artifact.after = vec![sample::get("after", &[], "/")];
    let param = Slot { from: SlotSource::Param("name".to_owned()), filters: vec![] };
    let path = Text(vec![Piece::Literal("/".to_owned()), Piece::Slot(param.clone())]);
    let mut login = sample::get("login", &[], "/");
    if let Action::Http(http) = &mut login.action {
        http.path = path;
    }
    let transaction = Transaction {
        params: vec!["name".to_owned()],
        steps: vec![login],
        returns: BTreeMap::from([("name".to_owned(), Json::Slot(param))]),
    };
    artifact.transactions.insert("sign_in".to_owned(), transaction);
    let stages = vec![ClosedStage::Users { from: 1, to: 1, length_ns: SECOND_NS }];
    let load = Load::Closed(ClosedLoad { stages, users_max: 1, pace_ns: 0 });
    sample::add_scenario(artifact, "flow", load, blocks());
    let scenario = artifact.scenarios.get_mut("flow").unwrap();
    scenario.before_each_user = vec![once("signed")];
    scenario.lets = vec![Let { name: "x".to_owned(), value: Json::Number("1".to_owned()) }];
}

fn thresholds() -> BTreeMap<String, Threshold> {
    let aggregates =
        [Aggregate::Percentile(99_900), Aggregate::Min, Aggregate::Max, Aggregate::Mean];
    let counters = [
        Counter::Started,
        Counter::Succeeded,
        Counter::Failed,
        Counter::Dropped,
        Counter::Unfinished,
        Counter::Unaccounted,
        Counter::Skipped,
        Counter::Matched,
        Counter::TimedOut,
        Counter::Duplicate,
        Counter::Unmatched,
        Counter::Late,
    ];
    let phases = [Phase::Dns, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Body];
    let phases = phases.map(|phase| Metric::Phase { phase, aggregate: Aggregate::Mean });
    let vitals = [Vital::Lcp, Vital::Fcp, Vital::Ttfb, Vital::Cls, Vital::Inp];
    let vitals = vitals.map(|vital| Metric::Vital { vital, aggregate: Aggregate::Max });
    let metric = || "own".to_owned();
    let own = [
        (Metric::Trend { metric: metric(), aggregate: Aggregate::Min }, Quantity::Number),
        (Metric::Value { metric: metric() }, Quantity::Number),
        (Metric::OwnCount { metric: metric() }, Quantity::Count),
        (Metric::OwnRate { metric: metric() }, Quantity::PerSecond),
    ];
    let own = phases.into_iter().chain(vitals).map(|metric| (metric, Quantity::Us)).chain(own);
    let times = aggregates.into_iter().flat_map(|aggregate| {
        [Metric::Response(aggregate), Metric::Service(aggregate)].map(|m| (m, Quantity::Us))
    });
    let counts = counters.into_iter().flat_map(|counter| {
        [
            (Metric::Share(counter), Quantity::Share),
            (Metric::Rate(counter), Quantity::PerSecond),
            (Metric::Count(counter), Quantity::Count),
        ]
    });
    let threshold = |(place, (metric, quantity)): (usize, (Metric, Quantity))| {
        let even = place % 2 == 0;
        let select = Selector {
            scenario: even.then(|| "all".to_owned()),
            step: even.then(|| if place % 4 == 0 { "*" } else { "first" }.to_owned()),
            group: even.then(|| "eu".to_owned()),
            split: (place % 4 == 0).then(|| "north".to_owned()),
        };
        let on_no_data = if even { NoData::Pass } else { NoData::NoData };
        let threshold = Threshold {
            require: "as written".to_owned(),
            metric,
            bound: BOUNDS[place % BOUNDS.len()],
            value: 1,
            quantity,
            select,
            window_ns: SECOND_NS,
            grace_ns: 0,
            min_samples: 0,
            abort: even,
            on_no_data,
        };
        (format!("t{place}"), threshold)
    };
    times.chain(counts).chain(own).enumerate().map(threshold).collect()
}

/// Adds a scenario for each kind of load that the others do not have.
fn loads(artifact: &mut Artifact) {
    let get = || vec![sample::get("a", &[], "/")];
    let (min, max) = (Rate::new(1, SECOND_NS), Rate::new(9, SECOND_NS));
    let drawn = OpenStage::Random { min, max, every_ns: SECOND_NS, length_ns: 5 * SECOND_NS };
    let mix = [("mixed_a", vec![0, 2], OnOverload::Queue), ("mixed_b", vec![1], OnOverload::Queue)];
    for (name, offsets, on_overload) in mix {
        let offsets = SlotSet::new(offsets);
        let share = Share { traffic: "all".to_owned(), of: 3, offsets };
        let load = OpenLoad {
            arrivals: Arrivals::Poisson,
            on_overload,
            share: Some(share),
            ..OpenLoad::even(vec![drawn])
        };
        sample::add_scenario(artifact, name, Load::Open(load), get());
    }
    let failing = OpenLoad { on_overload: OnOverload::Fail, ..OpenLoad::even(vec![drawn]) };
    sample::add_scenario(artifact, "failing", Load::Open(failing), get());
    let each = ClosedStage::CountEach { users: 2, count: 7, within_ns: SECOND_NS };
    let each = ClosedLoad { stages: vec![each], users_max: 2, pace_ns: SECOND_NS };
    sample::add_scenario(artifact, "each", Load::Closed(each), get());
    sample::add_scenario(artifact, "seen", Load::Observe { length_ns: SECOND_NS }, get());
    let failing = artifact.scenarios.get_mut("failing").unwrap();
    failing.max_failures = Some(3);
    failing.connections = Connections::PerUser;
    let moments = [Moment::Started, Moment::Finished, Moment::Drained];
    let after = |state| StartAfter { scenario: "each".to_owned(), state, delay_ns: 1 };
    let after = moments.map(after).to_vec();
    failing.late_start = Some(LateStart { latest_ns: SECOND_NS, after });
}

/// Returns an artifact with every variant of the format.
pub(crate) fn every_variant() -> Artifact {
    let mut artifact = sample::artifact();
    artifact.secrets.insert("file".to_owned(), SecretSource::File("/run/secret".to_owned()));
    let body = artifact.data["users"].file.clone();
    artifact.files.insert("data/body.bin".to_owned(), body);
    let mut random = artifact.data["users"].clone();
    (random.take, random.per) = (Take::Random, Per::User);
    artifact.data.insert("random".to_owned(), random);
    loads(&mut artifact);
    let stages = vec![ClosedStage::Count { users: 3, count: 50, within_ns: SECOND_NS }];
    let closed = Load::Closed(ClosedLoad { stages, users_max: 3, pace_ns: 0 });
    sample::add_scenario(&mut artifact, "all", closed, steps());
    let uses = [
        ("users", DataUse { first_row: 450, rows: 50 }),
        ("random", DataUse { first_row: 0, rows: 500 }),
    ];
    let uses = uses.map(|(name, used)| (name.to_owned(), used));
    artifact.scenarios.get_mut("all").unwrap().data = BTreeMap::from(uses);
    let rate = Rate::new(3, 7_200_000_000_000_000_000 / 2);
    let stages = vec![
        OpenStage::Pause { length_ns: 1 },
        OpenStage::Rate { from: rate, to: Rate::ZERO, length_ns: SECOND_NS },
        OpenStage::Count { rate: Rate::new(1, SECOND_NS), count: 2 },
    ];
    let open =
        Load::Open(OpenLoad { max_in_flight: 1, late_after_ns: 0, ..OpenLoad::even(stages) });
    sample::add_scenario(&mut artifact, "open", open, vec![sample::get("a", &[], "/")]);
    let stages = vec![
        ClosedStage::Users { from: 1, to: 2, length_ns: SECOND_NS },
        ClosedStage::Pause { length_ns: SECOND_NS },
    ];
    let timed = Load::Closed(ClosedLoad { stages, users_max: 2, pace_ns: 0 });
    sample::add_scenario(&mut artifact, "timed", timed, vec![sample::get("a", &[], "/")]);
    add_flow(&mut artifact);
    artifact.thresholds = thresholds();
    artifact.delivery.max_lateness_p99_us = Some(20_000);
    seal_digest(&mut artifact);
    artifact
}

#[test]
fn every_variant_loads_and_is_in_the_schema() {
    let artifact = every_variant();
    let bytes = to_bytes(&artifact);
    assert_eq!(load(&bytes).as_ref(), Ok(&artifact));
    let schema: serde_json::Value = serde_json::from_str(ARTIFACT_SCHEMA).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut text = Vec::new();
    render(&explain(&artifact, Options::default()).unwrap(), &mut text).unwrap();
    draw_graph(&artifact, GraphFormat::Dot, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for word in
        ["OPTIONS shop", "wait 1ns to 1s", "{{ vars.shop | int }}", "iterations 50 by users 3"]
    {
        assert!(text.contains(word), "`{word}` is explained:\n{text}");
    }
}
