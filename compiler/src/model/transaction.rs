//! (pure) `steps`: what the transaction of a scenario does.

use crate::artifact::{Action, Expect};
use crate::diagnostic::Diagnostic;
use crate::model::action;
use crate::model::action::AwaitPlan;
use crate::model::check::{self, CapturePlan};
use crate::model::endpoint::Endpoint;
use crate::model::lower::{Lower, Use, too_much};
use crate::model::name::{Section, check_step_name};
use crate::source::{Span, Spanned};
use crate::syntax::Node;

/// Most steps of one transaction; keeps the search for who comes before whom cheap.
const STEPS_MAX: usize = 1_000;

/// One step with its places.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// Its name; `#` and its place for a `wait` without one.
    pub name: String,
    /// Where the name stands, or the step if it has none.
    pub span: Span,
    /// What it needs, if it says so.
    pub needs: Option<Vec<Spanned<String>>>,
    /// Whether nothing of what it needs and captures was lost to an error.
    pub complete: bool,
    /// Longest time from its send to its end; 0 for the endpoint's alone.
    pub timeout_ns: u64,
    /// What it does; `None` when that is broken.
    pub action: Option<Action>,
    /// The endpoint that it uses, known or not, and where it is named.
    pub endpoint: Option<(String, Span)>,
    /// Places of an `await`.
    pub awaiting: Option<AwaitPlan>,
    /// Files that it sends or runs.
    pub files: Vec<FileUse>,
    /// What must hold of the answer.
    pub expect: Expect,
    /// What is kept of the answer.
    pub captures: Vec<CapturePlan>,
    /// What its templates read.
    pub uses: Vec<Use>,
}

/// A file that a step names.
#[derive(Clone, Debug)]
pub struct FileUse {
    /// Its path.
    pub path: Spanned<String>,
    /// Whether it must hold JSON.
    pub json: bool,
}

/// The steps of one transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Steps in plan order.
    pub steps: Vec<StepPlan>,
    /// Whether none was lost to an error.
    pub complete: bool,
}

impl StepPlan {
    /// Returns whether it only lets time pass.
    pub fn is_wait(&self) -> bool {
        matches!(self.action, Some(Action::Wait(_)))
    }
}

pub(super) fn lower(
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Transaction {
    let mut steps: Vec<StepPlan> = Vec::new();
    let mut complete = true;
    for (at, item) in node.items().enumerate() {
        if at == STEPS_MAX {
            work.push(too_much("steps in one scenario", STEPS_MAX as u64, item.span()));
            complete = false;
            break;
        }
        match step(at, item, endpoints, work) {
            Some(step) => {
                if let Some(first) = steps.iter().find(|known| known.name == step.name) {
                    let message = format!("two steps are named `{}`", step.name);
                    let found = Diagnostic::error("plan::name::duplicate", step.span, message)
                        .label("named again")
                        .also(first.span, "first named here")
                        .help("a step's name is its metric's name: give each its own");
                    work.push(found);
                }
                steps.push(step);
            }
            None => complete = false,
        }
    }
    Transaction { steps, complete }
}

fn step(
    at: usize,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Option<StepPlan> {
    if node.is_hole() || node.entries().next().is_none() {
        return None;
    }
    let name = match node.entry("step") {
        Some((_, name)) => {
            let name = work.literal(name, "the name of a step")?;
            check_step_name(&name, work.sink);
            name
        }
        None => {
            let (entry, _) = node.entry("wait")?;
            Spanned::new(format!("#{}", at + 1), entry.key_span)
        }
    };
    let mut out = StepPlan {
        name: name.value,
        span: name.span,
        needs: None,
        complete: true,
        timeout_ns: 0,
        action: None,
        endpoint: None,
        awaiting: None,
        files: Vec::new(),
        expect: Expect::default(),
        captures: Vec::new(),
        uses: Vec::new(),
    };
    let broken = |key: &str| node.entry(key).is_some_and(|(_, value)| value.is_hole());
    out.complete = !broken("needs") && !broken("capture");
    if let Some((_, needs)) = node.entry("needs")
        && !needs.is_hole()
    {
        out.complete &= !needs.items().any(Node::is_hole);
        let named = needs.items().filter_map(|item| work.literal(item, "the name of a step"));
        out.needs = Some(named.collect());
    }
    if let Some(timeout) = node.get("timeout") {
        out.timeout_ns = work.positive_length(timeout).map_or(0, |length| length.value);
    }
    for (entry, value) in node.entries() {
        if value.is_hole() {
            continue;
        }
        match entry.key.as_str() {
            "expect" => out.expect = check::expect(value, work),
            "capture" => out.captures = check::captures(value, work),
            _ => action::lower(entry, value, endpoints, &mut out, work),
        }
    }
    action::check_answer(node, work);
    out.uses = work.take_uses();
    Some(out)
}
