//! (pure) `load`: stages that set when transactions start, or how many users are active.

use crate::artifact::{ClosedLoad, ClosedStage, Load, OpenLoad, OpenStage};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, too_much};
use crate::source::Span;
use crate::syntax::Node;
use crate::unit::{LENGTH_NS_MAX, Rate, SECOND_NS};

/// Most stages of one load.
const STAGES_MAX: usize = 1_000;

/// Most users of one scenario.
const USERS_MAX: u64 = 1_000_000;

/// Most iterations or arrivals that one stage counts.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// Transactions that may run at one time where the plan does not say.
const IN_FLIGHT_DEFAULT: u64 = 10_000;

/// A load with its places.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// As the artifact has it.
    pub load: Load,
    /// Where `load` stands.
    pub span: Span,
    /// Where each stage stands.
    pub stages: Vec<Span>,
    /// Where `max_in_flight` stands, if the plan says it.
    pub in_flight: Option<Span>,
}

pub(super) fn lower(span: Span, node: Node<'_>, work: &mut Lower<'_>) -> Option<LoadPlan> {
    let in_flight = node.get("max_in_flight");
    let max_in_flight = match in_flight {
        Some(node) => work.whole(node, 1..COUNT_MAX).map(|n| n.value),
        None => Some(IN_FLIGHT_DEFAULT),
    };
    let late_after_ns = match node.get("late_after") {
        Some(node) => work.positive_length(node).map(|length| length.value),
        None => Some(SECOND_NS),
    };
    let open = node.get("open");
    let stages_node = open.or_else(|| node.get("closed"))?;
    let stages: Vec<Span> = stages_node.items().map(Node::span).collect();
    let load = if open.is_some() {
        let stages = open_stages(stages_node, work);
        let late_after_ns = late_after_ns?;
        Load::Open(OpenLoad { stages: stages?, max_in_flight: max_in_flight?, late_after_ns })
    } else {
        let stages = closed_stages(stages_node, work)?;
        let most = stages.iter().map(|stage| match stage {
            ClosedStage::Users { from, to, .. } => *from.max(to),
            ClosedStage::Count { users, .. } => *users,
            ClosedStage::Pause { .. } => 0,
        });
        let users_max = most.max().unwrap_or(0);
        Load::Closed(ClosedLoad { stages, users_max })
    };
    let found = LoadPlan { load, span, stages, in_flight: in_flight.map(Node::span) };
    check_bounds(&found, work)?;
    Some(found)
}

/// Reports loads that start nothing or never end.
fn check_bounds(plan: &LoadPlan, work: &mut Lower<'_>) -> Option<()> {
    if plan.stages.is_empty() {
        let found = Diagnostic::error("plan::load::empty", plan.span, "the load has no stages");
        work.push(
            found.label("nothing starts").help("add a stage such as `{ rate: 10/s, for: 30s }`"),
        );
        return None;
    }
    if let Some(beyond) = plan.stages.get(STAGES_MAX) {
        work.push(too_much("stages in one load", STAGES_MAX as u64, *beyond));
        return None;
    }
    let mut total: u64 = 0;
    let lengths: Vec<u64> = match &plan.load {
        Load::Open(load) => load.stages.iter().map(open_length).collect(),
        Load::Closed(load) => load.stages.iter().map(closed_length).collect(),
    };
    for (length, span) in lengths.iter().zip(&plan.stages) {
        total = total.saturating_add(*length);
        if total > LENGTH_NS_MAX {
            work.out_of_range(
                *span,
                "the load is longer than 30 days".to_owned(),
                "shorten the stages",
            );
            return None;
        }
    }
    Some(())
}

fn open_length(stage: &OpenStage) -> u64 {
    match stage {
        OpenStage::Rate { length_ns, .. } | OpenStage::Pause { length_ns } => *length_ns,
        OpenStage::Count { rate, count } => {
            let ns = u128::from(*count) * u128::from(rate.per_ns) / u128::from(rate.count.max(1));
            u64::try_from(ns).unwrap_or(u64::MAX)
        }
    }
}

fn closed_length(stage: &ClosedStage) -> u64 {
    match stage {
        ClosedStage::Users { length_ns, .. } | ClosedStage::Pause { length_ns } => *length_ns,
        ClosedStage::Count { within_ns, .. } => *within_ns,
    }
}

