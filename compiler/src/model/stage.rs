//! (pure) The stages of a load.

use crate::artifact::limits::USERS_MAX;
use crate::artifact::{ClosedStage, OpenStage};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, too_much};
use crate::schedule::INTERVALS_MAX;
use crate::source::{Span, Spanned};
use crate::syntax::Node;
use crate::unit::Rate;

/// Most iterations or arrivals that one stage counts.
pub(super) const COUNT_MAX: u64 = 1_000_000_000_000;

pub(super) fn open_stages(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<OpenStage>> {
    let mut stages = Vec::new();
    let mut whole = true;
    let mut before = Some(Rate::ZERO);
    for item in node.items() {
        match open_stage(item, before, work) {
            Some(stage) => {
                before = match stage {
                    OpenStage::Rate { to, .. } => Some(to),
                    OpenStage::Count { rate, .. } => Some(rate),
                    OpenStage::Pause { .. } => Some(Rate::ZERO),
                    OpenStage::Random { .. } => None,
                };
                stages.push(stage);
            }
            None => whole = false,
        }
    }
    whole.then_some(stages)
}

fn open_stage(item: Node<'_>, before: Option<Rate>, work: &mut Lower<'_>) -> Option<OpenStage> {
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
    if rate.entry("min").is_some() {
        return drawn_rate(item, rate, length?, work);
    }
    let (from, to) = if rate.entries().next().is_some() {
        let to = rate.get("to").and_then(|node| work.rate(node));
        let from = match rate.get("from") {
            Some(node) => work.rate(node).map(|rate| rate.value),
            None if before.is_none() => {
                let message = "the ramp has no `from`, and the rate before it is drawn";
                let found = Diagnostic::error("plan::schema::stage", item.span(), message);
                work.push(
                    found
                        .label("from what?")
                        .help("say the rate that it begins with: `{ from: 10/s, to: 20/s }`"),
                );
                None
            }
            None => before,
        };
        (from?, to?.value)
    } else {
        let rate = work.rate(rate)?.value;
        (rate, rate)
    };
    nonzero(from.count > 0 || to.count > 0, rate.span(), "a rate", work)?;
    Some(OpenStage::Rate { from, to, length_ns: length?.value })
}

fn drawn_rate(
    item: Node<'_>,
    rate: Node<'_>,
    length: Spanned<u64>,
    work: &mut Lower<'_>,
) -> Option<OpenStage> {
    let min = rate.get("min").and_then(|node| work.rate(node));
    let max = rate.get("max").and_then(|node| work.rate(node));
    let every = rate.get("every").and_then(|node| work.positive_length(node));
    let (min, max, every) = (min?, max?, every?);
    let product = |a: Rate, b: Rate| u128::from(a.count) * u128::from(b.per_ns);
    if product(min.value, max.value) > product(max.value, min.value) {
        let message = format!("`min` {} is above `max` {}", min.value, max.value);
        work.out_of_range(min.span, message, "write the lower rate as `min`");
        return None;
    }
    nonzero(max.value.count > 0, max.span, "a highest rate", work)?;
    if length.value.div_ceil(every.value) > INTERVALS_MAX {
        work.push(too_much("intervals with a rate of their own", INTERVALS_MAX, item.span()));
        return None;
    }
    Some(OpenStage::Random {
        min: min.value,
        max: max.value,
        every_ns: every.value,
        length_ns: length.value,
    })
}

pub(super) fn closed_stages(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<ClosedStage>> {
    let mut stages = Vec::new();
    let mut whole = true;
    let mut before = 0;
    for item in node.items() {
        match closed_stage(item, before, work) {
            Some(stage) => {
                before = match stage {
                    ClosedStage::Users { to, .. } => to,
                    ClosedStage::Count { users, .. } | ClosedStage::CountEach { users, .. } => {
                        users
                    }
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
    if let Some(count) = item.get("count_each") {
        let within = item.get("within").and_then(|node| work.positive_length(node));
        let users = positive_users(users, work);
        let count = work.whole(count, 1..COUNT_MAX + 1);
        let within_ns = within?.value;
        return Some(ClosedStage::CountEach { users: users?, count: count?.value, within_ns });
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
    work.whole(node, 0..u64::from(USERS_MAX) + 1).and_then(|n| u32::try_from(n.value).ok())
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
