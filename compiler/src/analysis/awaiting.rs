//! (pure) Awaits: what each counts from, whether it can end in time, and whether it can tell its own event from others'.

use std::collections::BTreeMap;

use crate::artifact::{
    Action, Aggregate, AwaitAction, AwaitSource, Bound, Channel, Metric, Piece, SlotSource, Text,
};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::graph::Dag;
use crate::model::{AwaitPlan, Named, Plan, ScenarioPlan, StepPlan};
use crate::unit::Length;

/// For each await, by name, the step that it counts from.
pub(super) type Since = BTreeMap<String, String>;

/// Checks the awaits of a scenario.
pub(super) fn check(
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    dag: &Dag,
    sink: &mut Diagnostics,
) -> Since {
    let steps = &scenario.transaction.steps;
    let mut since = Since::new();
    for (at, step) in steps.iter().enumerate() {
        let Some(plan) = &step.awaiting else { continue };
        let from = counts_from(scenario, at, plan, dag, sink);
        since.extend(from.map(|from| (step.name.clone(), from)));
        if let Some(Action::Await(action)) = &step.action {
            ends_in_time(item, scenario, action, plan, sink);
            is_its_own(action, plan, sink);
        }
    }
    since
}

/// Returns the step that the await at `at` counts from: the one it names, or the nearest that sends.
fn counts_from(
    scenario: &ScenarioPlan,
    at: usize,
    plan: &AwaitPlan,
    dag: &Dag,
    sink: &mut Diagnostics,
) -> Option<String> {
    let steps = &scenario.transaction.steps;
    let before: Vec<usize> = (0..steps.len())
        .filter(|other| dag.is_before(*other, at) && !steps[*other].is_wait())
        .collect();
    if let Some(named) = &plan.since {
        if let Some(from) = before.iter().find(|other| steps[**other].name == named.value) {
            return Some(steps[*from].name.clone());
        }
        let known = steps.iter().find(|step| step.name == named.value);
        if known.is_none() && !scenario.transaction.complete {
            return None;
        }
        sink.push(bad_since(steps, &before, (&named.value, named.span), known));
        return None;
    }
    let nearest: Vec<usize> = before
        .iter()
        .copied()
        .filter(|one| !before.iter().any(|other| dag.is_before(*one, *other)))
        .collect();
    match nearest.as_slice() {
        [one] => Some(steps[*one].name.clone()),
        [] if !scenario.transaction.complete || steps.iter().any(|step| step.action.is_none()) => {
            None
        }
        [] => {
            let message = "nothing is sent before this await, so there is nothing to count from";
            sink.push(
                Diagnostic::error("plan::await::no-sender", plan.key, message)
                    .label("counts from what?")
                    .help("put the step that causes the event before it, or name it under `needs`"),
            );
            None
        }
        [first, second, ..] => {
            let (first, second) = (&steps[*first], &steps[*second]);
            let message =
                format!("this await may count from `{}` or from `{}`", first.name, second.name);
            sink.push(
                Diagnostic::error("plan::await::since", plan.key, message)
                    .label("counts from which?")
                    .also(first.span, "this one comes before it")
                    .also(second.span, "and so does this one")
                    .help(format!("say which: `since: {}`", first.name)),
            );
            None
        }
    }
}

fn bad_since(
    steps: &[StepPlan],
    before: &[usize],
    (name, span): (&str, crate::source::Span),
    known: Option<&StepPlan>,
) -> Diagnostic {
    let mut names = before.iter().map(|at| steps[*at].name.as_str());
    let (message, label, help) = match known {
        None => {
            let help = match did_you_mean(name, names.clone()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "name a step that sends something before this await".to_owned(),
            };
            (format!("there is no step `{name}` to count from"), "unknown step", help)
        }
        Some(step) if step.is_wait() => {
            let help = "name the step that sends what causes the event".to_owned();
            (format!("`{name}` sends nothing to count from"), "only lets time pass", help)
        }
        Some(_) => {
            let help = match names.next_back() {
                Some(last) => format!(
                    "name a step that comes before it, such as `{last}`, or add `{name}` to its `needs`"
                ),
                None => format!("add `{name}` to the `needs` of this await"),
            };
            (format!("`{name}` is not sure to come before this await"), "not before it", help)
        }
    };
    let mut found = Diagnostic::error("plan::await::since", span, message).label(label);
    if let Some(step) = known {
        found = found.also(step.span, "this step");
    }
    found.help(help)
}

