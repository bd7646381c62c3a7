//! (pure) Where steps stand in the lists of one transaction, and whether one has surely run before another.

use std::collections::BTreeMap;

use crate::artifact::{Json, OnFail};
use crate::graph::Flow;
use crate::model::{Block, StepList, StepPlan};
use crate::source::{Span, Spanned};

/// A place in a list: which step, and which of its inner lists the next place is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct At {
    pub(super) step: usize,
    pub(super) branch: usize,
}

/// The place behind all steps of a list.
pub(super) const END: At = At { step: usize::MAX, branch: 0 };

/// The steps of one transaction with the place of each.
pub(super) struct Scope<'a> {
    pub(super) root: &'a StepList,
    flow: &'a Flow,
    index: BTreeMap<&'a str, (Vec<At>, &'a StepPlan)>,
}

/// How a step that captures stands to one that reads.
pub(super) enum Order<'a> {
    /// It has run, or this is why it may not have.
    Before(Option<Doubt>),
    /// The same step, or one that it is in.
    Same,
    /// Another branch of the same `choose`.
    OtherBranch(Span),
    /// It may run later, or beside it.
    NotBefore {
        /// The step of the same list that reads, or that the reading one is in.
        reader: &'a StepPlan,
        /// Whether what captures is written above it.
        above: bool,
    },
    /// A mistake that was reported hides it.
    Hidden,
}

/// Why a step may not have run.
pub(super) struct Doubt {
    pub(super) span: Span,
    pub(super) why: &'static str,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a StepList, flow: &'a Flow) -> Scope<'a> {
        let mut index = BTreeMap::new();
        place(root, &mut Vec::new(), &mut index);
        Scope { root, flow, index }
    }

    /// Returns the step named `name` and its place.
    pub(super) fn find(&self, name: &str) -> Option<(&[At], &'a StepPlan)> {
        self.index.get(name).map(|(path, step)| (path.as_slice(), *step))
    }

    /// Returns the names of its steps.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.index.keys().copied()
    }

    /// Returns how the step at `source` stands to the one at `reader`.
    pub(super) fn order(&self, source: &[At], reader: &[At]) -> Order<'a> {
        let (mut list, mut flow) = (self.root, self.flow);
        for (depth, at) in source.iter().enumerate() {
            let Some(other) = reader.get(depth) else { return Order::Same };
            if at.step != other.step {
                return apart(list, flow, &source[depth..], other.step);
            }
            if depth + 1 == source.len() || depth + 1 == reader.len() {
                return Order::Same;
            }
            let step = &list.steps[at.step];
            if at.branch != other.branch {
                return Order::OtherBranch(branch_span(step, at.branch));
            }
            list = step.inner()[at.branch];
            flow = &flow.inner[at.step][at.branch];
        }
        Order::Same
    }
}

fn place<'a>(
    list: &'a StepList,
    path: &mut Vec<At>,
    index: &mut BTreeMap<&'a str, (Vec<At>, &'a StepPlan)>,
) {
    for (at, step) in list.steps.iter().enumerate() {
        path.push(At { step: at, branch: 0 });
        if step.is_named() {
            index.entry(step.name.as_str()).or_insert_with(|| (path.clone(), step));
        }
        for (branch, inner) in step.inner().into_iter().enumerate() {
            path.pop();
            path.push(At { step: at, branch });
            place(inner, path, index);
        }
        path.pop();
    }
}

/// Says how two steps of `list` stand to each other; what is captured is at `source`, below or in the first of them.
fn apart<'a>(list: &'a StepList, flow: &Flow, source: &[At], reader: usize) -> Order<'a> {
    let (Some(dag), Some(first)) = (&flow.dag, source.first()) else { return Order::Hidden };
    let from = first.step;
    if reader == END.step || dag.is_before(from, reader) {
        return Order::Before(doubt(list, source));
    }
    // What a step needs is not known where a need of it, or of a step before it, is broken.
    let broken = |step: &StepPlan| {
        let unknown = |need: &Spanned<String>| !list.steps.iter().any(|s| s.name == need.value);
        !step.complete || step.needs.iter().flatten().any(unknown)
    };
    let before = |at: usize| at == reader || dag.is_before(at, reader);
    if (0..list.steps.len()).any(|at| before(at) && broken(&list.steps[at])) {
        return Order::Hidden;
    }
    Order::NotBefore { reader: &list.steps[reader], above: from < reader }
}

/// Returns the first reason why what is captured at `path` may be missing once the first step of it is done.
fn doubt(mut list: &StepList, path: &[At]) -> Option<Doubt> {
    for (depth, at) in path.iter().enumerate() {
        let step = &list.steps[at.step];
        // A condition that is broken has been reported.
        if let Some(when) = step.when.as_ref().filter(|when| when.condition.is_some()) {
            return Some(Doubt { span: when.key, why: "it runs only when this holds" });
        }
        if depth + 1 == path.len() {
            let goes_on = step.control.on_fail == OnFail::Continue;
            let span = step.control.on_fail_span.filter(|_| goes_on)?;
            return Some(Doubt { span, why: "the transaction goes on when it fails" });
        }
        let why = match &step.block {
            Some(Block::ForEach { list: Some(Json::List(items)), .. }) if !items.is_empty() => None,
            Some(Block::ForEach { .. }) => Some("the list may be empty"),
            Some(Block::Choose { .. }) => Some("another branch may be taken"),
            Some(Block::Repeat { .. } | Block::Call { .. }) | None => None,
        };
        if let Some(why) = why {
            return Some(Doubt { span: branch_span(step, at.branch), why });
        }
        list = step.inner()[at.branch];
    }
    None
}

/// Returns where an inner list of a step is introduced.
fn branch_span(step: &StepPlan, branch: usize) -> Span {
    match &step.block {
        Some(Block::ForEach { span, .. }) => *span,
        Some(Block::Choose { branches, .. }) => {
            branches.get(branch).map_or(step.span, |branch| branch.span)
        }
        Some(Block::Repeat { .. } | Block::Call { .. }) | None => step.span,
    }
}
