//! (pure) `transactions`, `before`, `after` and `let`: steps that are called by name, steps around the run, and values
//! that are drawn once.

use crate::artifact::Json;
use crate::model::endpoint::Endpoint;
use crate::model::lower::{Lower, Site, Use};
use crate::model::name::Section;
use crate::model::step::{self, Names, StepList};
use crate::source::{Span, Spanned};
use crate::syntax::Node;

/// A transaction that steps call.
#[derive(Clone, Debug)]
pub struct TransactionPlan {
    /// What a call hands over.
    pub params: Vec<Spanned<String>>,
    /// Whether no param was lost to an error.
    pub params_whole: bool,
    /// What runs.
    pub list: StepList,
    /// What its caller reads.
    pub returns: Vec<ValuePlan>,
    /// Whether none of these was lost to an error.
    pub returns_whole: bool,
}

/// A named value with what it reads.
#[derive(Clone, Debug)]
pub struct ValuePlan {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The value; `None` when it is broken.
    pub value: Option<Json>,
    /// What it reads.
    pub uses: Vec<Use>,
}

pub(super) fn lower(
    top: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Section<TransactionPlan> {
    Section::lower(top, "transactions", |_, node| Some(transaction(node, endpoints, work)))
}

fn transaction(
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> TransactionPlan {
    let broken = |key: &str| node.entry(key).is_some_and(|(_, value)| value.is_hole());
    let given = node.get("params");
    let params = given.into_iter().flat_map(Node::items).filter(|item| !item.is_hole());
    let params = params.filter_map(|item| work.literal(item, "the name of a param")).collect();
    let holes = given.into_iter().flat_map(Node::items).any(Node::is_hole);
    let params_whole = !broken("params") && !holes;
    work.take_uses();
    let list = match node.get("steps") {
        Some(steps) => step::lower(steps, &mut Names::new(endpoints), work),
        None => StepList { steps: Vec::new(), complete: false },
    };
    let returns = node.get("returns").map_or_else(Vec::new, |node| values(node, work));
    TransactionPlan { params, params_whole, list, returns, returns_whole: !broken("returns") }
}

/// Lowers names with their values, each with what it reads.
pub(super) fn values(node: Node<'_>, work: &mut Lower<'_>) -> Vec<ValuePlan> {
    work.take_uses();
    let mut values = Vec::new();
    for (entry, value) in node.entries() {
        let value = if value.is_hole() { None } else { work.json(value, Site::Value) };
        let uses = work.take_uses();
        values.push(ValuePlan { name: entry.key.clone(), span: entry.key_span, value, uses });
    }
    values
}

/// Lowers `before` or `after`.
pub(super) fn around(
    top: Node<'_>,
    key: &str,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> StepList {
    work.take_uses();
    match top.entry(key) {
        Some((_, steps)) => step::lower(steps, &mut Names::new(endpoints), work),
        None => StepList::default(),
    }
}
