//! (pure) Conditions with the place of every value that they compare.

use crate::artifact::{Bound, Condition, Json};
use crate::expression::{Operand, OperandValue, Test, parse_condition, parse_operand};
use crate::model::lower::{Lower, Site};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, Node};
use crate::template::Expr;

/// A condition of a step, branch or loop.
#[derive(Clone, Debug)]
pub struct ConditionPlan {
    /// As the artifact has it; `None` when it is broken.
    pub condition: Option<Condition>,
    /// Where its key stands.
    pub key: Span,
    /// Where it stands.
    pub span: Span,
    /// What is compared with what.
    pub pairs: Vec<Pair>,
    /// Values that must be booleans.
    pub bare: Vec<Spanned<Json>>,
}

/// Two values that are compared.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The left one.
    pub left: Spanned<Json>,
    /// How; `None` for `in`.
    pub bound: Option<Bound>,
    /// The right one.
    pub right: Spanned<Json>,
}

/// Lowers the condition at `node`, whose key stands at `key`.
pub(super) fn lower(key: Span, node: Node<'_>, work: &mut Lower<'_>) -> ConditionPlan {
    let mut plan = ConditionPlan {
        condition: None,
        key,
        span: node.span(),
        pairs: Vec::new(),
        bare: Vec::new(),
    };
    match node.kind() {
        Kind::Bool(value) => plan.condition = Some(Condition::Is(Json::Bool(*value))),
        Kind::Str { value, .. } => match parse_condition(value) {
            Ok(test) => plan.condition = resolve(node, test, &mut plan, work),
            Err(fault) => work.fault(node, fault),
        },
        _ => work.wrong_kind(node, "a condition such as `poll.state == \"done\"`"),
    }
    plan
}

/// Lowers a value that is written as in a condition.
pub(super) fn operand(node: Node<'_>, work: &mut Lower<'_>) -> Option<Json> {
    let Some(text) = node.as_str() else {
        work.wrong_kind(node, "a list, or the name of one, such as `list.ids`");
        return None;
    };
    match parse_operand(text) {
        Ok(operand) => value(node, operand, work).map(|value| value.value),
        Err(fault) => {
            work.fault(node, fault);
            None
        }
    }
}

fn resolve(
    node: Node<'_>,
    test: Test,
    plan: &mut ConditionPlan,
    work: &mut Lower<'_>,
) -> Option<Condition> {
    match test {
        Test::All(parts) => each(node, parts, plan, work).map(Condition::All),
        Test::Any(parts) => each(node, parts, plan, work).map(Condition::Any),
        Test::Not(inner) => {
            resolve(node, *inner, plan, work).map(|inner| Condition::Not(Box::new(inner)))
        }
        Test::Compare { left, bound, right } => {
            let (left, right) = (value(node, left, work), value(node, right, work));
            let (left, right) = (left?, right?);
            plan.pairs.push(Pair { left: left.clone(), bound: Some(bound), right: right.clone() });
            Some(Condition::Compare { left: left.value, bound, right: right.value })
        }
        Test::In { value: of, list } => {
            let (left, right) = (value(node, of, work), value(node, list, work));
            let (left, right) = (left?, right?);
            plan.pairs.push(Pair { left: left.clone(), bound: None, right: right.clone() });
            Some(Condition::In { value: left.value, list: right.value })
        }
        Test::Is(of) => {
            let of = value(node, of, work)?;
            plan.bare.push(of.clone());
            Some(Condition::Is(of.value))
        }
    }
}

fn each(
    node: Node<'_>,
    parts: Vec<Test>,
    plan: &mut ConditionPlan,
    work: &mut Lower<'_>,
) -> Option<Vec<Condition>> {
    let parts: Vec<Option<Condition>> =
        parts.into_iter().map(|part| resolve(node, part, plan, work)).collect();
    parts.into_iter().collect()
}

fn value(node: Node<'_>, operand: Operand, work: &mut Lower<'_>) -> Option<Spanned<Json>> {
    let span = work.place(node, operand.range.clone());
    let json = match operand.value {
        OperandValue::Literal(json) => json,
        OperandValue::Name(head) => {
            let expr = Expr { range: operand.range, head, filters: Vec::new() };
            Json::Slot(work.slot(node, &expr, Site::Condition)?)
        }
        OperandValue::List(items) => {
            let items: Vec<Option<Spanned<Json>>> =
                items.into_iter().map(|item| value(node, item, work)).collect();
            let items: Option<Vec<_>> = items.into_iter().collect();
            Json::List(items?.into_iter().map(|item| item.value).collect())
        }
    };
    Some(Spanned::new(json, span))
}
