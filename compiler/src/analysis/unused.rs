//! (pure) What nothing uses: warnings, given only for a plan without errors.

use std::collections::BTreeSet;

use crate::analysis::included::{self, Used};
use crate::analysis::{endpoint_of, lists, name, whole};
use crate::artifact::SlotSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, Plan, Section, StepList, TransactionPlan, Use};
use crate::source::{FileId, Span};

pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    let mut read: [BTreeSet<&str>; 3] = Default::default();
    for each in name::uses(plan) {
        match &each.from {
            SlotSource::Var(name) => read[0].insert(name),
            SlotSource::Secret(name) => read[1].insert(name),
            SlotSource::Data { data, .. } => read[2].insert(data),
            _ => false,
        };
    }
    read[0].extend(plan.placeholders.iter().map(String::as_str));
    let [vars, secrets, data] = read;
    let steps = || lists(plan).flat_map(StepList::all);
    let endpoints = steps().filter_map(endpoint_of).collect();
    let called = steps().filter_map(|step| match &step.block {
        Some(Block::Call { transaction, .. }) => Some(transaction.value.as_str()),
        _ => None,
    });
    let called = called.collect();
    section(&plan.vars, "plan::variable::unused", "var", &vars, sink);
    section(&plan.secrets, "plan::secret::unused", "secret", &secrets, sink);
    section(&plan.data, "plan::data::unused", "data", &data, sink);
    section(&plan.endpoints, "plan::endpoint::unused", "endpoint", &endpoints, sink);
    section(&plan.transactions, "plan::transaction::unused", "transaction", &called, sink);
    let used = Used { data: &data, endpoints: &endpoints, transactions: &called };
    included::parts(plan, &used, sink);
    included::groups(plan, sink);
    let mut before = captured(name::uses(plan), |from| match from {
        SlotSource::BeforeCapture { step, name } => Some((step, name)),
        _ => None,
    });
    before.extend(plan.data.whole().filter_map(|(_, data)| data.list()));
    captures(&plan.before, &read_inside(&plan.before, &[]), &before, sink);
    captures(&plan.after, &read_inside(&plan.after, &[]), &BTreeSet::new(), sink);
    for (_, called) in plan.transactions.whole() {
        let returns: Vec<&Use> = called.returns.iter().flat_map(|value| &value.uses).collect();
        captures(&called.list, &read_inside(&called.list, &returns), &BTreeSet::new(), sink);
        params(called, &returns, sink);
    }
    for (_, scenario) in whole(plan) {
        let lets: Vec<&Use> = scenario.lets.iter().flat_map(|value| &value.uses).collect();
        let uses = || scenario.transaction.uses().chain(lets.iter().copied());
        let users = captured(uses(), |from| match from {
            SlotSource::UserCapture { step, name } => Some((step, name)),
            _ => None,
        });
        let list = &scenario.before_each_user;
        captures(list, &read_inside(list, &[]), &users, sink);
        let list = &scenario.transaction;
        captures(list, &read_inside(list, &[]), &BTreeSet::new(), sink);
        for value in &scenario.lets {
            if !uses().any(|read| read.from == SlotSource::Let(value.name.clone())) {
                let message = format!("nothing reads `let.{}`", value.name);
                sink.push(unread("plan::variable::unused", value.span, message));
            }
        }
    }
}

type Captures<'a> = BTreeSet<(&'a str, &'a str)>;

/// Returns the captures that `pick` finds among what is read.
fn captured<'a>(
    uses: impl Iterator<Item = &'a Use>,
    pick: impl Fn(&'a SlotSource) -> Option<(&'a String, &'a String)>,
) -> Captures<'a> {
    uses.filter_map(|read| pick(&read.from))
        .map(|(step, name)| (step.as_str(), name.as_str()))
        .collect()
}

/// Returns the captures that the steps of `list` read of each other, and those of `more`.
fn read_inside<'a>(list: &'a StepList, more: &[&'a Use]) -> Captures<'a> {
    captured(list.uses().chain(more.iter().copied()), |from| match from {
        SlotSource::Capture { step, name } => Some((step, name)),
        _ => None,
    })
}

fn captures(
    list: &StepList,
    inside: &Captures<'_>,
    outside: &Captures<'_>,
    sink: &mut Diagnostics,
) {
    for step in list.all() {
        for capture in &step.captures {
            let key = (step.name.as_str(), capture.name.as_str());
            if inside.contains(&key) || outside.contains(&key) {
                continue;
            }
            let message = format!("nothing reads `{}.{}`", step.name, capture.name);
            let help =
                "read it in a later step or leave it out; an `expect` checks without keeping";
            sink.push(
                Diagnostic::warning("plan::capture::unused", capture.span, message)
                    .label("never read")
                    .help(help),
            );
        }
    }
}

fn params(called: &TransactionPlan, returns: &[&Use], sink: &mut Diagnostics) {
    for param in &called.params {
        let from = SlotSource::Param(param.value.clone());
        let mut uses = called.list.uses().chain(returns.iter().copied());
        if !uses.any(|read| read.from == from) {
            let message = format!("nothing reads `params.{}`", param.value);
            sink.push(unread("plan::transaction::parameter", param.span, message));
        }
    }
}

fn unread(code: &'static str, span: Span, message: String) -> Diagnostic {
    Diagnostic::warning(code, span, message).label("never read").help("read it or leave it out")
}

/// Reports what the plan itself declares and does not use.
fn section<T>(
    section: &Section<T>,
    code: &'static str,
    what: &str,
    used: &BTreeSet<&str>,
    sink: &mut Diagnostics,
) {
    let own = section.items.iter().filter(|item| item.span.file == FileId::PLAN);
    for item in own.filter(|item| !used.contains(item.name.as_str())) {
        let message = format!("nothing uses the {what} `{}`", item.name);
        sink.push(
            Diagnostic::warning(code, item.span, message)
                .label("never used")
                .help("use it or leave it out"),
        );
    }
}