fn ends_in_time(
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    action: &AwaitAction,
    plan: &AwaitPlan,
    sink: &mut Diagnostics,
) {
    let limits = [("timeout", scenario.timeout_ns), ("graceful_stop", scenario.graceful_stop_ns)];
    // A `graceful_stop` of 0 is a wish to stop at once, a `timeout` of 0 is none.
    let short = limits.iter().find(|(_, length)| *length > 0 && *length < action.within_ns);
    let Some((key, length)) = short else { return };
    let message = format!(
        "this await may take {}, longer than the `{key}` of `{}`, {}",
        Length(action.within_ns),
        item.name,
        Length(*length)
    );
    let what = match *key {
        "timeout" => "the transaction is cut before it ends",
        _ => "the last ones are cut before they end, and count as unfinished",
    };
    sink.push(
        Diagnostic::warning("plan::await::within", plan.within, message)
            .label(what)
            .also(item.span, "the scenario")
            .help(format!(
                "write a shorter `within`, or a `{key}` of at least {}",
                Length(action.within_ns)
            )),
    );
}

/// Checks that each arrival waits for an event of its own.
fn is_its_own(action: &AwaitAction, plan: &AwaitPlan, sink: &mut Diagnostics) {
    let AwaitSource::Message { channel, matching, count, distinct: _ } = &action.source else {
        return;
    };
    if names(channel).iter().any(|name| varies(name)) || *count == 0 {
        return;
    }
    match (matching, plan.equals) {
        (Some(matching), Some(span)) if !varies(&matching.equals) => {
            let message = "every arrival waits for the same value here";
            sink.push(
                Diagnostic::error("plan::await::not-unique", span, message)
                    .label("the same for all arrivals")
                    .help("compare with what is the arrival's own: a capture, data, or `{{ arrival.id }}`; one event would end all of them"),
            );
        }
        (None, _) => {
            let message =
                "this await takes any message of its channel, whichever arrival it is for";
            sink.push(
                Diagnostic::warning("plan::await::not-unique", plan.key, message)
                    .label("matches every message")
                    .help("add `match`, such as `match: { json: \"$.order_id\", equals: \"{{ order.id }}\" }`"),
            );
        }
        _ => {}
    }
}

/// Warns of bounds on the response of a transaction that one of its awaits alone may exceed.
pub(super) fn thresholds(plan: &Plan, sink: &mut Diagnostics) {
    for (item, threshold) in plan.thresholds.whole() {
        let upper = matches!(threshold.require.bound, Bound::Less | Bound::AtMost);
        let high = match threshold.require.metric {
            Metric::Response(Aggregate::Percentile(_) | Aggregate::Max) => upper,
            _ => false,
        };
        let named = threshold.scenario.as_ref().map(|name| name.value.as_str());
        if !high || threshold.step.is_some() {
            continue;
        }
        let limit_ns = threshold.require.value.saturating_mul(1_000);
        let scenarios = plan.scenarios.whole();
        let judged = scenarios.filter(|(item, _)| named.is_none_or(|n| n == "*" || n == item.name));
        let steps = judged.flat_map(|(_, scenario)| &scenario.transaction.steps);
        let longest = steps
            .filter_map(|step| match &step.action {
                Some(Action::Await(action)) => Some((step.awaiting.as_ref()?, action.within_ns)),
                _ => None,
            })
            .max_by_key(|(_, within_ns)| *within_ns)
            .filter(|(_, within_ns)| *within_ns > limit_ns);
        let Some((plan, within_ns)) = longest else { continue };
        let message = format!(
            "`{}` allows less time than one await alone may take, {}",
            item.name,
            Length(within_ns)
        );
        sink.push(
            Diagnostic::warning("plan::threshold::await", threshold.text.span, message)
                .label("for the whole transaction")
                .also(plan.within, "for this await alone")
                .help("write a shorter `within`, so that a late event fails its step, or allow more time"),
        );
    }
}

/// Returns the names of a channel.
fn names(channel: &Channel) -> Vec<&Text> {
    match channel {
        Channel::Nats { subject } => vec![subject],
        Channel::Kafka { topic, key: _, partition: _ } => vec![topic],
        Channel::AmqpExchange { exchange, routing_key } => vec![exchange, routing_key],
        Channel::AmqpQueue { queue } => vec![queue],
        Channel::Mqtt { topic, qos: _, retain: _ } => vec![topic],
        Channel::RedisStream { stream } => vec![stream],
        Channel::RedisChannel { channel } => vec![channel],
    }
}

/// Returns whether a text can differ between two arrivals.
fn varies(text: &Text) -> bool {
    text.0.iter().any(|piece| match piece {
        Piece::Literal(_) => false,
        Piece::Slot(slot) => !matches!(
            slot.from,
            SlotSource::Var(_)
                | SlotSource::Secret(_)
                | SlotSource::GroupName
                | SlotSource::RunId
                | SlotSource::Seed
        ),
    })
}
