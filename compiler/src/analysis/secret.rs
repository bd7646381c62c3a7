//! (pure) Secrets that end where they show: read there, or handed on by `let`, by params and by what calls return.

use std::collections::BTreeMap;

use crate::analysis::name;
use crate::artifact::{Filter, Json, Piece, Slot, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, Plan, ScenarioPlan, Site, StepList, Use, ValuePlan};
use crate::source::Span;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    if plan.secrets.items.is_empty() {
        return;
    }
    for read in name::uses(plan) {
        let Some((place, label, help)) = exposes(read.site) else { continue };
        if let SlotSource::Secret(secret) = &read.from
            && !read.inside
            && plan.secrets.get(secret).is_some()
        {
            let message = format!("the secret `{secret}` stands in {place}");
            let found = Diagnostic::error("plan::secret::exposed", read.span, message);
            sink.push(found.label(label).help(help));
        }
    }
    handed_on(plan, sink);
}

/// What hands a value on: a name of its own kind, within the scenario or transaction that knows it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Carrier<'a> {
    Let(&'a str, &'a str),
    Param(&'a str, &'a str),
    Return(&'a str, &'a str),
}

/// Steps that know the same names.
struct Part<'a> {
    /// The scenario or transaction; empty for what runs around the run.
    owner: &'a str,
    list: &'a StepList,
    /// Its calls: steps by name, with the transaction.
    calls: BTreeMap<&'a str, &'a str>,
}

/// Where the secret is read that each carrier holds.
type Held<'a> = BTreeMap<Carrier<'a>, Span>;

/// Everything that reads and hands on.
struct Ways<'a> {
    parts: Vec<Part<'a>>,
    before: BTreeMap<&'a str, &'a str>,
    users: BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
}

fn calls(list: &StepList) -> BTreeMap<&str, &str> {
    let steps = list.all().into_iter();
    steps
        .filter_map(|step| match &step.block {
            Some(Block::Call { transaction, .. }) => {
                Some((step.name.as_str(), transaction.value.as_str()))
            }
            _ => None,
        })
        .collect()
}

