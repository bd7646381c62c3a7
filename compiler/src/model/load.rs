//! (pure) `load`: stages that set when transactions start, or how many users are active.

use crate::artifact::limits::STAGES_MAX;
use crate::artifact::{Arrivals, ClosedLoad, ClosedStage, Load, OnOverload, OpenLoad};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, too_much};
use crate::model::stage::{COUNT_MAX, closed_stages, open_stages};
use crate::schedule::{INTERVALS_MAX, closed_length_ns, intervals, open_length_ns};
use crate::source::Span;
use crate::syntax::Node;
use crate::unit::{LENGTH_NS_MAX, SECOND_NS};

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
    /// Where `pace` stands, if the plan says it.
    pub pace: Option<Span>,
    /// Where the scenario stands in a mix, if its load is a part of a traffic.
    pub portion: Option<Span>,
}

/// Lowers a load whose key stands at `span`.
pub(super) fn lower(span: Span, node: Node<'_>, work: &mut Lower<'_>) -> Option<LoadPlan> {
    let found = if let Some(open) = node.get("open") {
        let load = open_load(node, open, work);
        let stages = open.items().map(Node::span).collect();
        let in_flight = node.get("max_in_flight").map(Node::span);
        LoadPlan { load: Load::Open(load?), span, stages, in_flight, pace: None, portion: None }
    } else {
        let closed = node.get("closed")?;
        let pace = node.get("pace").map(|node| work.positive_length(node));
        let stages = closed_stages(closed, work);
        let pace = pace.map_or(Some(None), |pace| pace.map(Some))?;
        let stages = stages?;
        let most = stages.iter().map(|stage| match stage {
            ClosedStage::Users { from, to, .. } => *from.max(to),
            ClosedStage::Count { users, .. } | ClosedStage::CountEach { users, .. } => *users,
            ClosedStage::Pause { .. } => 0,
        });
        let users_max = most.max().unwrap_or(0);
        let pace_ns = pace.map_or(0, |pace| pace.value);
        let load = Load::Closed(ClosedLoad { stages, users_max, pace_ns });
        let stages = closed.items().map(Node::span).collect();
        LoadPlan {
            load,
            span,
            stages,
            in_flight: None,
            pace: pace.map(|pace| pace.span),
            portion: None,
        }
    };
    check_bounds(&found, work)?;
    Some(found)
}

/// Lowers `observe`, whose key stands at `span`.
pub(super) fn observe(span: Span, node: Node<'_>, work: &mut Lower<'_>) -> Option<LoadPlan> {
    let length = node.get("for")?;
    let length_ns = work.positive_length(length)?.value;
    let load = Load::Observe { length_ns };
    Some(LoadPlan {
        load,
        span,
        stages: vec![length.span()],
        in_flight: None,
        pace: None,
        portion: None,
    })
}

fn open_load(node: Node<'_>, open: Node<'_>, work: &mut Lower<'_>) -> Option<OpenLoad> {
    let max_in_flight = match node.get("max_in_flight") {
        Some(node) => work.whole(node, 1..COUNT_MAX).map(|n| n.value),
        None => Some(IN_FLIGHT_DEFAULT),
    };
    let late_after_ns = match node.get("late_after") {
        Some(node) => work.positive_length(node).map(|length| length.value),
        None => Some(SECOND_NS),
    };
    let arrivals = match node.get("arrivals") {
        Some(node) => {
            work.one_of(node, &[("even", Arrivals::Even), ("poisson", Arrivals::Poisson)])
        }
        None => Some(Arrivals::Even),
    };
    let on_overload = match node.get("on_overload") {
        Some(node) => {
            let words = [
                ("drop", OnOverload::Drop),
                ("queue", OnOverload::Queue),
                ("fail", OnOverload::Fail),
            ];
            work.one_of(node, &words)
        }
        None => Some(OnOverload::Drop),
    };
    let stages = open_stages(open, work);
    Some(OpenLoad {
        stages: stages?,
        max_in_flight: max_in_flight?,
        late_after_ns: late_after_ns?,
        arrivals: arrivals?,
        on_overload: on_overload?,
        share: None,
    })
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
    if let Load::Open(load) = &plan.load
        && intervals(load) > INTERVALS_MAX
    {
        work.push(too_much("intervals with a rate of their own", INTERVALS_MAX, plan.span));
        return None;
    }
    let mut total: u64 = 0;
    let lengths: Vec<u64> = match &plan.load {
        Load::Open(load) => load.stages.iter().map(open_length_ns).collect(),
        Load::Closed(load) => load.stages.iter().map(closed_length_ns).collect(),
        Load::Observe { length_ns } => vec![*length_ns],
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
