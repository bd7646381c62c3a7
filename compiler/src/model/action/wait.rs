//! (pure) `wait`: lets time pass.

use crate::artifact::WaitAction;
use crate::model::lower::Lower;
use crate::syntax::Node;

/// Lowers a length, or one drawn from the seed.
pub(super) fn lower(node: Node<'_>, work: &mut Lower<'_>) -> Option<WaitAction> {
    let Some(uniform) = node.get("uniform") else {
        return Some(WaitAction::Constant { length_ns: work.length(node)?.value });
    };
    let ends: Vec<_> = uniform.items().map(|item| work.length(item)).collect();
    let [min, max] = ends.as_slice() else { return None };
    let (min, max) = ((*min)?, (*max)?);
    if min.value > max.value {
        let message = "the shortest wait is longer than the longest".to_owned();
        work.out_of_range(uniform.span(), message, "write the shorter one first: `[1s, 3s]`");
        return None;
    }
    Some(WaitAction::Uniform { min_ns: min.value, max_ns: max.value })
}
