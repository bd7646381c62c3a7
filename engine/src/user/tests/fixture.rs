//! An artifact that is written by hand, and what it is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{
    self, Action, Artifact, Body, Capture, CaptureFrom, Data, DataUse, Delivery, Endpoint, FileRef,
    Filter, Format, Group, HttpAction, HttpEndpoint, Json, Load, NameValue, Nodes, OnAgentLoss,
    OpenLoad, Per, Piece, Scenario, SecretSource, Slot, SlotSet, SlotSource, Step, Take, Text,
    Tuning, Var,
};
use compiler::unit::Share;
use http::{HeaderMap, HeaderValue};

use crate::exchange::Outcome;
use crate::user::{Arrival, Inputs, Program};

pub(super) const MS: u64 = 1_000_000;

pub(super) fn lit(text: &str) -> Text {
    Text(vec![Piece::Literal(text.to_owned())])
}

pub(super) fn slot(from: SlotSource, filters: &[Filter]) -> Slot {
    Slot { from, filters: filters.to_vec() }
}

pub(super) fn var(name: &str) -> Slot {
    slot(SlotSource::Var(name.to_owned()), &[])
}

pub(super) fn data(column: &str) -> Slot {
    let (data, column) = ("users".to_owned(), column.to_owned());
    slot(SlotSource::Data { data, column }, &[])
}

pub(super) fn captured(name: &str) -> Slot {
    let (step, name) = ("first".to_owned(), name.to_owned());
    slot(SlotSource::Capture { step, name }, &[])
}

/// `before` + slot + `after`.
pub(super) fn around(before: &str, slot: Slot, after: &str) -> Text {
    let literal = |text: &str| Piece::Literal(text.to_owned());
    Text(vec![literal(before), Piece::Slot(slot), literal(after)])
}

pub(super) fn pair(name: &str, value: Text) -> NameValue {
    NameValue { name: name.to_owned(), value }
}

pub(super) fn get(path: Text) -> HttpAction {
    HttpAction {
        endpoint: "shop".to_owned(),
        method: artifact::Method::Get,
        path,
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        redirects: None,
    }
}

pub(super) fn post(body: Body) -> HttpAction {
    HttpAction { method: artifact::Method::Post, body, ..get(lit("/post")) }
}

pub(super) fn step(name: &str, action: HttpAction) -> Step {
    Step::new(name, Action::Http(action))
}

