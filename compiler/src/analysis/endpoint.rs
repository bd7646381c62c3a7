//! (pure) Endpoints and sinks: addresses, what their settings may read, and secrets that would show in logs.

use std::collections::BTreeMap;

use crate::analysis::{address, lists, name};
use crate::artifact::{Filter, Json, Piece, Slot, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Address, Block, Plan, Site, StepList, Use, misplaced};
use crate::source::Span;

/// Vars by name.
type Vars<'p> = BTreeMap<&'p str, &'p Json>;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
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
    let vars: Vars<'_> = plan.vars.whole().map(|(var, value)| (var.name.as_str(), value)).collect();
    let mut variants = vec![(None, vars.clone())];
    for (item, group) in plan.nodes.groups.whole() {
        if !group.vars.is_empty() {
            let mut own = vars.clone();
            own.extend(group.vars.iter().map(|(name, value)| (name.as_str(), value)));
            variants.push((Some(item.name.as_str()), own));
        }
    }
    handed_on(plan, sink);
    for (_, endpoint) in plan.endpoints.whole() {
        places(&endpoint.uses, sink);
        for address in &endpoint.addresses {
            judge(address, &variants, sink);
        }
    }
    // Sinks are written by the coordinator, which is in no group.
    for (_, metrics) in plan.sinks.whole() {
        places(&metrics.uses, sink);
        for address in &metrics.addresses {
            judge(address, &variants[..1], sink);
        }
    }
}

/// Reports secrets that end where they show over a value of `let` or a param.
fn handed_on(plan: &Plan, sink: &mut Diagnostics) {
    let in_sight = |read: &&Use| exposes(read.site).is_some();
    let exposed = |read: &Use, from: Span, name: &str, sink: &mut Diagnostics| {
        let Some((place, label, help)) = exposes(read.site) else { return };
        let message = format!("a secret stands in {place}, handed on as `{name}`");
        sink.push(
            Diagnostic::error("plan::secret::exposed", read.span, message)
                .label(label)
                .also(from, "the secret is read here")
                .help(help),
        );
    };
    let secret = |read: &Use| matches!(read.from, SlotSource::Secret(_)) && !read.inside;
    for (_, scenario) in plan.scenarios.whole() {
        for value in &scenario.lets {
            let Some(from) = value.uses.iter().find(|read| secret(read)) else { continue };
            let source = SlotSource::Let(value.name.clone());
            let mut reads = scenario.transaction.uses().filter(in_sight);
            if let Some(read) = reads.find(|read| read.from == source) {
                exposed(read, from.span, &format!("let.{}", value.name), sink);
            }
        }
    }
    for step in lists(plan).flat_map(StepList::all) {
        let Some(Block::Call { transaction, with, .. }) = &step.block else { continue };
        let Some(called) = plan.transactions.value(&transaction.value) else { continue };
        for given in with.iter().filter(|given| given.value.as_ref().is_some_and(holds_secret)) {
            let source = SlotSource::Param(given.name.clone());
            if let Some(read) = called.list.uses().filter(in_sight).find(|read| read.from == source)
            {
                exposed(read, given.span, &format!("params.{}", given.name), sink);
            }
        }
    }
}

/// Returns whether a value holds a secret that is not signed with alone.
fn holds_secret(json: &Json) -> bool {
    let slot = |slot: &Slot| {
        let signed = |filter: &Filter| matches!(filter, Filter::HmacSha256(_));
        matches!(slot.from, SlotSource::Secret(_)) && !slot.filters.iter().any(signed)
    };
    match json {
        Json::Slot(only) => slot(only),
        Json::Text(text) => text.0.iter().any(|piece| match piece {
            Piece::Slot(one) => slot(one),
            Piece::Literal(_) => false,
        }),
        Json::List(items) => items.iter().any(holds_secret),
        Json::Object(fields) => fields.iter().any(|(_, value)| holds_secret(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
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

/// Checks what templates of settings read: they are rendered once on a node, and headers of an endpoint know no step.
fn places(uses: &[Use], sink: &mut Diagnostics) {
    // What is unknown as well has been reported.
    let unknown: Vec<bool> = uses.iter().map(|read| sink.touches(read.span)).collect();
    for (read, _) in uses.iter().zip(unknown).filter(|(_, unknown)| !unknown) {
        let bad = match (&read.from, read.site) {
            (SlotSource::Var(_) | SlotSource::Secret(_), _) => continue,
            (_, Site::BaseUrl) => misplaced(
                read.span,
                "this name",
                "an endpoint's address",
                "an address is the same for every arrival: only vars are known here",
            ),
            (_, Site::Setting | Site::Label) => misplaced(
                read.span,
                "this name",
                "a setting",
                "a connection is opened once on a node, for all arrivals: only vars and secrets are known here",
            ),
            (
                SlotSource::UserCapture { .. }
                | SlotSource::Let(_)
                | SlotSource::Param(_)
                | SlotSource::Item,
                _,
            ) => misplaced(
                read.span,
                "this name",
                "an endpoint's headers",
                "an endpoint serves every scenario: write this header in the steps that know it",
            ),
            (SlotSource::Capture { .. }, _) => misplaced(
                read.span,
                "a capture",
                "an endpoint's headers",
                "an endpoint serves every step: write this header in the steps that come after the capture",
            ),
            _ => continue,
        };
        sink.push(bad);
    }
}

/// Checks an address as it is with the plan's vars, and with those of each group.
fn judge(address: &Address, variants: &[(Option<&str>, Vars<'_>)], sink: &mut Diagnostics) {
    if sink.touches(address.span) {
        return;
    }
    for (group, vars) in variants {
        let Some(url) = address::render(&address.text, vars) else { continue };
        if address::has_password(&url) {
            let message = "a password is written into the address";
            let found = Diagnostic::error("plan::secret::literal", address.span, message);
            sink.push(found.label("everybody who has the plan can read it").help(
                "declare it under `secrets` and put it in: `user:{{ secrets.password }}@host`",
            ));
            return;
        }
        let checked = match address.base_url {
            true => address::check_origin(&url),
            false => address::check(&url, address.schemes),
        };
        let Err(what) = checked else { continue };
        let whose = group.map_or(String::new(), |name| format!(" in the group `{name}`"));
        let shown = url.replace(address::SECRET, "…");
        let message = format!("`{shown}` is no address{whose}: {what}");
        let (code, help) = match address.base_url {
            true => (
                "plan::endpoint::base-url",
                "write scheme, host and port, and the start of every path if there is one: `http://127.0.0.1:8080`".to_owned(),
            ),
            false => ("plan::endpoint::address", format!("write it as in `{}`", address.example)),
        };
        sink.push(
            Diagnostic::error(code, address.span, message).label("not an address").help(help),
        );
        return;
    }
}
