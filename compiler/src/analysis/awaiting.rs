//! (pure) Awaits: what each counts from, whether it can end in time, and whether it can tell its own event from others'.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::reads::Flows;
use crate::analysis::{scenario_steps, with_called};
use crate::artifact::{
    Action, Aggregate, AwaitSource, Bound, Channel, Metric, Piece, SlotSource, Text,
};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::graph::Flow;
use crate::model::{AwaitPlan, Block, Named, Plan, ScenarioPlan, StepList, StepPlan};
use crate::source::Spanned;
use crate::unit::Length;

/// For each await, by its number, the step that it counts from.
pub type Since = BTreeMap<u32, String>;

/// Checks all awaits of the plan.
pub(super) fn check(plan: &Plan, flows: &Flows, sink: &mut Diagnostics) -> Since {
    let mut since = Since::new();
    let called = plan.transactions.items.iter().zip(&flows.transactions);
    let called =
        called.filter_map(|(item, flow)| Some((&item.value.as_ref()?.list, flow.as_ref()?)));
    let around = [(&plan.before, &flows.before), (&plan.after, &flows.after)];
    for (list, flow) in around.into_iter().chain(called) {
        let root = Level { list, flow, at: None, outer: None, observes: false };
        root.walk(&mut since, sink);
    }
    for (item, flow) in plan.scenarios.items.iter().zip(&flows.scenarios) {
        let (Some(scenario), Some((each_user, steps))) = (&item.value, flow) else { continue };
        let observes = scenario.observes;
        for (list, flow) in
            [(&scenario.before_each_user, each_user), (&scenario.transaction, steps)]
        {
            let root = Level { list, flow, at: None, outer: None, observes };
            root.walk(&mut since, sink);
        }
    }
    each_arrival(plan, sink);
    since
}

/// Checks the awaits of every scenario, those of the transactions that it calls among them; what runs around the run
/// waits once.
fn each_arrival(plan: &Plan, sink: &mut Diagnostics) {
    // A step that several scenarios call is told of once.
    let (mut late, mut shared) = (BTreeSet::new(), BTreeSet::new());
    for (item, scenario) in plan.scenarios.whole() {
        // What an observing scenario awaits first begins a transaction.
        let begins = scenario.transaction.steps.first().filter(|_| scenario.observes);
        for step in scenario_steps(plan, scenario) {
            let Some(wait) = &step.awaiting else { continue };
            if begins.is_some_and(|first| std::ptr::eq(first, step)) {
                continue;
            }
            if !late.contains(&wait.number) && ends_in_time(item, scenario, step, sink) {
                late.insert(wait.number);
            }
            if !scenario.observes && shared.insert(wait.number) {
                is_its_own(step, sink);
            }
        }
    }
}

/// A list of steps, with the lists that it stands in.
#[derive(Clone, Copy)]
struct Level<'a> {
    list: &'a StepList,
    flow: &'a Flow,
    /// The step that is looked at.
    at: Option<usize>,
    /// The list that the block of this one is in.
    outer: Option<&'a Level<'a>>,
    /// Whether the scenario sends nothing, so that its first await counts from its start.
    observes: bool,
}

impl Level<'_> {
    fn walk(self, since: &mut Since, sink: &mut Diagnostics) {
        for (at, step) in self.list.steps.iter().enumerate() {
            let here = Level { at: Some(at), ..self };
            if let Some(plan) = &step.awaiting {
                let from = here.counts_from(plan, sink);
                since.extend(from.map(|from| (plan.number, from)));
            }
            for (list, flow) in step.inner().into_iter().zip(&self.flow.inner[at]) {
                let inner = Level { list, flow, at: None, outer: Some(&here), ..self };
                inner.walk(since, sink);
            }
        }
    }

    /// Returns the steps of this list that send and are sure to have ended before.
    fn before(&self) -> Vec<usize> {
        let (Some(dag), Some(at)) = (&self.flow.dag, self.at) else { return Vec::new() };
        let steps = &self.list.steps;
        (0..steps.len())
            .filter(|other| dag.is_before(*other, at) && sends(&steps[*other]))
            .collect()
    }

    /// Returns this list and those around it, the innermost first.
    fn levels(&self) -> impl Iterator<Item = &Level<'_>> {
        std::iter::successors(Some(self), |level| level.outer)
    }

    /// Returns whether nothing that could come before was lost to an error.
    fn is_whole(&self) -> bool {
        self.levels().all(|level| level.flow.dag.is_some() && level.list.is_whole())
            && self.levels().all(|level| level.list.all().into_iter().all(is_known))
    }

    /// Returns the step that an await counts from: the one it names, or the nearest that sends.
    ///
    /// A block is counted from as a whole: from whatever was sent last in it.
    fn counts_from(&self, plan: &AwaitPlan, sink: &mut Diagnostics) -> Option<String> {
        if let Some(named) = &plan.since {
            return self.named(named, sink);
        }
        let Some((level, before)) =
            self.levels().map(|level| (level, level.before())).find(|(_, found)| !found.is_empty())
        else {
            if self.observes {
                return Some(String::new());
            }
            if self.is_whole() {
                sink.push(no_sender(plan));
            }
            return None;
        };
        let (dag, steps) = (level.flow.dag.as_ref()?, &level.list.steps);
        let mut nearest =
            before.iter().filter(|one| !before.iter().any(|other| dag.is_before(**one, *other)));
        let first = &steps[*nearest.next()?];
        let Some(second) = nearest.next() else { return Some(first.name.clone()) };
        let second = &steps[*second];
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

    /// Returns the step that `since` names, if it sends and comes before.
    fn named(&self, named: &Spanned<String>, sink: &mut Diagnostics) -> Option<String> {
        let name = named.value.as_str();
        let before: Vec<&StepPlan> = self
            .levels()
            .flat_map(|level| level.before().into_iter().map(|at| &level.list.steps[at]))
            .flat_map(|step| {
                let inner = step.inner().into_iter().flat_map(StepList::all);
                std::iter::once(step).chain(inner).collect::<Vec<_>>()
            })
            .filter(|step| sends(step))
            .collect();
        if before.iter().any(|step| step.name == name) {
            return Some(named.value.clone());
        }
        let root = self.levels().last().map_or_else(Vec::new, |level| level.list.all());
        let known = root.into_iter().find(|step| step.name == name);
        if known.is_some() || self.is_whole() {
            sink.push(bad_since(&before, named, known));
        }
        None
    }
}

