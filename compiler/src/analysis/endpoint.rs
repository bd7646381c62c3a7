//! (pure) Endpoints and URLs: what may stand in a `base_url`, and secrets that would show in logs.

use std::collections::BTreeMap;

use crate::analysis::{lists, name};
use crate::artifact::{Filter, Json, Piece, Slot, SlotSource, Text};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, Endpoint, Plan, Site, StepList, Use, misplaced, scalar};
use crate::source::Span;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for read in name::uses(plan) {
        let place = match read.site {
            Site::BaseUrl => "a `base_url`",
            Site::Path => "a path",
            Site::Query => "a query",
            Site::Header
            | Site::Body
            | Site::Expect
            | Site::Var
            | Site::Condition
            | Site::Value
            | Site::Fixed => continue,
        };
        if let SlotSource::Secret(secret) = &read.from
            && !read.inside
            && plan.secrets.get(secret).is_some()
        {
            let message = format!("the secret `{secret}` stands in {place}");
            let found = Diagnostic::error("plan::secret::exposed", read.span, message);
            sink.push(
                found
                    .label("URLs end in logs")
                    .help("send it in a header or a body, or send a signature: `hmac_sha256(x)`"),
            );
        }
    }
    handed_on(plan, sink);
    for (_, endpoint) in plan.endpoints.whole() {
        let whole = places(endpoint, sink);
        if whole && !sink.touches(endpoint.base_url) {
            base_url(plan, endpoint, sink);
        }
    }
}

/// Reports secrets that end in a URL over a value of `let` or a param.
fn handed_on(plan: &Plan, sink: &mut Diagnostics) {
    let in_url = |read: &&Use| matches!(read.site, Site::Path | Site::Query);
    let exposed = |read: &Use, from: Span, name: &str, sink: &mut Diagnostics| {
        let message = format!("a secret stands in a URL, handed on as `{name}`");
        sink.push(
            Diagnostic::error("plan::secret::exposed", read.span, message)
                .label("URLs end in logs")
                .also(from, "the secret is read here")
                .help("send it in a header or a body, or send a signature: `hmac_sha256(x)`"),
        );
    };
    let secret = |read: &Use| matches!(read.from, SlotSource::Secret(_)) && !read.inside;
    for (_, scenario) in plan.scenarios.whole() {
        for value in &scenario.lets {
            let Some(from) = value.uses.iter().find(|read| secret(read)) else { continue };
            let source = SlotSource::Let(value.name.clone());
            let mut reads = scenario.transaction.uses().filter(in_url);
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
            if let Some(read) = called.list.uses().filter(in_url).find(|read| read.from == source) {
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

/// Checks what an endpoint's templates read: its address knows vars only, its headers know no step.
fn places(endpoint: &Endpoint, sink: &mut Diagnostics) -> bool {
    let mut whole = true;
    for read in &endpoint.uses {
        let bad = match (&read.from, read.site) {
            (SlotSource::Var(_) | SlotSource::Secret(_), _) => continue,
            (_, Site::BaseUrl) => misplaced(
                read.span,
                "this name",
                "a `base_url`",
                "an address is the same for every arrival: only vars are known here",
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
        whole = false;
        sink.push(bad);
    }
    whole
}

/// Checks the address as it is with the plan's vars, and with those of each group.
fn base_url(plan: &Plan, endpoint: &Endpoint, sink: &mut Diagnostics) {
    let vars: BTreeMap<&str, &Json> =
        plan.vars.whole().map(|(var, value)| (var.name.as_str(), value)).collect();
    let mut variants = vec![(None, vars.clone())];
    for (item, group) in plan.nodes.groups.whole() {
        if !group.vars.is_empty() {
            let mut own = vars.clone();
            own.extend(group.vars.iter().map(|(name, value)| (name.as_str(), value)));
            variants.push((Some(item.name.as_str()), own));
        }
    }
    for (group, vars) in variants {
        let Some(url) = render(&endpoint.http.base_url, &vars) else { continue };
        let Err(what) = check_url(&url) else { continue };
        let whose = group.map_or(String::new(), |name| format!(" in the group `{name}`"));
        let message = format!("`{url}` is no address{whose}: {what}");
        let found = Diagnostic::error("plan::endpoint::base-url", endpoint.base_url, message);
        sink.push(found.label("not an address").help(
            "write scheme, host and port, and the start of every path if there is one: `http://127.0.0.1:8080`",
        ));
        return;
    }
}

/// Puts vars in; `None` where one is missing or has filters.
fn render(text: &Text, vars: &BTreeMap<&str, &Json>) -> Option<String> {
    let mut out = String::new();
    for piece in &text.0 {
        match piece {
            Piece::Literal(literal) => out.push_str(literal),
            Piece::Slot(slot) => match &slot.from {
                SlotSource::Var(name) if slot.filters.is_empty() => {
                    out.push_str(&scalar(vars.get(name.as_str())?)?);
                }
                _ => return None,
            },
        }
    }
    Some(out)
}

/// Checks `http(s)://host[:port][/prefix]`.
fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
        .ok_or("it does not begin with `http://` or `https://`")?;
    let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if url.contains(['?', '#']) {
        return Err("it has a query or fragment");
    }
    if authority.contains('@') {
        return Err("it holds a user name");
    }
    if !prefix.chars().all(|c| c.is_ascii_graphic()) {
        return Err("its path holds a character that no URL can");
    }
    // The last colon outside of the brackets of an IPv6 address.
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => {
            (&authority[..at], Some(&authority[at + 1..]))
        }
        _ => (authority, None),
    };
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err("its port is not a number from 1 to 65535");
    }
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good = if bracketed {
        host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.chars().all(name)
    };
    if good { Ok(()) } else { Err("it has no proper host") }
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn addresses_have_scheme_host_and_port() {
        for good in ["http://a", "https://a.b:8443/x/y", "http://[::1]:80", "http://127.0.0.1:1"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a:80",
            "ftp://a",
            "http://",
            "http://a:0",
            "http://a:x",
            "http://a:70000",
            "http://u@a",
            "http://a/?x",
            "http://a b",
            "http://[x]",
            "http://a/é",
            "http://]:1[",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