pub(super) fn artifact(steps: Vec<Step>) -> Artifact {
    let text = |text: &str| Var { value: Json::Text(lit(text)), fixed: false };
    let group = |vars: &[(&str, &str)]| Group {
        agents: 1,
        weight: 1,
        requires: BTreeMap::new(),
        vars: vars.iter().map(|(k, v)| ((*k).to_owned(), Json::Text(lit(v)))).collect(),
    };
    let file = |path: &str, digest: &str| FileRef {
        path: path.to_owned(),
        bytes: 0,
        digest: digest.to_owned(),
    };
    let users = Data {
        file: file("users.csv", "blake3:users"),
        format: Format::Csv,
        columns: vec!["name".to_owned(), "age".to_owned()],
        rows: 3,
        take: Take::Unique,
        per: Per::Arrival,
    };
    let mut vars = BTreeMap::from([
        ("base", text("http://shop.example/api")),
        ("city", text("Köln am Rhein")),
        ("peak", text("200/s")),
        ("nothing", Var { value: Json::Null, fixed: false }),
        ("count", Var { value: Json::Number("12".to_owned()), fixed: false }),
        ("tags", Var { value: Json::List(vec![Json::Bool(true), Json::Null]), fixed: false }),
    ]);
    vars.get_mut("peak").unwrap().fixed = true;
    let scenario = Scenario {
        start_ns: 0,
        late_start: None,
        max_failures: None,
        connections: compiler::artifact::Connections::Pool,
        load: Load::Open(OpenLoad {
            max_in_flight: 1,
            late_after_ns: 1,
            ..OpenLoad::even(Vec::new())
        }),
        warm_up_ns: 0,
        graceful_stop_ns: 0,
        timeout_ns: 0,
        planned: 0,
        slot_base: 0,
        slot_count: 0,
        seats: ["eu/0", "us/0"].map(|seat| (seat.to_owned(), SlotSet::default())).into(),
        data: BTreeMap::from([("users".to_owned(), DataUse { first_row: 1, rows: 2 })]),
        before_each_user: Vec::new(),
        lets: Vec::new(),
        steps,
    };
    let shop = HttpEndpoint {
        base_url: Text(vec![Piece::Slot(var("base"))]),
        headers: vec![
            pair("authorization", around("Bearer ", secret("token"), "")),
            pair("accept", lit("*/*")),
        ],
        timeout_ns: 5_000 * MS,
        tracking: true,
        max_body_bytes: 1 << 20,
        options: Box::default(),
    };
    Artifact {
        artifact: artifact::FORMAT,
        plan: "test".to_owned(),
        description: String::new(),
        seed: 7,
        vars: vars.into_iter().map(|(name, var)| (name.to_owned(), var)).collect(),
        secrets: BTreeMap::from([("token".to_owned(), SecretSource::Env("TOKEN".to_owned()))]),
        endpoints: BTreeMap::from([("shop".to_owned(), Endpoint::Http(shop))]),
        data: BTreeMap::from([("users".to_owned(), users)]),
        lists: BTreeMap::new(),
        files: BTreeMap::from([("body.bin".to_owned(), file("body.bin", "blake3:body"))]),
        transactions: BTreeMap::new(),
        before: Vec::new(),
        after: Vec::new(),
        nodes: Nodes {
            groups: BTreeMap::from([
                ("eu".to_owned(), group(&[])),
                ("idle".to_owned(), group(&[])),
                ("us".to_owned(), group(&[("base", "https://us.example:8443"), ("city", "NY")])),
            ]),
            join_timeout_ns: 1,
            lease_ns: 1,
            on_agent_loss: OnAgentLoss::Fail,
            tuning: Tuning::default(),
        },
        scenarios: BTreeMap::from([("buy".to_owned(), scenario)]),
        slots: 0,
        thresholds: BTreeMap::new(),
        sinks: BTreeMap::new(),
        delivery: Delivery {
            min: Share::ONE,
            max_lateness_p99_us: None,
            max_start_spread_us: None,
        },
        digest: String::new(),
    }
}

pub(super) fn secret(name: &str) -> Slot {
    slot(SlotSource::Secret(name.to_owned()), &[])
}

pub(super) fn inputs() -> Inputs {
    let users = Bytes::from_static(b"name,age\nZero,0\n\"Ann & Bo/\",031\nCy,42\n");
    Inputs {
        run: "k3v9x0q2ab".to_owned(),
        vars: BTreeMap::new(),
        secrets: BTreeMap::from([("token".to_owned(), "s3cret".to_owned())]),
        files: BTreeMap::from([
            ("blake3:users".to_owned(), users),
            ("blake3:body".to_owned(), Bytes::from_static(b"\x00\x01")),
        ]),
        seed: None,
    }
}

pub(super) fn program(steps: Vec<Step>) -> Program {
    Program::prepare(Arc::new(artifact(steps)), inputs()).unwrap()
}

pub(super) fn arrival(number: u64) -> Arrival {
    Arrival { scenario: 0, number, user: None, group: 0 }
}

pub(super) fn capture(name: &str, from: CaptureFrom) -> Capture {
    Capture { name: name.to_owned(), from, all: false, default: None }
}

pub(super) fn outcome(status: u16, body: &'static str) -> Outcome {
    let mut headers = HeaderMap::new();
    headers.append("x-id", HeaderValue::from_static("a1"));
    headers.append("x-id", HeaderValue::from_static("a2"));
    Outcome {
        status: Some(status),
        headers,
        body: Bytes::from_static(body.as_bytes()),
        sent: 0,
        ended: 10 * MS,
        ..Outcome::default()
    }
}