/// Returns whether a step sends something, itself or inside of it.
fn sends(step: &StepPlan) -> bool {
    match (&step.block, &step.action) {
        (Some(Block::Call { .. }), _) => true,
        (Some(_), _) => step.inner().into_iter().any(|list| list.steps.iter().any(sends)),
        (None, Some(action)) => !matches!(action, Action::Wait(_)),
        // Broken: it may be anything.
        (None, None) => true,
    }
}

/// Returns whether it is known what a step does.
fn is_known(step: &StepPlan) -> bool {
    step.action.is_some() || step.block.is_some()
}

fn no_sender(plan: &AwaitPlan) -> Diagnostic {
    let message = "nothing is sent before this await, so there is nothing to count from";
    Diagnostic::error("plan::await::no-sender", plan.key, message)
        .label("counts from what?")
        .help("put the step that causes the event before it, or name it under `needs`")
}

fn bad_since(
    before: &[&StepPlan],
    named: &Spanned<String>,
    known: Option<&StepPlan>,
) -> Diagnostic {
    let name = &named.value;
    let mut names = before.iter().map(|step| step.name.as_str()).filter(|n| !n.starts_with('#'));
    let (message, label, help) = match known {
        None => {
            let help = match did_you_mean(name, names.clone()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "name a step that sends something before this await".to_owned(),
            };
            (format!("there is no step `{name}` to count from"), "unknown step", help)
        }
        Some(step) if !sends(step) => {
            let help = "name the step that sends what causes the event".to_owned();
            (format!("`{name}` sends nothing to count from"), "only lets time pass", help)
        }
        Some(_) => {
            let help = match names.next() {
                Some(other) => format!(
                    "name a step that comes before it, such as `{other}`, or add `{name}` to its `needs`"
                ),
                None => format!("add `{name}` to the `needs` of this await"),
            };
            (format!("`{name}` is not sure to come before this await"), "not before it", help)
        }
    };
    let mut found = Diagnostic::error("plan::await::since", named.span, message).label(label);
    if let Some(step) = known {
        found = found.also(step.span, "this step");
    }
    found.help(help)
}

/// Warns of an await that its scenario cuts; returns whether it did.
fn ends_in_time(
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    step: &StepPlan,
    sink: &mut Diagnostics,
) -> bool {
    let (Some(Action::Await(action)), Some(plan)) = (&step.action, &step.awaiting) else {
        return false;
    };
    let limits = [("timeout", scenario.timeout_ns), ("graceful_stop", scenario.graceful_stop_ns)];
    // A `graceful_stop` of 0 is a wish to stop at once, a `timeout` of 0 is none.
    let short = limits.iter().find(|(_, length)| *length > 0 && *length < action.within_ns);
    let Some((key, length)) = short else { return false };
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
    true
}

/// Checks that each arrival waits for an event of its own.
fn is_its_own(step: &StepPlan, sink: &mut Diagnostics) {
    let (Some(Action::Await(action)), Some(plan)) = (&step.action, &step.awaiting) else { return };
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
        // One that counts from nothing has nothing of its own to match with.
        (None, _) if sink.touches(plan.key) => {}
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
        let steps = judged.flat_map(|(_, scenario)| with_called(plan, scenario.transaction.all()));
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
                | SlotSource::BeforeCapture { .. }
        ),
    })
}
