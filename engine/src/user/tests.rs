//! Programs made of artifacts that are written by hand.

mod fixture;
mod judge;
mod mutants;

use std::sync::Arc;

use compiler::artifact::{
    Action, Body, CaptureFrom, Filter, HttpAction, Json, Piece, SlotSource, Step, Text, WaitAction,
};
use proptest::prelude::*;

use self::fixture::*;
use super::{Arrival, Inputs, PrepareError, Program, Values};
use crate::exchange::{Failure, FailureKind, Request, Wanted};

/// Renders the request of a step.
fn render(
    program: &Program,
    arrival: &Arrival,
    step: usize,
    values: &Values,
    unix_ms: u64,
) -> Result<Request, Failure> {
    let mut request = Request::default();
    program.request(arrival, step, values, unix_ms, &mut request).map(|()| request)
}

fn path(request: Request) -> String {
    request.head.path().to_owned()
}

fn request(action: HttpAction) -> Result<Request, Failure> {
    let program = program(vec![step("first", action)]);
    render(&program, &arrival(0), 0, &program.values(0), 1_700_000_000_007)
}

fn body(json: Json) -> String {
    let body = request(post(Body::Json(json))).unwrap().body;
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn a_request_carries_its_headers_and_its_arrival() {
    let mut action = get(around("/users/", data("name"), "?x=1"));
    action.query = vec![pair("city", Text(vec![Piece::Slot(var("city"))]))];
    action.headers =
        vec![pair("accept", lit("text/html")), pair("x-age", around("a", data("age"), ""))];
    let request = request(action).unwrap();
    assert_eq!(request.head.path(), "/api/users/Ann%20%26%20Bo%2F?x=1&city=K%C3%B6ln%20am%20Rhein");
    let headers: Vec<(&str, &str)> = request.head.headers().collect();
    let expected = [
        ("host", "shop.example"),
        ("authorization", "Bearer s3cret"),
        ("accept", "text/html"),
        ("x-age", "a031"),
        ("x-volley-arrival", "k3v9x0q2ab.buy.0"),
        ("x-volley-step", "first"),
    ];
    assert_eq!(headers, expected);
    assert_eq!((request.timeout_ns, request.wanted), (5_000 * MS, Wanted::default()));
    assert!(request.body.is_empty());
}

#[test]
fn bodies_are_encoded_and_say_what_they_are() {
    let check = |body: Body, content_type: &str, expected: &[u8]| {
        let request = request(post(body)).unwrap();
        assert_eq!(request.head.header("content-type"), Some(content_type));
        assert_eq!(request.body, expected);
    };
    let form = vec![pair("a b", around("", data("name"), "!")), pair("c", lit("1&2"))];
    let form_type = "application/x-www-form-urlencoded";
    check(Body::Form(form), form_type, b"a+b=Ann+%26+Bo%2F%21&c=1%262");
    let text = around("name: ", data("name"), "\n");
    check(Body::Text(text), "text/plain; charset=utf-8", b"name: Ann & Bo/\n");
    check(Body::File("body.bin".to_owned()), "application/octet-stream", b"\x00\x01");
    let json = Json::Object(vec![("a".to_owned(), Json::Slot(data("age")))]);
    check(Body::Json(json), "application/json", br#"{"a":"031"}"#);
}

#[test]
fn json_keeps_types() {
    let int = slot(data("age").from, &[Filter::Int]);
    let default = slot(var("nothing").from, &[Filter::Default(Json::Number("1.50".to_owned()))]);
    let json = Json::List(vec![
        Json::Slot(data("age")),
        Json::Slot(int),
        Json::Slot(var("count")),
        Json::Slot(var("tags")),
        Json::Slot(var("nothing")),
        Json::Slot(default),
        Json::Number("1.0e3".to_owned()),
        Json::Text(around("\"", var("count"), "\"")),
        Json::Slot(slot(SlotSource::ArrivalNumber, &[])),
        Json::Slot(slot(SlotSource::ArrivalId, &[])),
        Json::Slot(slot(SlotSource::GroupName, &[])),
        Json::Slot(slot(SlotSource::NowIso, &[])),
        Json::Slot(slot(SlotSource::NowUnixMs, &[Filter::Text])),
    ]);
    let expected = concat!(
        r#"["031",31,12,[true,null],null,1.50,1.0e3,"\"12\"",0,"k3v9x0q2ab.buy.0","eu","#,
        r#""2023-11-14T22:13:20.007Z","1700000000007"]"#
    );
    assert_eq!(body(json), expected);
}

#[test]
fn what_has_no_text_or_no_place_is_refused() {
    let check = |action: HttpAction, detail: &str| {
        let failure = request(action).unwrap_err();
        assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::Render, detail));
    };
    check(get(around("/", var("nothing"), "")), "`vars.nothing` is null and has no text");
    check(get(around("/", var("tags"), "")), "`vars.tags` is a list and has no text");
    let mut action = get(lit("/"));
    action.headers = vec![pair("x", around("", data("name"), "\r\nevil: 1"))];
    check(action, "header `x` would hold a character that no header can");
    let raw = slot(data("name").from, &[Filter::Raw]);
    check(get(around("/", raw, "")), "the path would hold a character that no path can");
    let program = program_with_capture(get(around("/", captured("x"), "")));
    let failure = render(&program, &arrival(0), 1, &program.values(0), 0).unwrap_err();
    assert_eq!(failure.detail, "`first.x` has no value");
}

