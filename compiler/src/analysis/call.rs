//! (pure) Calls of transactions: they exist, are handed what they ask for, end, and read only what is known there.

use std::collections::BTreeMap;

use crate::analysis::place::{self, Where};
use crate::analysis::{endpoint_uses, lists, with_called};
use crate::artifact::SlotSource;
use crate::artifact::limits::EXPANDED_MAX;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::model::{Block, Handed, Plan, StepList, StepPlan, TransactionPlan, Use, too_much};
use crate::source::Span;

/// Checks every call; `ends` says whether no transaction calls itself.
pub(super) fn check(plan: &Plan, ends: bool, sink: &mut Diagnostics) {
    for step in lists(plan).flat_map(StepList::all) {
        if let Some(Block::Call { transaction, with, span }) = &step.block {
            match plan.transactions.get(&transaction.value) {
                Some(item) => {
                    if let Some(called) = &item.value {
                        handed(called, &transaction.value, item.span, (with, *span), sink);
                    }
                }
                None if plan.transactions.complete => {
                    let help = match did_you_mean(&transaction.value, plan.transactions.names()) {
                        Some(close) => format!("did you mean `{close}`?"),
                        None => "declare it under `transactions` at the top of the plan".to_owned(),
                    };
                    let name = &transaction.value;
                    let message = format!("the plan declares no transaction `{name}`");
                    sink.push(
                        Diagnostic::error("plan::transaction::unknown", transaction.span, message)
                            .label("unknown transaction")
                            .help(help),
                    );
                }
                None => {}
            }
        }
    }
    around(plan, sink);
    if ends {
        expanded(plan, sink);
    }
}

/// Checks what a call hands over against what the transaction asks for.
fn handed(
    called: &TransactionPlan,
    name: &str,
    declared: Span,
    (with, span): (&[Handed], Span),
    sink: &mut Diagnostics,
) {
    const ARGUMENTS: &str = "plan::transaction::arguments";
    for given in with {
        let known = || called.params.iter().map(|param| param.value.as_str());
        if known().any(|known| known == given.name) || !called.params_whole {
            continue;
        }
        let help = match did_you_mean(&given.name, known()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("leave it out, or add it to the `params` of `{name}`"),
        };
        let message = format!("`{name}` has no param `{}`", given.name);
        let found = Diagnostic::error(ARGUMENTS, given.span, message).label("unknown param");
        sink.push(found.also(declared, "the transaction").help(help));
    }
    // A param that is missing may be the one that is misspelled.
    let misspelled =
        with.iter().any(|given| !called.params.iter().any(|param| param.value == given.name));
    let missing = called.params.iter().filter(|p| !with.iter().any(|given| given.name == p.value));
    let missing: Vec<_> = missing.filter(|_| !misspelled).collect();
    let Some(first) = missing.first() else { return };
    let names: Vec<String> = missing.iter().map(|param| format!("`{}`", param.value)).collect();
    let message = format!("`{name}` is called without {}", names.join(", "));
    sink.push(
        Diagnostic::error(ARGUMENTS, span, message)
            .label("hands over too little")
            .also(first.span, "asked for here")
            .help(format!("hand it over: `with: {{ {}: … }}`", first.value)),
    );
}

/// Checks what transactions and endpoints read where they are used around the run, which has no arrival.
fn around(plan: &Plan, sink: &mut Diagnostics) {
    let mut places = vec![(Where::Before, &plan.before), (Where::After, &plan.after)];
    let users = plan.scenarios.whole();
    places.extend(users.map(|(_, s)| (Where::EachUser, &s.before_each_user)));
    for (place, list) in places {
        for step in list.all() {
            let Some(Block::Call { transaction, .. }) = &step.block else { continue };
            let mut reached = Vec::new();
            reach(plan, &transaction.value, &mut reached);
            let read = reached
                .into_iter()
                .flat_map(reads)
                .find(|read| absent(plan, place, read).is_some());
            if let Some((read, (what, _))) = read.and_then(|r| Some((r, absent(plan, place, r)?))) {
                let name = &transaction.value;
                let message =
                    format!("`{name}` reads {what}, which {} does not have", place.name());
                sink.push(
                    Diagnostic::error("plan::template::place", transaction.span, message)
                        .label("called here")
                        .also(read.span, "read here")
                        .help("hand it over as a param, or call it from a scenario"),
                );
            }
        }
        for read in endpoint_uses(plan, &with_called(plan, list.all())) {
            if let Some((what, _)) = absent(plan, place, read) {
                let message = format!("this endpoint reads {what}, and {} uses it", place.name());
                sink.push(
                    Diagnostic::error("plan::template::place", read.span, message)
                        .label("not known there")
                        .help("give those steps an endpoint of their own"),
                );
            }
        }
    }
}

