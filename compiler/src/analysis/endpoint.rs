//! (pure) Endpoints and sinks: addresses, and what their settings may read.

use std::collections::BTreeMap;

use crate::analysis::address;
use crate::artifact::{Json, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Address, Plan, Site, Use, misplaced};

/// Vars by name.
type Vars<'p> = BTreeMap<&'p str, &'p Json>;

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    let vars: Vars<'_> = plan.vars.whole().map(|(var, value)| (var.name.as_str(), value)).collect();
    let mut variants = vec![(None, vars.clone())];
    for (item, group) in plan.nodes.groups.whole() {
        if !group.vars.is_empty() {
            let mut own = vars.clone();
            own.extend(group.vars.iter().map(|(name, value)| (name.as_str(), value)));
            variants.push((Some(item.name.as_str()), own));
        }
    }
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
