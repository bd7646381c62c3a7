//! Explanations agree with the schedule, fit their width, and filter by seat.

use compiler::artifact::{
    CaptureFrom, Group, Load, OpenLoad, OpenStage, OwnFrom, OwnKind, OwnMetric, Piece, Sink,
    SinkTarget, Slot, SlotSource, Text, WebhookSink,
};
use compiler::explain::{
    ArrivalsFormat, EXPLAIN_SCHEMA, ExplainError, Explanation, GraphFormat, Listing, Options,
    draw_graph, explain, list_arrivals, render,
};

use compiler::unit::{Rate, SECOND_NS};

use crate::{golden, sample, variants};

fn explained(seat: Option<&str>) -> Result<Explanation, ExplainError> {
    explain(&sample::artifact(), Options { seat, ..Options::default() })
}

fn text(seat: Option<&str>) -> String {
    let mut out = Vec::new();
    render(&explained(seat).unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn arrivals(scenario: &str, seat: Option<&str>, format: ArrivalsFormat) -> String {
    let mut out = Vec::new();
    let listing = Listing { seat, limit: None, format };
    list_arrivals(&sample::artifact(), scenario, listing, &mut out).unwrap().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn golden_an_explanation_reads_so() {
    let found = text(None);
    golden::check("compiler/tests/it/explain.txt", found.as_bytes());
    assert!(found.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn a_seat_shows_its_own_share() {
    let one = explained(Some("us/0")).unwrap();
    let seats: Vec<&str> =
        one.scenarios.iter().flat_map(|s| &s.seats).map(|seat| seat.seat.as_str()).collect();
    assert_eq!(seats, ["us/0", "us/0"]);
    let error = explained(Some("us/7")).unwrap_err();
    assert_eq!(error.to_string(), "the plan has no seat `us/7`; it has `eu/0`, `eu/1`, `us/0`");
}

#[test]
fn shares_add_up() {
    let all = explained(None).unwrap();
    let checkout = all.scenarios.iter().find(|scenario| scenario.name == "checkout").unwrap();
    let sum: u64 = checkout.seats.iter().map(|seat| seat.arrivals.unwrap()).sum();
    assert_eq!((Some(sum), sum), (checkout.arrivals, 450));
    let in_flight: u64 = checkout.seats.iter().map(|seat| seat.concurrency_max).sum();
    assert_eq!(Some(in_flight), checkout.max_in_flight);
    let browse = all.scenarios.iter().find(|scenario| scenario.name == "browse").unwrap();
    assert_eq!(browse.seats.iter().map(|seat| seat.concurrency_max).sum::<u64>(), 5);
    assert_eq!(all.arrivals, 450);
    assert!(all.arrivals_open_ended);
}

#[test]
fn arrivals_are_listed_one_a_line() {
    let all = arrivals("checkout", None, ArrivalsFormat::Json);
    assert_eq!(all.lines().count(), 450);
    let first = "{\"number\":0,\"due_us\":0,\"user\":null,\"active_us\":null,\"seat\":\"eu/0\",\
                 \"rows\":{\"skus\":0,\"users\":0}}";
    assert_eq!(all.lines().next(), Some(first));
    let seats = ["eu/0", "eu/1", "us/0"];
    let each = seats.map(|seat| arrivals("checkout", Some(seat), ArrivalsFormat::Json));
    assert!(each.iter().all(|part| part.lines().count() == 150));
    assert!(each.iter().flat_map(|part| part.lines()).all(|line| all.contains(line)));
    let human = arrivals("checkout", Some("us/0"), ArrivalsFormat::Human);
    assert_eq!(human.lines().count(), 151);
}

#[test]
fn users_of_a_timed_load_are_listed_with_their_stays() {
    let users = arrivals("browse", None, ArrivalsFormat::Json);
    let second = "{\"number\":null,\"due_us\":null,\"user\":1,\"active_us\":[400000,4000000],\
                  \"seat\":\"eu/1\",\"rows\":{}}";
    assert_eq!(users.lines().nth(1), Some(second));
    assert_eq!(users.lines().count(), 5);
    let listing = Listing { seat: None, limit: None, format: ArrivalsFormat::Json };
    let missing = list_arrivals(&sample::artifact(), "pay", listing, &mut Vec::new());
    assert!(matches!(missing, Err(ExplainError::Scenario { .. })));
}

#[test]
fn graphs_leave_out_what_is_implied() {
    let draw = |format| {
        let mut out = Vec::new();
        draw_graph(&sample::artifact(), format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let text = draw(GraphFormat::Text);
    let order = "  ● order            POST shop /orders/{{ login.token | url }}  after think\n";
    assert!(text.contains(order), "{text}");
    let dot = draw(GraphFormat::Dot);
    assert!(dot.contains("    s1n1 -> s1n2 [penwidth=3];\n"), "{dot}");
    assert!(!dot.contains("s1n0 -> s1n2"), "{dot}");
    let mermaid = draw(GraphFormat::Mermaid);
    assert!(mermaid.contains("    s1n1 --> s1n3\n"), "{mermaid}");
    assert!(mermaid.contains("s0n1[\"#35;2<br/>wait 100ms\"]"), "{mermaid}");
}

#[test]
fn explanations_have_the_published_shape() {
    let schema: serde_json::Value = serde_json::from_str(EXPLAIN_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for artifact in [sample::artifact(), variants::every_variant()] {
        for service_ns in [0, 100_000_000, u64::MAX] {
            let explanation = explain(&artifact, Options { seat: None, service_ns }).unwrap();
            let value = serde_json::to_value(&explanation).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}

#[test]
fn stretches_add_up_to_what_a_seat_sends() {
    let all = explained(None).unwrap();
    for node in &all.timeline.seats {
        let sum: u64 = node.requests_by_stretch.iter().sum();
        assert_eq!(Some(sum), node.requests.max, "{}", node.seat);
    }
    for scenario in &all.scenarios {
        let stages: u64 = scenario.stages.iter().map(|stage| stage.arrivals_expected).sum();
        let seats: u64 = scenario.seats.iter().map(|seat| seat.arrivals_expected).sum();
        assert_eq!((stages, seats), (scenario.arrivals_expected, scenario.arrivals_expected));
    }
}

#[test]
fn a_listing_ends_at_its_limit() {
    let list = |limit| {
        let mut out = Vec::new();
        let listing = Listing { seat: Some("eu/1"), limit, format: ArrivalsFormat::Json };
        list_arrivals(&sample::artifact(), "checkout", listing, &mut out).unwrap().unwrap();
        String::from_utf8(out).unwrap().lines().count()
    };
    assert_eq!([list(Some(0)), list(Some(7)), list(None)], [0, 7, 150]);
}

/// Everything of a plan that has a name gets one of 63 characters, and a thousand seats.
#[test]
fn long_names_and_many_seats_stay_within_100_columns() {
    let long = |name: &str| format!("{name}-{}", "x".repeat(62 - name.len()));
    let mut artifact = sample::artifact();
    artifact.plan = long("plan");
    let group = artifact.nodes.groups.remove("eu").unwrap();
    artifact.nodes.groups.insert(long("eu"), Group { agents: 1_000, ..group });
    let scenarios = std::mem::take(&mut artifact.scenarios);
    artifact.slots = 0;
    for (name, scenario) in scenarios {
        let mut steps = scenario.steps;
        for step in &mut steps {
            step.name = long(&step.name);
            step.needs.iter_mut().for_each(|need| *need = long(need));
        }
        sample::add_scenario(&mut artifact, &long(&name), scenario.load, steps);
    }
    let explanation = explain(&artifact, Options::default()).unwrap();
    let mut out = Vec::new();
    render(&explanation, &mut out).unwrap();
    draw_graph(&artifact, GraphFormat::Text, &mut out).unwrap();
    for name in artifact.scenarios.keys() {
        let listing = Listing { seat: None, limit: Some(2), format: ArrivalsFormat::Human };
        list_arrivals(&artifact, name, listing, &mut out).unwrap().unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(text.contains("and 977 more; --seat GROUP/NUMBER shows one"), "{text}");
}

/// Closed forms: a billion arrivals are explained as fast as ten.
#[test]
fn a_billion_arrivals_are_counted_without_listing_them() {
    let rate = Rate::new(400, SECOND_NS);
    let length_ns = 2_500_000 * SECOND_NS;
    let stages = vec![OpenStage::Rate { from: rate, to: rate, length_ns }];
    let Load::Open(load) = sample::open_load() else { panic!("it is open") };
    let mut artifact = sample::artifact();
    let load = Load::Open(OpenLoad { stages, ..load });
    sample::add_scenario(&mut artifact, "long", load, vec![sample::get("a", &[], "/")]);
    let explanation = explain(&artifact, Options::default()).unwrap();
    let long = explanation.scenarios.iter().find(|scenario| scenario.name == "long").unwrap();
    assert_eq!(long.arrivals, Some(1_000_000_000));
    let mut out = Vec::new();
    render(&explanation, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.contains("1 000 000 000"), "{text}");
}

#[test]
fn what_a_step_is_split_by_and_measures_is_counted() {
    let mut artifact = sample::artifact();
    let before = explain(&artifact, Options::default()).unwrap();
    let checkout = artifact.scenarios.get_mut("checkout").unwrap();
    let from = CaptureFrom::Json("$.region".to_owned());
    let metric = |name: &str, kind| OwnMetric {
        name: name.to_owned(),
        kind,
        from: OwnFrom::Answer(from.clone()),
    };
    checkout.steps[0].split_by = Some(from.clone());
    checkout.steps[0].metrics =
        vec![metric("cart", OwnKind::Trend), metric("sum", OwnKind::Counter)];
    // The same name is the same metric.
    checkout.steps[2].metrics = vec![metric("cart", OwnKind::Trend)];
    let after = explain(&artifact, Options::default()).unwrap();
    assert_eq!(after.series, before.series + 51 + 1);
    let memory = |explanation: &Explanation| explanation.timeline.seats[0].memory_bytes;
    assert_eq!(memory(&after) - memory(&before), 52 * after.assumptions.series_bytes);
}

#[test]
fn sinks_are_shown_without_their_secrets() {
    let mut artifact = sample::artifact();
    let secret = Slot { from: SlotSource::Secret("token".to_owned()), filters: Vec::new() };
    let url = Text(vec![
        Piece::Literal("https://".to_owned()),
        Piece::Slot(secret),
        Piece::Literal("@a.example".to_owned()),
    ]);
    let to = SinkTarget::Webhook(WebhookSink { url, headers: Vec::new() });
    let (interval_ns, timeout_ns) = (5 * SECOND_NS, SECOND_NS);
    let sink = Sink { interval_ns, timeout_ns, required: true, labels: Vec::new(), to };
    artifact.sinks.insert("hook".to_owned(), sink);
    let mut out = Vec::new();
    render(&explain(&artifact, Options::default()).unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let line =
        "  sinks       hook  webhook every 5s, required  https://{{ secrets.token }}@a.example\n";
    assert!(text.contains(line), "{text}");
}

/// What an observer does depends on others: it makes nothing else an estimate.
#[test]
fn what_follows_from_events_is_not_counted() {
    let mut artifact = sample::artifact();
    artifact.scenarios.get_mut("browse").unwrap().load = Load::Observe { length_ns: SECOND_NS };
    let explanation = explain(&artifact, Options::default()).unwrap();
    assert!(!explanation.arrivals_open_ended);
    assert!(explanation.timeline.exact && explanation.timeline.exact_times);
    let mut out = Vec::new();
    render(&explanation, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("what scenario browse does follows from the events"), "{text}");
    assert!(!text.contains("users start their next one"), "{text}");
}
