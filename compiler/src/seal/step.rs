//! (pure) Lists of steps become those of the artifact, with the needs that do not follow from others.

use std::collections::BTreeMap;

use crate::analysis::Since;
use crate::artifact::{
    Action, Branch, Call, Choose, Condition, ForEach, Let, Repeat, Step, Transaction,
};
use crate::graph::Flow;
use crate::model::{Block, ConditionPlan, StepList, StepPlan, TransactionPlan, ValuePlan};

/// Seals a list; `None` if a part is missing, which an error has reported.
pub(super) fn list(list: &StepList, flow: &Flow, since: &Since) -> Option<Vec<Step>> {
    let dag = flow.dag.as_ref()?;
    let sealed = list.steps.iter().zip(&flow.inner).zip(&dag.needs);
    sealed
        .map(|((step, inner), needs)| {
            let needs = needs.iter().map(|need| list.steps[*need].name.clone()).collect();
            one(step, inner, needs, since)
        })
        .collect()
}

fn one(step: &StepPlan, inner: &[Flow], needs: Vec<String>, since: &Since) -> Option<Step> {
    let captures = step.captures.iter().map(|capture| capture.capture.clone());
    let metrics = step.control.metrics.iter().map(|metric| metric.metric.clone());
    Some(Step {
        needs,
        timeout_ns: step.timeout_ns,
        expect: step.expect.clone(),
        capture: captures.collect::<Option<Vec<_>>>()?,
        when: condition(step.when.as_ref())?,
        on_fail: step.control.on_fail,
        retry: step.control.retry.clone(),
        metrics: metrics.collect::<Option<Vec<_>>>()?,
        split_by: step.control.split_by.clone(),
        ..Step::new(step.name.clone(), action(step, inner, since)?)
    })
}

/// Returns a condition that may be left out; `None` if it is broken.
fn condition(written: Option<&ConditionPlan>) -> Option<Option<Condition>> {
    match written {
        None => Some(None),
        Some(plan) => plan.condition.clone().map(Some),
    }
}

fn action(step: &StepPlan, inner: &[Flow], since: &Since) -> Option<Action> {
    match &step.block {
        None => plain(step, since),
        Some(Block::ForEach { list: items, body, .. }) => {
            let (list, steps) = (items.clone()?, list(body, inner.first()?, since)?);
            Some(Action::ForEach(ForEach { list, steps }))
        }
        Some(Block::Repeat { at_most, until, body, .. }) => {
            let steps = list(body, inner.first()?, since)?;
            let (at_most, until) = ((*at_most)?, condition(until.as_ref())?);
            Some(Action::Repeat(Repeat { at_most, until, steps }))
        }
        Some(Block::Choose { branches, .. }) => {
            let branches = branches.iter().zip(inner).map(|(branch, flow)| {
                let when = condition(branch.when.as_ref())?;
                let weight = branch.weight.map_or(0, |weight| weight.value);
                Some(Branch { when, weight, steps: list(&branch.body, flow, since)? })
            });
            Some(Action::Choose(Choose { branches: branches.collect::<Option<Vec<_>>>()? }))
        }
        Some(Block::Call { transaction, with, .. }) => {
            let with = with.iter().map(|given| Some((given.name.clone(), given.value.clone()?)));
            let with = with.collect::<Option<BTreeMap<_, _>>>()?;
            Some(Action::Call(Call { transaction: transaction.value.clone(), with }))
        }
    }
}

/// Seals an action that is no block; an await says from where it counts.
fn plain(step: &StepPlan, since: &Since) -> Option<Action> {
    let mut action = step.action.clone()?;
    if let Action::Await(wait) = &mut action {
        wait.since.clone_from(since.get(&step.awaiting.as_ref()?.number)?);
    }
    Some(action)
}

/// Seals a transaction that is called.
pub(super) fn transaction(
    called: &TransactionPlan,
    flow: &Flow,
    since: &Since,
) -> Option<Transaction> {
    let returns = called.returns.iter();
    let returns = returns.map(|value| Some((value.name.clone(), value.value.clone()?)));
    Some(Transaction {
        params: called.params.iter().map(|param| param.value.clone()).collect(),
        steps: list(&called.list, flow, since)?,
        returns: returns.collect::<Option<BTreeMap<_, _>>>()?,
    })
}

/// Seals values that are drawn once.
pub(super) fn lets(values: &[ValuePlan]) -> Option<Vec<Let>> {
    let one =
        |value: &ValuePlan| Some(Let { name: value.name.clone(), value: value.value.clone()? });
    values.iter().map(one).collect()
}
