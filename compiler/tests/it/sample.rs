//! Artifacts made in code, for tests of everything that reads one.

use std::collections::BTreeMap;

use compiler::artifact::{
    Action, Artifact, Body, Capture, CaptureFrom, ClosedLoad, ClosedStage, Data, DataUse, Delivery,
    Endpoint, Expect, FORMAT, FileRef, Filter, Format, Group, HttpAction, HttpEndpoint, Json,
    JsonCheck, JsonExpect, Load, Method, NameValue, Nodes, OnAgentLoss, OpenLoad, OpenStage, Per,
    Piece, Scenario, SecretSource, Slot, SlotSource, StatusRange, Step, Take, Text, TextCheck,
    Threshold, Tuning, Var, WaitAction, digest_of, seal_digest,
};
use compiler::partition::{GroupShare, Partition};
use compiler::schedule::{Closed, Open};
use compiler::unit::{Rate, SECOND_NS, Share};

/// Returns a sealed artifact with two scenarios on three seats that uses most of the format.
pub(crate) fn artifact() -> Artifact {
    let mut artifact = Artifact {
        artifact: FORMAT,
        plan: "checkout".to_owned(),
        description: "shoppers buy".to_owned(),
        seed: 7,
        vars: BTreeMap::from([(
            "shop".to_owned(),
            Var { value: Json::Text(literal("http://127.0.0.1:8080")), fixed: false },
        )]),
        secrets: BTreeMap::from([("token".to_owned(), SecretSource::Env("SHOP_TOKEN".to_owned()))]),
        endpoints: BTreeMap::from([("shop".to_owned(), endpoint())]),
        data: BTreeMap::from([
            ("skus".to_owned(), data("data/skus.csv", "sku", 40, Take::Circular, Per::Arrival)),
            ("users".to_owned(), data("data/users.csv", "name", 500, Take::Unique, Per::Arrival)),
        ]),
        lists: BTreeMap::new(),
        files: BTreeMap::new(),
        transactions: BTreeMap::new(),
        before: Vec::new(),
        after: Vec::new(),
        nodes: nodes(),
        scenarios: BTreeMap::new(),
        slots: 0,
        thresholds: BTreeMap::from([("errors".to_owned(), threshold())]),
        sinks: BTreeMap::new(),
        delivery: Delivery {
            min: Share(999_000),
            max_lateness_p99_us: None,
            max_start_spread_us: Some(50_000),
        },
        digest: String::new(),
    };
    add_scenario(&mut artifact, "browse", closed_load(), browse_steps());
    add_scenario(&mut artifact, "checkout", open_load(), checkout_steps());
    let uses = [("skus", 40), ("users", 450)];
    let uses = uses.map(|(name, rows)| (name.to_owned(), DataUse { first_row: 0, rows }));
    artifact.scenarios.get_mut("checkout").unwrap().data = BTreeMap::from(uses);
    seal_digest(&mut artifact);
    artifact
}

/// Adds a scenario on all groups of the artifact, with its slots dealt.
pub(crate) fn add_scenario(artifact: &mut Artifact, name: &str, load: Load, steps: Vec<Step>) {
    let groups = artifact.nodes.groups.iter();
    let groups: Vec<GroupShare<'_>> = groups
        .map(|(name, group)| GroupShare { name, weight: group.weight, agents: group.agents })
        .collect();
    let partition = Partition::new(&groups).unwrap();
    let planned = match &load {
        Load::Open(load) => Open::of(artifact.seed, name, load).count(),
        Load::Closed(load) => Closed::new(load).count().unwrap_or(0),
        Load::Observe { .. } => 0,
    };
    let scenario = Scenario {
        start_ns: 0,
        late_start: None,
        max_failures: None,
        connections: compiler::artifact::Connections::Pool,
        load,
        warm_up_ns: SECOND_NS,
        graceful_stop_ns: 30 * SECOND_NS,
        timeout_ns: 0,
        planned,
        slot_base: artifact.slots,
        slot_count: partition.slots(),
        seats: partition.owned(artifact.slots),
        data: BTreeMap::new(),
        before_each_user: Vec::new(),
        lets: Vec::new(),
        steps,
    };
    artifact.slots += partition.slots();
    artifact.scenarios.insert(name.to_owned(), scenario);
}

/// Returns a text without slots.
pub(crate) fn literal(text: &str) -> Text {
    Text(vec![Piece::Literal(text.to_owned())])
}

fn slot(from: SlotSource, filters: Vec<Filter>) -> Slot {
    Slot { from, filters }
}

fn endpoint() -> Endpoint {
    let shop = slot(SlotSource::Var("shop".to_owned()), vec![]);
    let token = slot(SlotSource::Secret("token".to_owned()), vec![]);
    let bearer = Text(vec![Piece::Literal("Bearer ".to_owned()), Piece::Slot(token)]);
    Endpoint::Http(HttpEndpoint {
        base_url: Text(vec![Piece::Slot(shop)]),
        headers: vec![NameValue { name: "authorization".to_owned(), value: bearer }],
        timeout_ns: 5 * SECOND_NS,
        tracking: true,
        max_body_bytes: 10 << 20,
        options: Box::default(),
    })
}