/// `first` captures `x`, so that `captured` resolves.
fn program_with_capture(action: HttpAction) -> Program {
    let mut first = step("first", get(lit("/")));
    first.capture = vec![capture("x", CaptureFrom::Json("$.x".to_owned()))];
    program(vec![first, step("second", action)])
}

#[test]
fn what_is_captured_is_sent_in_its_type() {
    let mut action = post(Body::Json(Json::Slot(captured("x"))));
    action.path = around("/", slot(captured("x").from, &[Filter::Json]), "");
    let program = program_with_capture(action);
    let check = |json: &'static str, path: &str, body: &str| {
        let mut values = program.values(0);
        program.judge(&arrival(0), 0, &outcome(200, json), &mut values).unwrap();
        let request = render(&program, &arrival(0), 1, &values, 0).unwrap();
        assert_eq!((request.head.path(), &*request.body), (path, body.as_bytes()));
    };
    check(r#"{"x": 7}"#, "/api/7", "7");
    check(r#"{"x": -1.5}"#, "/api/-1.5", "-1.5");
    check(r#"{"x": "a\"b"}"#, "/api/%22a%5C%22b%22", r#""a\"b""#);
    check(r#"{"x": {"b": [1, null]}}"#, "/api/%7B%22b%22%3A%5B1%2Cnull%5D%7D", r#"{"b":[1,null]}"#);
    check(r#"{"x": null}"#, "/api/null", "null");
}

#[test]
fn raw_slots_are_sent_as_they_are() {
    let raw = |from: SlotSource| slot(from, &[Filter::Raw]);
    let mut action = get(around("/", raw(captured("x").from), ""));
    action.query = vec![pair("q", lit("1 2"))];
    let program = program_with_capture(action);
    let check = |json: &'static str, path: &str| {
        let mut values = program.values(0);
        program.judge(&arrival(0), 0, &outcome(200, json), &mut values).unwrap();
        assert_eq!(
            render(&program, &arrival(0), 1, &values, 0).map(super::tests::path).unwrap(),
            path
        );
    };
    check(r#"{"x": "a/b%20c"}"#, "/api/a/b%20c?q=1%202");
    check(r#"{"x": "a?b=1"}"#, "/api/a?b=1&q=1%202");
    let url = slot(data("name").from, &[Filter::Url]);
    assert_eq!(request(get(around("/", url, ""))).map(path).unwrap(), "/api/Ann%20%26%20Bo%2F");
}

#[test]
fn groups_have_their_own_vars_and_the_command_line_wins() {
    let steps = || vec![step("first", get(around("/", var("city"), "")))];
    let program = program(steps());
    let path = |program: &Program, group: usize| {
        let arrival = Arrival { group, ..arrival(0) };
        render(program, &arrival, 0, &program.values(0), 0).map(super::tests::path)
    };
    assert_eq!(path(&program, 0).unwrap(), "/api/K%C3%B6ln%20am%20Rhein");
    assert_eq!(path(&program, 2).unwrap(), "/NY");
    assert_eq!(path(&program, 1).unwrap_err().kind, FailureKind::Render);
    let targets = program.targets();
    assert_eq!(targets.len(), 3);
    assert_eq!((targets[0].authority.as_str(), targets[0].tls.is_some()), ("shop.example", false));
    assert_eq!(
        (targets[2].authority.as_str(), targets[2].tls.is_some()),
        ("us.example:8443", true)
    );
    let prepare = |vars: &[(&str, &str)]| {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Program::prepare(Arc::new(artifact(steps())), Inputs { vars, ..inputs() })
    };
    let overridden = prepare(&[("city", "Ulm"), ("peak", "200/s")]).unwrap();
    assert_eq!(path(&overridden, 0).unwrap(), "/api/Ulm");
    assert_eq!(path(&overridden, 2).unwrap(), "/Ulm");
    let refused = |vars: &[(&str, &str)]| prepare(vars).unwrap_err();
    assert!(
        matches!(refused(&[("peak", "300/s")]), PrepareError::FixedVar(name) if name == "peak")
    );
    assert!(matches!(refused(&[("pek", "1")]), PrepareError::UnknownVar(name) if name == "pek"));
    assert!(matches!(refused(&[("count", "x")]), PrepareError::VarType { .. }));
    assert!(matches!(refused(&[("tags", "{}")]), PrepareError::VarType { .. }));
    assert!(matches!(refused(&[("base", "x")]), PrepareError::BaseUrl { .. }));
}

#[test]
fn the_same_arrival_sends_the_same_whoever_prepares_it() {
    let draw = |place| Json::Slot(slot(SlotSource::RandInt { min: 1, max: 1_000_000, place }, &[]));
    let items = vec![Json::Text(lit("a")), Json::Text(lit("b"))];
    let pick = Json::Slot(slot(SlotSource::RandPick { items, place: 3 }, &[]));
    let uuid = Json::Slot(slot(SlotSource::RandUuid { place: 2 }, &[]));
    let json = || Json::List(vec![draw(0), draw(1), uuid.clone(), pick.clone()]);
    let bodies = |step_name: &str, seed: Option<u64>| {
        let steps = vec![step(step_name, post(Body::Json(json())))];
        let program = Program::prepare(Arc::new(artifact(steps)), Inputs { seed, ..inputs() });
        let program = program.unwrap();
        let values = program.values(0);
        (0..20)
            .map(|n| render(&program, &arrival(n), 0, &values, 0).unwrap().body)
            .collect::<Vec<_>>()
    };
    let here = bodies("first", None);
    assert_eq!(here, bodies("first", None));
    assert_eq!(here, bodies("first", Some(7)));
    assert_ne!(here, bodies("first", Some(8)));
    assert_ne!(here, bodies("other", None));
    assert_ne!(here[0], here[1]);
    let first: Vec<serde_json::Value> = serde_json::from_slice(&here[0]).unwrap();
    assert_ne!(first[0], first[1]);
    assert!(uuid::Uuid::parse_str(first[2].as_str().unwrap()).is_ok());
}

#[test]
fn rows_that_are_not_there_fail_the_arrival() {
    let program = program(vec![step("first", get(around("/", data("name"), "")))]);
    let values = program.values(0);
    let path = |n| render(&program, &arrival(n), 0, &values, 0).map(super::tests::path);
    assert_eq!(path(1).unwrap(), "/api/Cy");
    assert_eq!(path(2).unwrap_err().detail, "`data.users.name` has no value");
}

#[test]
fn users_have_numbers_where_there_are_users() {
    let number = slot(SlotSource::UserNumber, &[]);
    let program = program(vec![step("first", get(around("/", number, "")))]);
    let path = |user| {
        let arrival = Arrival { user, ..arrival(5) };
        render(&program, &arrival, 0, &program.values(0), 0).map(super::tests::path)
    };
    assert_eq!(path(Some(3)).unwrap(), "/api/3");
    assert_eq!(path(None).unwrap_err().detail, "`user.number` has no value");
}

#[test]
fn waits_are_drawn_between_their_bounds() {
    let wait = |wait| Step { action: Action::Wait(wait), ..step("#1", get(lit("/"))) };
    let uniform = WaitAction::Uniform { min_ns: 10, max_ns: 12 };
    let program = program(vec![
        wait(WaitAction::Constant { length_ns: 5 }),
        wait(uniform),
        step("first", get(lit("/"))),
    ]);
    assert_eq!(program.wait_ns(&arrival(3), 0), Some(5));
    assert_eq!(program.wait_ns(&arrival(3), 2), None);
    let waits: Vec<_> = (0..50).filter_map(|n| program.wait_ns(&arrival(n), 1)).collect();
    assert!(
        (10..=12).all(|wait| waits.contains(&wait)) && waits.iter().all(|w| (10..=12).contains(w))
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let slots = prop_oneof![
        Just(data("name")),
        Just(slot(data("age").from, &[Filter::Int, Filter::Text])),
        Just(slot(data("name").from, &[Filter::Raw])),
        Just(var("count")),
        Just(slot(var("tags").from, &[Filter::Json])),
        Just(slot(SlotSource::RandInt { min: i64::MIN, max: i64::MAX, place: 0 }, &[])),
    ];
    let text = (any::<String>(), slots.clone(), any::<String>())
        .prop_map(|(before, slot, after)| Json::Text(around(&before, slot, &after)));
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("JSON has no infinity", |n| n.is_finite())
            .prop_map(|n| n.to_string()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number.prop_map(Json::Number),
        text,
        slots.prop_map(Json::Slot),
        Just(Json::Slot(var("tags"))),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(Json::Object),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_json_template_renders_to_valid_json(json in any_json()) {
        let text = body(json.clone());
        let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kind = match json {
            Json::List(_) => tree.is_array(),
            Json::Object(_) => tree.is_object(),
            Json::Text(_) => tree.is_string(),
            Json::Number(_) => tree.is_number(),
            Json::Null | Json::Bool(_) | Json::Slot(_) => true,
        };
        prop_assert!(kind, "{}", text);
    }
}
