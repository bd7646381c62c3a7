//! Explanations agree with the schedule, fit their width, and filter by seat.

use compiler::explain::{
    ArrivalsFormat, ExplainError, GraphFormat, draw_graph, explain, list_arrivals, render,
};

use crate::sample;

fn text(seat: Option<&str>) -> String {
    let mut out = Vec::new();
    render(&explain(&sample::artifact(), seat).unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn arrivals(scenario: &str, seat: Option<&str>, format: ArrivalsFormat) -> String {
    let mut out = Vec::new();
    list_arrivals(&sample::artifact(), scenario, seat, format, &mut out).unwrap().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_explanation_reads_so() {
    let expected = include_str!("explain.txt");
    let found = text(None);
    assert_eq!(found, expected, "{found}");
    assert!(found.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn a_seat_shows_its_own_share() {
    let one = explain(&sample::artifact(), Some("us/0")).unwrap();
    let seats: Vec<&str> =
        one.scenarios.iter().flat_map(|s| &s.seats).map(|seat| seat.seat.as_str()).collect();
    assert_eq!(seats, ["us/0", "us/0"]);
    let error = explain(&sample::artifact(), Some("us/7")).unwrap_err();
    assert_eq!(error.to_string(), "the plan has no seat `us/7`; it has `eu/0`, `eu/1`, `us/0`");
}

#[test]
fn shares_add_up() {
    let all = explain(&sample::artifact(), None).unwrap();
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
    let missing =
        list_arrivals(&sample::artifact(), "pay", None, ArrivalsFormat::Json, &mut Vec::new());
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
    assert!(
        text.contains(
            "  order            POST shop /orders/{{ login.token | url }}  after think\n"
        ),
        "{text}"
    );
    let dot = draw(GraphFormat::Dot);
    assert!(dot.contains("    s1n1 -> s1n2;\n") && !dot.contains("s1n0 -> s1n2"), "{dot}");
    let mermaid = draw(GraphFormat::Mermaid);
    assert!(mermaid.contains("    s1n1 --> s1n3\n"), "{mermaid}");
    assert!(mermaid.contains("s0n1[\"#35;2<br/>wait 100ms\"]"), "{mermaid}");
}