fn absent(plan: &Plan, place: Where<'_>, read: &Use) -> Option<(&'static str, &'static str)> {
    // What a transaction is handed, captures and iterates is its own.
    let own = matches!(read.from, SlotSource::Param(_) | SlotSource::Capture { .. });
    if own { None } else { place::absent(plan, &read.from, place) }
}

/// Returns everything that a transaction reads itself.
fn reads(transaction: &TransactionPlan) -> Vec<&Use> {
    let returns = transaction.returns.iter().flat_map(|value| &value.uses);
    transaction.list.uses().chain(returns).collect()
}

/// Adds the transaction `name` and all that it calls, each once.
fn reach<'a>(plan: &'a Plan, name: &str, reached: &mut Vec<&'a TransactionPlan>) {
    let Some(transaction) = plan.transactions.value(name) else { return };
    if reached.iter().any(|known| std::ptr::eq(*known, transaction)) {
        return;
    }
    reached.push(transaction);
    for step in transaction.list.all() {
        if let Some(Block::Call { transaction, .. }) = &step.block {
            reach(plan, &transaction.value, reached);
        }
    }
}

/// Returns the transactions that the steps of `lists` call, and those that these call, each once.
pub(super) fn reached<'a>(plan: &'a Plan, steps: &[&StepPlan]) -> Vec<&'a TransactionPlan> {
    let mut reached = Vec::new();
    for step in steps {
        if let Some(Block::Call { transaction, .. }) = &step.block {
            reach(plan, &transaction.value, &mut reached);
        }
    }
    reached
}

/// Reports steps that are too many once calls are written out.
fn expanded(plan: &Plan, sink: &mut Diagnostics) {
    let mut known = BTreeMap::new();
    let own = [&plan.before, &plan.after].into_iter();
    let scenarios = plan.scenarios.whole();
    let scenarios = scenarios.flat_map(|(_, s)| [&s.before_each_user, &s.transaction]);
    let transactions = plan.transactions.whole().map(|(_, transaction)| &transaction.list);
    for list in transactions.chain(own).chain(scenarios) {
        if count(plan, list, &mut known) <= EXPANDED_MAX {
            continue;
        }
        let calls = |step: &&StepPlan| matches!(step.block, Some(Block::Call { .. }));
        let span = list.all().into_iter().find(calls).map(|step| step.span);
        sink.push(too_much(
            "steps in one scenario with those that it calls",
            EXPANDED_MAX,
            span.unwrap_or(plan.span),
        ));
        return;
    }
}

/// Returns how many steps a list has with those that it calls; no transaction calls itself.
fn count<'a>(plan: &'a Plan, list: &'a StepList, known: &mut BTreeMap<&'a str, u64>) -> u64 {
    let mut total: u64 = 0;
    for step in list.all() {
        total = total.saturating_add(1);
        let Some(Block::Call { transaction, .. }) = &step.block else { continue };
        let name = transaction.value.as_str();
        let inner = match (known.get(name), plan.transactions.value(name)) {
            (Some(known), _) => *known,
            (None, Some(called)) => {
                let inner = count(plan, &called.list, known);
                known.insert(name, inner);
                inner
            }
            (None, None) => 0,
        };
        total = total.saturating_add(inner);
    }
    total
}