fn data(path: &str, column: &str, rows: u64, take: Take, per: Per) -> Data {
    let digest = digest_of(path.as_bytes());
    let file = FileRef { path: path.to_owned(), bytes: 1000, digest };
    Data { file, format: Format::Csv, columns: vec![column.to_owned()], rows, take, per }
}

fn nodes() -> Nodes {
    let group =
        |agents, weight| Group { agents, weight, requires: BTreeMap::new(), vars: BTreeMap::new() };
    Nodes {
        groups: BTreeMap::from([("eu".to_owned(), group(2, 2)), ("us".to_owned(), group(1, 1))]),
        join_timeout_ns: 30 * SECOND_NS,
        lease_ns: 10 * SECOND_NS,
        on_agent_loss: OnAgentLoss::Fail,
        tuning: Tuning::default(),
    }
}

fn threshold() -> Threshold {
    use compiler::artifact::{Bound, Counter, Metric, NoData, Quantity, Selector};
    Threshold {
        require: "share(failed) < 1%".to_owned(),
        metric: Metric::Share(Counter::Failed),
        bound: Bound::Less,
        value: 10_000,
        quantity: Quantity::Share,
        select: Selector {
            scenario: Some("checkout".to_owned()),
            step: None,
            group: None,
            split: None,
        },
        window_ns: 0,
        grace_ns: 0,
        min_samples: 0,
        abort: false,
        on_no_data: NoData::NoData,
    }
}

/// Returns 150 + 300 arrivals in 6 s.
pub(crate) fn open_load() -> Load {
    let top = Rate::new(100, SECOND_NS);
    let stages = vec![
        OpenStage::Rate { from: Rate::ZERO, to: top, length_ns: 3 * SECOND_NS },
        OpenStage::Rate { from: top, to: top, length_ns: 3 * SECOND_NS },
    ];
    Load::Open(OpenLoad { max_in_flight: 300, late_after_ns: SECOND_NS, ..OpenLoad::even(stages) })
}

/// Returns five users for 4 s, with a ramp.
pub(crate) fn closed_load() -> Load {
    let stages = vec![
        ClosedStage::Users { from: 0, to: 5, length_ns: 2 * SECOND_NS },
        ClosedStage::Users { from: 5, to: 5, length_ns: 2 * SECOND_NS },
    ];
    Load::Closed(ClosedLoad { stages, users_max: 5, pace_ns: 0 })
}

/// Returns a step that sends nothing but a GET.
pub(crate) fn get(name: &str, needs: &[&str], path: &str) -> Step {
    step(name, needs, http(Method::Get, literal(path), Body::Empty))
}

fn step(name: &str, needs: &[&str], action: Action) -> Step {
    let needs = needs.iter().map(|need| (*need).to_owned()).collect();
    Step { needs, ..Step::new(name, action) }
}

fn http(method: Method, path: Text, body: Body) -> Action {
    let endpoint = "shop".to_owned();
    Action::Http(HttpAction {
        endpoint,
        method,
        path,
        query: vec![],
        headers: vec![],
        body,
        redirects: None,
    })
}

fn browse_steps() -> Vec<Step> {
    let wait = WaitAction::Constant { length_ns: SECOND_NS / 10 };
    vec![get("list", &[], "/products"), step("#2", &["list"], Action::Wait(wait))]
}

fn checkout_steps() -> Vec<Step> {
    let name = SlotSource::Data { data: "users".to_owned(), column: "name".to_owned() };
    let name = Json::Object(vec![("user".to_owned(), Json::Slot(slot(name, vec![Filter::Text])))]);
    let mut login = step("login", &[], http(Method::Post, literal("/login"), Body::Json(name)));
    login.capture.push(Capture {
        name: "token".to_owned(),
        from: CaptureFrom::Json("$.token".to_owned()),
        all: false,
        default: None,
    });
    let wait = WaitAction::Uniform { min_ns: SECOND_NS, max_ns: 3 * SECOND_NS };
    let think = step("think", &["login"], Action::Wait(wait));
    let place = SlotSource::RandInt { min: 1, max: 6, place: 0 };
    let token = SlotSource::Capture { step: "login".to_owned(), name: "token".to_owned() };
    let sku = SlotSource::Data { data: "skus".to_owned(), column: "sku".to_owned() };
    let field = |name: &str, from| NameValue {
        name: name.to_owned(),
        value: Text(vec![Piece::Slot(slot(from, vec![]))]),
    };
    let body = Body::Form(vec![field("sku", sku), field("quantity", place)]);
    let path = Text(vec![
        Piece::Literal("/orders/".to_owned()),
        Piece::Slot(slot(token, vec![Filter::Url])),
    ]);
    let mut order = step("order", &["login", "think"], http(Method::Post, path, body));
    order.expect = Expect {
        status: vec![StatusRange { from: 201, to: 201 }],
        json: vec![JsonExpect {
            path: "$.state".to_owned(),
            check: JsonCheck::Equals(Json::Text(literal("accepted"))),
        }],
        body: vec![TextCheck::Contains(literal("id"))],
        ..Expect::default()
    };
    vec![login, think, order, get("recommendations", &["login", "think"], "/recommendations")]
}
