//! (pure) `steps`: lists of steps, and what every step has whatever its action.

use std::collections::BTreeMap;

use crate::artifact::{Action, Expect};
use crate::diagnostic::Diagnostic;
use crate::model::action::{self, AwaitPlan};
use crate::model::block::{self, Block};
use crate::model::check::{self, CapturePlan};
use crate::model::condition::{self, ConditionPlan};
use crate::model::control::{self, Control};
use crate::model::endpoint::Endpoint;
use crate::model::lower::{Lower, Use, too_much};
use crate::model::name::{Section, check_step_name};
use crate::source::{Span, Spanned};
use crate::syntax::Node;

/// Most steps of one transaction; keeps the search for who comes before whom cheap.
const STEPS_MAX: usize = 1_000;

/// Most blocks inside each other.
const DEPTH_MAX: usize = 16;

/// One step with its places.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// Its name; `#` and its place for a `wait` or block without one.
    pub name: String,
    /// Where the name stands, or the step if it has none.
    pub span: Span,
    /// What it needs, if it says so.
    pub needs: Option<Vec<Spanned<String>>>,
    /// Whether nothing of what it needs and captures was lost to an error.
    pub complete: bool,
    /// Longest time from its send to its end; 0 for the endpoint's alone.
    pub timeout_ns: u64,
    /// Where that stands.
    pub timeout: Option<Span>,
    /// What it does; `None` when that is broken, and for a block.
    pub action: Option<Action>,
    /// The steps inside of it, or those that it calls.
    pub block: Option<Block>,
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
    /// When it runs; `None` for always.
    pub when: Option<ConditionPlan>,
    /// What its failure does, and what is measured of it.
    pub control: Control,
    /// What its templates and conditions read when it starts, and its expectations when it ends.
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

/// Steps that are written one below the other.
#[derive(Clone, Debug)]
pub struct StepList {
    /// Steps in plan order.
    pub steps: Vec<StepPlan>,
    /// Whether none was lost to an error.
    pub complete: bool,
}

impl Default for StepList {
    fn default() -> StepList {
        StepList { steps: Vec::new(), complete: true }
    }
}

impl StepList {
    /// Returns every step, those inside of blocks behind their block.
    pub fn all(&self) -> Vec<&StepPlan> {
        let mut out = Vec::new();
        self.collect(&mut out);
        out
    }

    fn collect<'a>(&'a self, out: &mut Vec<&'a StepPlan>) {
        for step in &self.steps {
            out.push(step);
            step.inner().into_iter().for_each(|list| list.collect(out));
        }
    }

    /// Returns everything that its steps read, however deep.
    pub fn uses(&self) -> impl Iterator<Item = &Use> {
        self.all().into_iter().flat_map(StepPlan::all_uses)
    }

    /// Returns whether none of its steps was lost to an error, however deep.
    pub fn is_whole(&self) -> bool {
        self.complete && self.steps.iter().flat_map(StepPlan::inner).all(StepList::is_whole)
    }
}

impl StepPlan {
    /// Returns whether it only lets time pass.
    pub fn is_wait(&self) -> bool {
        matches!(self.action, Some(Action::Wait(_)))
    }

    /// Returns whether the plan gives it a name.
    pub fn is_named(&self) -> bool {
        !self.name.starts_with('#')
    }

    /// Returns the lists of steps inside of it; none for what is no block.
    pub fn inner(&self) -> Vec<&StepList> {
        self.block.as_ref().map_or_else(Vec::new, Block::lists)
    }

    /// Returns all that it reads itself, at its start and at its end; not what steps inside of it read.
    pub fn all_uses(&self) -> impl Iterator<Item = &Use> {
        self.uses.iter().chain(self.block.iter().flat_map(Block::end_uses))
    }
}

/// What the lists of one transaction share while they are lowered.
pub(super) struct Names<'a> {
    pub(super) endpoints: &'a Section<Endpoint>,
    /// Where each name was given first.
    taken: BTreeMap<String, Span>,
    count: usize,
    depth: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(endpoints: &'a Section<Endpoint>) -> Names<'a> {
        Names { endpoints, taken: BTreeMap::new(), count: 0, depth: 0 }
    }

    fn take(&mut self, step: &StepPlan, work: &mut Lower<'_>) {
        if !step.is_named() {
            return;
        }
        let Some(first) = self.taken.get(&step.name) else {
            self.taken.insert(step.name.clone(), step.span);
            return;
        };
        let message = format!("two steps are named `{}`", step.name);
        let found = Diagnostic::error("plan::name::duplicate", step.span, message)
            .label("named again")
            .also(*first, "first named here")
            .help("a step's name is its metric's name: give each its own");
        work.push(found);
    }
}

