//! Expectations and captures.

use bytes::Bytes;
use compiler::artifact::{
    Bound, Capture, CaptureFrom, Comparison, Expect, Json, JsonCheck, JsonExpect, StatusRange,
    Step, TextCheck,
};

use super::fixture::*;
use crate::exchange::{Failure, FailureKind, Outcome};
use crate::user::Values;

fn judge(expect: Expect, capture: Vec<Capture>, outcome: &Outcome) -> Result<Values, String> {
    let program = program(vec![Step { expect, capture, ..step("first", get(lit("/"))) }]);
    let mut values = program.values(0);
    let judged = program.judge(&arrival(0), 0, outcome, &mut values);
    judged
        .map(|()| values)
        .map_err(|failure| format!("{}: {}", failure.kind.name(), failure.detail))
}

const ANSWER: &str = r#"{"state": "accepted", "total": 12.0, "items": [{"id": 1}, {"id": 2}]}"#;

#[test]
fn expectations_hold_or_say_why_not() {
    let check = |expect: Expect, status: u16, expected: Option<&str>| {
        let judged = judge(expect, Vec::new(), &outcome(status, ANSWER));
        assert_eq!(judged.err().as_deref(), expected);
    };
    let status = |from, to| Expect { status: vec![StatusRange { from, to }], ..Expect::default() };
    check(Expect::default(), 399, None);
    check(Expect::default(), 400, Some("status: status 400, expected below 400"));
    check(status(500, 599), 503, None);
    check(status(200, 299), 302, Some("status: status 302, expected 2xx"));
    check(status(201, 201), 200, Some("status: status 200, expected 201"));
    let duration = |bound, value| {
        let duration = vec![Comparison { bound, value }];
        Expect { duration, ..Expect::default() }
    };
    check(duration(Bound::Less, 10_001), 200, None);
    check(duration(Bound::Less, 10_000), 200, Some("expect: took 10ms, expected < 10ms"));
    let json = |path: &str, check| {
        let json = vec![JsonExpect { path: path.to_owned(), check }];
        Expect { json, ..Expect::default() }
    };
    let number = |text: &str| Json::Number(text.to_owned());
    let equals = JsonCheck::Equals;
    check(json("$.state", equals(Json::Text(lit("accepted")))), 200, None);
    check(json("$.total", equals(number("12"))), 200, None);
    check(json("$.total", equals(Json::Slot(var("count")))), 200, None);
    let wanted = equals(Json::Slot(data("name")));
    let why = r#"expect: `$.state` is "accepted", expected "Ann & Bo/""#;
    check(json("$.state", wanted), 200, Some(why));
    let why = "expect: nothing at `$.none`";
    check(json("$.none", equals(Json::Null)), 200, Some(why));
    let compare = |bound, value: &str| JsonCheck::Number { bound, value: value.to_owned() };
    check(json("$.items[1].id", compare(Bound::Greater, "1")), 200, None);
    let why = "expect: `$.total` is 12.0, expected < 12";
    check(json("$.total", compare(Bound::Less, "12")), 200, Some(why));
    let why = r#"expect: `$.state` is "accepted", expected > 0"#;
    check(json("$.state", compare(Bound::Greater, "0")), 200, Some(why));
    let header = |name: &str, check| {
        let header = vec![(name.to_owned(), check)];
        Expect { header, ..Expect::default() }
    };
    check(header("x-id", TextCheck::Equals(lit("a2"))), 200, None);
    let why = "expect: header `x-id` does not match `^b`";
    check(header("x-id", TextCheck::Matches("^b".to_owned())), 200, Some(why));
    let why = "expect: header `x-none` is not there";
    check(header("x-none", TextCheck::Contains(lit(""))), 200, Some(why));
    let body = |check| Expect { body: vec![check], ..Expect::default() };
    check(body(TextCheck::Contains(lit("accepted"))), 200, None);
    let why = "expect: the body does not contain `rejected`";
    check(body(TextCheck::Contains(lit("rejected"))), 200, Some(why));
}

#[test]
fn captures_find_keep_or_fail() {
    let check = |capture: Capture, expected: Result<&str, &str>| {
        let judged = judge(Expect::default(), vec![capture], &outcome(201, ANSWER));
        let kept = judged.as_ref().map(|values| values.get(0).unwrap().to_string());
        assert_eq!(kept.as_ref().map(String::as_str).map_err(|why| why.as_str()), expected);
    };
    let json = |path: &str| capture("x", CaptureFrom::Json(path.to_owned()));
    let regex = |pattern: &str| capture("x", CaptureFrom::Regex(pattern.to_owned()));
    let header = |name: &str| capture("x", CaptureFrom::Header(name.to_owned()));
    let all = |capture: Capture| Capture { all: true, ..capture };
    check(json("$.items[*].id"), Ok("1"));
    check(all(json("$.items[*].id")), Ok("[1,2]"));
    check(all(json("$.none")), Err("capture: `x`: nothing at `$.none`"));
    check(Capture { default: Some(Json::Slot(var("count"))), ..json("$.none") }, Ok("12"));
    check(regex("\"id\": ([0-9])"), Ok("\"1\""));
    check(all(regex("\"id\": [0-9]")), Ok(r#"["\"id\": 1","\"id\": 2"]"#));
    check(regex("none"), Err("capture: `x`: nothing at `none`"));
    check(header("x-id"), Ok("\"a1\""));
    check(all(header("x-id")), Ok(r#"["a1","a2"]"#));
    check(header("x-none"), Err("capture: `x`: nothing at header `x-none`"));
    check(capture("x", CaptureFrom::Status), Ok("201"));
}

#[test]
fn failures_never_tell_a_secret() {
    let echo = Outcome { body: Bytes::from_static(b"\"token s3cret\""), ..outcome(200, "") };
    let wanted = JsonCheck::Equals(Json::Slot(secret("token")));
    let json = vec![JsonExpect { path: "$".to_owned(), check: wanted }];
    let why = judge(Expect { json, ..Expect::default() }, Vec::new(), &echo).unwrap_err();
    assert_eq!(why, r#"expect: `$` is "token ***", expected "***""#);
    let broken = Failure::new(FailureKind::Connect, "no route to s3cret.example");
    let broken = Outcome { failure: Some(broken), ..Outcome::default() };
    let why = judge(Expect::default(), Vec::new(), &broken).unwrap_err();
    assert_eq!(why, "connect: no route to ***.example");
}

#[test]
fn nothing_that_is_written_for_debugging_tells_a_secret() {
    let program = program(vec![step("first", get(lit("/")))]);
    assert!(!format!("{program:?}").contains("s3cret"));
    let request = super::render(&program, &arrival(0), 0, &program.values(0), 0).unwrap();
    assert_eq!(request.head.header("authorization"), Some("Bearer s3cret"));
    assert!(!format!("{request:?}").contains("s3cret"));
}