impl<'a> Ways<'a> {
    fn of(plan: &'a Plan) -> Ways<'a> {
        let part = |owner: &'a str, list: &'a StepList| Part { owner, list, calls: calls(list) };
        let mut parts = vec![part("", &plan.before), part("", &plan.after)];
        for (item, called) in plan.transactions.whole() {
            parts.push(part(&item.name, &called.list));
        }
        for (item, scenario) in plan.scenarios.whole() {
            parts.push(part(&item.name, &scenario.before_each_user));
            parts.push(part(&item.name, &scenario.transaction));
        }
        let users = plan.scenarios.whole();
        let each = |scenario: &'a ScenarioPlan| calls(&scenario.before_each_user);
        let users = users.map(|(item, scenario)| (item.name.as_str(), each(scenario))).collect();
        Ways { parts, before: calls(&plan.before), users }
    }

    /// Returns what a name is that may hold a secret, read where `owner` and `calls` are known.
    fn carrier(
        &self,
        owner: &'a str,
        own: &BTreeMap<&'a str, &'a str>,
        from: &'a SlotSource,
    ) -> Option<Carrier<'a>> {
        let returned = |calls: &BTreeMap<&'a str, &'a str>, step: &str, name: &'a str| {
            calls.get(step).map(|called| Carrier::Return(called, name))
        };
        match from {
            SlotSource::Let(name) => Some(Carrier::Let(owner, name)),
            SlotSource::Param(name) => Some(Carrier::Param(owner, name)),
            SlotSource::Capture { step, name } => returned(own, step, name),
            SlotSource::BeforeCapture { step, name } => returned(&self.before, step, name),
            SlotSource::UserCapture { step, name } => returned(self.users.get(owner)?, step, name),
            _ => None,
        }
    }

    /// Returns where the secret is read that `json`, written at `at`, holds, if it holds one.
    fn secret(
        &self,
        (owner, own): (&'a str, &BTreeMap<&'a str, &'a str>),
        json: &'a Json,
        at: Span,
        held: &Held<'a>,
    ) -> Option<Span> {
        let slot = |slot: &'a Slot| {
            // What is only signed with does not show.
            if slot.filters.iter().any(|filter| matches!(filter, Filter::HmacSha256(_))) {
                return None;
            }
            match &slot.from {
                SlotSource::Secret(_) => Some(at),
                from => held.get(&self.carrier(owner, own, from)?).copied(),
            }
        };
        match json {
            Json::Slot(only) => slot(only),
            Json::Text(text) => text.0.iter().find_map(|piece| match piece {
                Piece::Slot(one) => slot(one),
                Piece::Literal(_) => None,
            }),
            Json::List(items) => {
                items.iter().find_map(|item| self.secret((owner, own), item, at, held))
            }
            Json::Object(fields) => {
                fields.iter().find_map(|(_, value)| self.secret((owner, own), value, at, held))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => None,
        }
    }

    /// Adds what the calls of a part hand over; returns whether something was new.
    fn hand(&self, part: &Part<'a>, held: &mut Held<'a>) -> bool {
        let mut new = false;
        for step in part.list.all() {
            let Some(Block::Call { transaction, with, .. }) = &step.block else { continue };
            for given in with {
                let carrier = Carrier::Param(&transaction.value, &given.name);
                let Some(value) = given.value.as_ref().filter(|_| !held.contains_key(&carrier))
                else {
                    continue;
                };
                if let Some(at) = self.secret((part.owner, &part.calls), value, given.span, held) {
                    held.insert(carrier, at);
                    new = true;
                }
            }
        }
        new
    }

    /// Adds the values of `let` or `returns`; returns whether one was new.
    fn keep(
        &self,
        (owner, own): (&'a str, &BTreeMap<&'a str, &'a str>),
        values: &'a [ValuePlan],
        carrier: impl Fn(&'a str) -> Carrier<'a>,
        held: &mut Held<'a>,
    ) -> bool {
        let mut new = false;
        for value in values {
            let carrier = carrier(&value.name);
            let Some(json) = value.value.as_ref().filter(|_| !held.contains_key(&carrier)) else {
                continue;
            };
            let secret = |read: &&Use| matches!(read.from, SlotSource::Secret(_)) && !read.inside;
            let at = value.uses.iter().find(secret).map_or(value.span, |read| read.span);
            if let Some(at) = self.secret((owner, own), json, at, held) {
                held.insert(carrier, at);
                new = true;
            }
        }
        new
    }
}

/// Reports secrets that end where they show over other names.
fn handed_on(plan: &Plan, sink: &mut Diagnostics) {
    let ways = Ways::of(plan);
    let none = BTreeMap::new();
    let mut held = Held::new();
    loop {
        let mut new = false;
        for part in &ways.parts {
            new |= ways.hand(part, &mut held);
        }
        // Behind `before` and `after` stand the transactions.
        for ((item, called), part) in plan.transactions.whole().zip(ways.parts.iter().skip(2)) {
            let owner = item.name.as_str();
            let carrier = |name| Carrier::Return(owner, name);
            new |= ways.keep((owner, &part.calls), &called.returns, carrier, &mut held);
        }
        for (item, scenario) in plan.scenarios.whole() {
            let owner = item.name.as_str();
            let carrier = |name| Carrier::Let(owner, name);
            new |= ways.keep((owner, &none), &scenario.lets, carrier, &mut held);
        }
        if !new {
            break;
        }
    }
    if held.is_empty() {
        return;
    }
    for part in &ways.parts {
        for read in part.list.uses() {
            let Some((place, label, help)) = exposes(read.site) else { continue };
            let carrier = ways.carrier(part.owner, &part.calls, &read.from);
            let Some(from) = carrier.and_then(|carrier| held.get(&carrier)) else { continue };
            let name = spelled(&read.from);
            let message = format!("a secret stands in {place}, handed on as `{name}`");
            sink.push(
                Diagnostic::error("plan::secret::exposed", read.span, message)
                    .label(label)
                    .also(*from, "the secret is read here")
                    .help(help),
            );
        }
    }
}

/// Returns a name as it is written.
fn spelled(from: &SlotSource) -> String {
    match from {
        SlotSource::Let(name) => format!("let.{name}"),
        SlotSource::Param(name) => format!("params.{name}"),
        SlotSource::BeforeCapture { step, name } => format!("before.{step}.{name}"),
        SlotSource::UserCapture { step, name } => format!("user.{step}.{name}"),
        SlotSource::Capture { step, name } => format!("{step}.{name}"),
        _ => String::new(),
    }
}

/// Returns where a secret would show, what the matter is, and what to do instead; `None` where it may stand.
fn exposes(site: Site) -> Option<(&'static str, &'static str, &'static str)> {
    const URLS: &str = "URLs end in logs";
    const NAMES: &str = "names end in logs and reports";
    const SEND: &str = "send it in a header or a body, or send a signature: `hmac_sha256(x)`";
    Some(match site {
        Site::BaseUrl => ("an endpoint's address", URLS, SEND),
        Site::Path => ("a path", URLS, SEND),
        Site::Query => ("a query", URLS, SEND),
        Site::Page => ("the address of a page", URLS, "type it into a field: `fill`"),
        Site::Channel => ("the name of a channel", NAMES, "send it in a header or a body"),
        Site::Label => ("a label", NAMES, "leave it out: labels are stored and shown"),
        Site::Statement => (
            "a statement",
            "statements end in logs",
            "put a placeholder there and the secret under `params`",
        ),
        Site::Command => {
            ("a command", "everybody on the node can list it", "give it under `env`, or as input")
        }
        Site::Setting
        | Site::Header
        | Site::Body
        | Site::Expect
        | Site::Var
        | Site::Condition
        | Site::Value
        | Site::Fixed => {
            return None;
        }
    })
}