fn open_stages(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<OpenStage>> {
    let mut stages = Vec::new();
    let mut whole = true;
    let mut before = Rate::ZERO;
    for item in node.items() {
        match open_stage(item, before, work) {
            Some(stage) => {
                before = match stage {
                    OpenStage::Rate { to, .. } => to,
                    OpenStage::Count { rate, .. } => rate,
                    OpenStage::Pause { .. } => Rate::ZERO,
                };
                stages.push(stage);
            }
            None => whole = false,
        }
    }
    whole.then_some(stages)
}

fn open_stage(item: Node<'_>, before: Rate, work: &mut Lower<'_>) -> Option<OpenStage> {
    if let Some(pause) = item.get("pause") {
        return Some(OpenStage::Pause { length_ns: work.positive_length(pause)?.value });
    }
    let rate = item.get("rate")?;
    if let Some(count) = item.get("count") {
        let count = work.whole(count, 1..COUNT_MAX + 1);
        let rate = work.rate(rate)?;
        nonzero(rate.value.count > 0, rate.span, "a rate", work)?;
        return Some(OpenStage::Count { rate: rate.value, count: count?.value });
    }
    let length = item.get("for").and_then(|node| work.positive_length(node));
    let (from, to) = if rate.entries().next().is_some() {
        let to = rate.get("to").and_then(|node| work.rate(node));
        let from = match rate.get("from") {
            Some(node) => work.rate(node).map(|rate| rate.value),
            None => Some(before),
        };
        (from?, to?.value)
    } else {
        let rate = work.rate(rate)?.value;
        (rate, rate)
    };
    nonzero(from.count > 0 || to.count > 0, rate.span(), "a rate", work)?;
    Some(OpenStage::Rate { from, to, length_ns: length?.value })
}

fn closed_stages(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<ClosedStage>> {
    let mut stages = Vec::new();
    let mut whole = true;
    let mut before = 0;
    for item in node.items() {
        match closed_stage(item, before, work) {
            Some(stage) => {
                before = match stage {
                    ClosedStage::Users { to, .. } => to,
                    ClosedStage::Count { users, .. } => users,
                    ClosedStage::Pause { .. } => 0,
                };
                stages.push(stage);
            }
            None => whole = false,
        }
    }
    whole.then_some(stages)
}

fn closed_stage(item: Node<'_>, before: u32, work: &mut Lower<'_>) -> Option<ClosedStage> {
    if let Some(pause) = item.get("pause") {
        return Some(ClosedStage::Pause { length_ns: work.positive_length(pause)?.value });
    }
    let users = item.get("users")?;
    // That such a stage is alone and has a `within` is the schema's to check.
    if let Some(count) = item.get("count") {
        let within = item.get("within").and_then(|node| work.positive_length(node));
        let users = positive_users(users, work);
        let count = work.whole(count, 1..COUNT_MAX + 1);
        let within_ns = within?.value;
        return Some(ClosedStage::Count { users: users?, count: count?.value, within_ns });
    }
    let length = item.get("for").and_then(|node| work.positive_length(node));
    let (from, to) = if users.entries().next().is_some() {
        let to = users.get("to").and_then(|node| whole_users(node, work));
        let from = match users.get("from") {
            Some(node) => whole_users(node, work),
            None => Some(before),
        };
        let (from, to) = (from?, to?);
        nonzero(from > 0 || to > 0, users.span(), "a number of users", work)?;
        (from, to)
    } else {
        let users = positive_users(users, work)?;
        (users, users)
    };
    Some(ClosedStage::Users { from, to, length_ns: length?.value })
}

fn whole_users(node: Node<'_>, work: &mut Lower<'_>) -> Option<u32> {
    work.whole(node, 0..USERS_MAX + 1).and_then(|n| u32::try_from(n.value).ok())
}

fn positive_users(node: Node<'_>, work: &mut Lower<'_>) -> Option<u32> {
    let users = whole_users(node, work)?;
    nonzero(users > 0, node.span(), "a number of users", work)?;
    Some(users)
}

fn nonzero(good: bool, span: Span, what: &str, work: &mut Lower<'_>) -> Option<()> {
    if !good {
        let found =
            Diagnostic::error("plan::load::zero", span, format!("{what} of 0 starts nothing"));
        work.push(
            found.label("always 0").help("for a stretch without load write `{ pause: 10s }`"),
        );
    }
    good.then_some(())
}
