//! (pure) Blocks: steps for each item of a list, several times, one of several; and calls of transactions.

use crate::artifact::Json;
use crate::model::condition::{self, ConditionPlan};
use crate::model::lower::{Lower, Site, Use};
use crate::model::step::{self, Names, StepList, StepPlan};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, Node};

/// Most turns of a `repeat`.
const TURNS_MAX: u64 = 1_000_000;

/// Largest weight of a branch.
const WEIGHT_MAX: u64 = 1_000_000;

/// A step that runs others.
#[derive(Clone, Debug)]
pub enum Block {
    /// `for_each`
    ForEach {
        /// The list; `None` when it is broken.
        list: Option<Json>,
        /// Where that stands.
        span: Span,
        /// What runs.
        body: StepList,
    },
    /// `repeat`
    Repeat {
        /// Turns at most; `None` when that is broken.
        at_most: Option<u64>,
        /// What ends it early.
        until: Option<ConditionPlan>,
        /// What `until` reads, at the end of each turn.
        until_uses: Vec<Use>,
        /// What runs.
        body: StepList,
    },
    /// `choose`
    Choose {
        /// Its branches.
        branches: Vec<BranchPlan>,
        /// Whether none was lost to an error.
        complete: bool,
    },
    /// `call`
    Call {
        /// The transaction.
        transaction: Spanned<String>,
        /// What it is handed.
        with: Vec<Handed>,
        /// Where `with` stands.
        span: Span,
    },
}

/// One branch of a `choose`.
#[derive(Clone, Debug)]
pub struct BranchPlan {
    /// Where it stands: its first key.
    pub span: Span,
    /// When it is taken.
    pub when: Option<ConditionPlan>,
    /// Its share where it has no `when`.
    pub weight: Option<Spanned<u64>>,
    /// What runs.
    pub body: StepList,
}

/// A value that a call hands over.
#[derive(Clone, Debug)]
pub struct Handed {
    /// The param.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The value; `None` when it is broken.
    pub value: Option<Json>,
}

impl Block {
    /// Returns the lists inside of it.
    pub fn lists(&self) -> Vec<&StepList> {
        match self {
            Block::ForEach { body, .. } | Block::Repeat { body, .. } => vec![body],
            Block::Choose { branches, .. } => branches.iter().map(|branch| &branch.body).collect(),
            Block::Call { .. } => Vec::new(),
        }
    }

    /// Returns what is read after the steps inside of it have run.
    pub fn end_uses(&self) -> &[Use] {
        match self {
            Block::Repeat { until_uses, .. } => until_uses,
            Block::ForEach { .. } | Block::Choose { .. } | Block::Call { .. } => &[],
        }
    }
}

/// Lowers what makes a block of a step, if something does, and notes what the step reads.
///
/// What is read at the start is noted before the steps inside are lowered, so that each keeps its own.
pub(super) fn lower(
    node: Node<'_>,
    out: &mut StepPlan,
    names: &mut Names<'_>,
    work: &mut Lower<'_>,
) {
    let body = |out: &mut StepPlan, names: &mut Names<'_>, work: &mut Lower<'_>| {
        out.uses = work.take_uses();
        match node.get("steps") {
            Some(steps) => step::lower(steps, names, work),
            None => StepList { steps: Vec::new(), complete: false },
        }
    };
    if let Some((_, list)) = node.entry("for_each") {
        let (lowered, span) = (list_of(list, work), list.span());
        let body = body(out, names, work);
        out.block = Some(Block::ForEach { list: lowered, span, body });
    } else if let Some((_, turns)) = node.entry("repeat") {
        let mapping = matches!(turns.kind(), Kind::Map(_));
        let count = if mapping { turns.get("at_most") } else { Some(turns) };
        let count = count.filter(|node| !node.is_hole());
        let at_most = count.and_then(|node| work.whole(node, 1..TURNS_MAX + 1));
        let body = body(out, names, work);
        let until = turns.entry("until").filter(|(_, node)| !node.is_hole());
        let until = until.map(|(entry, node)| condition::lower(entry.key_span, node, work));
        let until_uses = work.take_uses();
        let at_most = at_most.map(|turns| turns.value);
        out.block = Some(Block::Repeat { at_most, until, until_uses, body });
    } else if let Some((_, branches)) = node.entry("choose") {
        let branches = choose(branches, out, names, work);
        let complete = !node
            .entry("choose")
            .is_some_and(|(_, list)| list.is_hole() || list.items().any(Node::is_hole));
        out.block = Some(Block::Choose { branches, complete });
    } else if let Some((_, call)) = node.entry("call") {
        out.block = call_of(node, call, work);
        out.uses = work.take_uses();
    } else {
        out.uses = work.take_uses();
    }
}

/// Lowers a list: literal, or a name as conditions have it.
fn list_of(node: Node<'_>, work: &mut Lower<'_>) -> Option<Json> {
    match node.kind() {
        Kind::Hole => None,
        Kind::Seq(_) => work.json(node, Site::Value),
        _ => condition::operand(node, work),
    }
}

fn choose(
    node: Node<'_>,
    out: &mut StepPlan,
    names: &mut Names<'_>,
    work: &mut Lower<'_>,
) -> Vec<BranchPlan> {
    let mut branches = Vec::new();
    let mut bodies = Vec::new();
    for item in node.items() {
        let Some((first, _)) = item.entries().next() else { continue };
        let when = item.entry("when").filter(|(_, node)| !node.is_hole());
        let when = when.map(|(entry, node)| condition::lower(entry.key_span, node, work));
        let weight = item.get("weight").and_then(|node| work.whole(node, 0..WEIGHT_MAX + 1));
        let body = StepList { steps: Vec::new(), complete: false };
        branches.push(BranchPlan { span: first.key_span, when, weight, body });
        bodies.push(item.get("steps"));
    }
    out.uses = work.take_uses();
    for (branch, body) in branches.iter_mut().zip(bodies) {
        if let Some(body) = body {
            branch.body = step::lower(body, names, work);
        }
    }
    branches
}

fn call_of(step: Node<'_>, name: Node<'_>, work: &mut Lower<'_>) -> Option<Block> {
    if name.is_hole() {
        return None;
    }
    let transaction = work.literal(name, "the name of a transaction")?;
    let mut with = Vec::new();
    let mut span = transaction.span;
    if let Some((entry, given)) = step.entry("with") {
        if given.is_hole() {
            return None;
        }
        span = entry.key_span;
        for (entry, value) in given.entries() {
            let value = if value.is_hole() { None } else { work.json(value, Site::Value) };
            with.push(Handed { name: entry.key.clone(), span: entry.key_span, value });
        }
    }
    Some(Block::Call { transaction, with, span })
}
