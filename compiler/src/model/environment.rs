//! [pure] `--environment`: a named overlay on the plan; maps merge, everything else is replaced, spans stay.

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::Source;
use crate::syntax::{Element, ElementId, Entry, Kind, Tree};

/// Deepest mapping that is merged; the language nests less.
const DEPTH_MAX: usize = 32;

/// Returns `tree` with the environment `name` merged over it; an unknown name is reported.
pub(super) fn overlay(
    tree: &Tree,
    name: &str,
    source: &Source,
    sink: &mut Diagnostics,
) -> Option<Tree> {
    let top = tree.root();
    let section = top.entry("environments");
    if section.is_some_and(|(_, node)| node.is_hole()) {
        return None;
    }
    let Some((_, over)) = section.and_then(|(_, node)| node.entry(name)) else {
        let known = section.map(|(_, node)| node.entries().map(|(entry, _)| entry.key.as_str()));
        let help = match did_you_mean(name, known.into_iter().flatten()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "declare it under `environments`".to_owned(),
        };
        let span = section.map_or(source.span(0, 0), |(entry, _)| entry.key_span);
        let message = format!("the plan has no environment `{name}`");
        sink.push(
            Diagnostic::error("plan::override::unknown", span, message)
                .label("not declared here")
                .help(help),
        );
        return None;
    };
    if over.is_hole() {
        return None;
    }
    let mut merged = tree.clone();
    let over = over.id();
    merged.root = merge(&mut merged, tree.root().id(), over, 0);
    Some(merged)
}

/// Returns a new element: the mapping `base` with the entries of the mapping `over`.
fn merge(tree: &mut Tree, base: ElementId, over: ElementId, depth: usize) -> ElementId {
    let kinds = (tree.node(base).kind().clone(), tree.node(over).kind().clone());
    let (Kind::Map(mut entries), Kind::Map(added)) = kinds else { return over };
    if depth > DEPTH_MAX {
        return over;
    }
    for entry in added {
        match entries.iter().position(|known| known.key == entry.key) {
            Some(at) => {
                let value = merge(tree, entries[at].value, entry.value, depth + 1);
                entries[at] = Entry { value, ..entry };
            }
            None => entries.push(entry),
        }
    }
    let span = tree.node(base).value_span();
    let id = ElementId(u32::try_from(tree.elements.len()).unwrap_or(u32::MAX));
    tree.elements.push(Element { span, kind: Kind::Map(entries) });
    id
}