/// Lowers a list of steps; `None` for a key that is not there.
pub(super) fn lower(node: Node<'_>, names: &mut Names<'_>, work: &mut Lower<'_>) -> StepList {
    let mut list = StepList { steps: Vec::new(), complete: !node.is_hole() };
    names.depth += 1;
    if names.depth > DEPTH_MAX {
        work.push(too_much("levels of blocks", DEPTH_MAX as u64, node.span()));
        list.complete = false;
    } else {
        for (at, item) in node.items().enumerate() {
            names.count += 1;
            if names.count > STEPS_MAX {
                if names.count == STEPS_MAX + 1 {
                    work.push(too_much("steps in one scenario", STEPS_MAX as u64, item.span()));
                }
                list.complete = false;
                break;
            }
            match step(at, item, names, work) {
                Some(step) => list.steps.push(step),
                None => list.complete = false,
            }
        }
    }
    names.depth -= 1;
    list
}

fn step(
    at: usize,
    node: Node<'_>,
    names: &mut Names<'_>,
    work: &mut Lower<'_>,
) -> Option<StepPlan> {
    if node.is_hole() || node.entries().next().is_none() {
        return None;
    }
    let mut out = named(at, node, work)?;
    names.take(&out, work);
    let broken = |key: &str| node.entry(key).is_some_and(|(_, value)| value.is_hole());
    out.complete = !broken("needs")
        && !broken("capture")
        && !broken("metrics")
        && !broken("call")
        && !broken("with");
    if let Some((_, needs)) = node.entry("needs")
        && !needs.is_hole()
    {
        out.complete &= !needs.items().any(Node::is_hole);
        let named = needs.items().filter_map(|item| work.literal(item, "the name of a step"));
        out.needs = Some(named.collect());
    }
    if let Some((entry, timeout)) = node.entry("timeout").filter(|(_, node)| !node.is_hole()) {
        out.timeout = Some(entry.key_span);
        out.timeout_ns = work.positive_length(timeout).map_or(0, |length| length.value);
    }
    let mut measured = Vec::new();
    for (entry, value) in node.entries() {
        if value.is_hole() {
            continue;
        }
        match entry.key.as_str() {
            "expect" => out.expect = check::expect(value, work),
            "capture" => out.captures = check::captures(value, work),
            "when" => out.when = Some(condition::lower(entry.key_span, value, work)),
            "on_fail" | "retry" => control::lower(entry, value, &mut out.control, work),
            "metrics" | "split_by" => measured.push((entry, value)),
            _ => action::lower(entry, value, names.endpoints, &mut out, work),
        }
    }
    action::check_answer(node, out.action.as_ref(), work);
    for (entry, value) in measured {
        control::lower(entry, value, &mut out.control, work);
    }
    block::lower(node, &mut out, names, work);
    Some(out)
}

/// Returns a step with its name and nothing else.
fn named(at: usize, node: Node<'_>, work: &mut Lower<'_>) -> Option<StepPlan> {
    let name = match node.entry("step") {
        Some((_, name)) => {
            let name = work.literal(name, "the name of a step")?;
            check_step_name(&name, work.sink);
            name
        }
        None => {
            let nameless = ["wait", "for_each", "repeat", "choose"];
            let (entry, _) = nameless.iter().find_map(|key| node.entry(key))?;
            Spanned::new(format!("#{}", at + 1), entry.key_span)
        }
    };
    Some(StepPlan {
        name: name.value,
        span: name.span,
        needs: None,
        complete: true,
        timeout_ns: 0,
        timeout: None,
        action: None,
        block: None,
        endpoint: None,
        awaiting: None,
        files: Vec::new(),
        expect: Expect::default(),
        captures: Vec::new(),
        when: None,
        control: Control::default(),
        uses: Vec::new(),
    })
}
