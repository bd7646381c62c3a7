//! (pure) The sections of parts become sections of the plan's tree; spans keep the file that they are in.

use std::collections::BTreeMap;

use super::{SECTIONS, is_map};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::{Element, ElementId, Entry, Kind, Tree};

/// Returns `plan` with what `parts` declare; a name declared twice is reported and counts once.
pub(super) fn merge(mut plan: Tree, parts: Vec<Tree>, sink: &mut Diagnostics) -> Tree {
    if parts.is_empty() {
        return plan;
    }
    let roots: Vec<ElementId> = parts.into_iter().map(|part| append(&mut plan, part)).collect();
    for section in SECTIONS {
        let own = find(&plan, plan.root, section);
        let added: Vec<Entry> =
            roots.iter().filter_map(|root| find(&plan, *root, section)).collect();
        let Some(first) = own.as_ref().or(added.first()).cloned() else { continue };
        let joined = join(&plan, own.iter().chain(&added), section, sink);
        let span = plan.node(first.value).value_span();
        let value = push(&mut plan, Element { span, kind: joined });
        let root = plan.root.0 as usize;
        if let Kind::Map(entries) = &mut plan.elements[root].kind {
            entries.retain(|entry| entry.key != section);
            entries.push(Entry { value, ..first });
        }
    }
    plan
}

/// Returns all entries of sections; a hole if one of them is broken, so that nothing is said of names that it may hold.
fn join<'e>(
    tree: &Tree,
    sections: impl Iterator<Item = &'e Entry>,
    section: &str,
    sink: &mut Diagnostics,
) -> Kind {
    let mut joined: Vec<Entry> = Vec::new();
    let mut places: BTreeMap<String, Span> = BTreeMap::new();
    let mut whole = true;
    for node in sections.map(|entry| tree.node(entry.value)) {
        whole &= is_map(node);
        for (entry, _) in node.entries() {
            match places.get(&entry.key) {
                Some(first) => sink.push(twice(section, entry, *first)),
                None => {
                    places.insert(entry.key.clone(), entry.key_span);
                    joined.push(entry.clone());
                }
            }
        }
    }
    if whole { Kind::Map(joined.into()) } else { Kind::Hole }
}

fn twice(section: &str, entry: &Entry, first: Span) -> Diagnostic {
    let message = format!("`{section}` declares `{}` twice", entry.key);
    Diagnostic::error("plan::name::duplicate", entry.key_span, message)
        .label("declared again")
        .also(first, "first declared here")
        .help("give one of them another name, or take it out")
}

fn find(tree: &Tree, root: ElementId, key: &str) -> Option<Entry> {
    tree.node(root).entry(key).map(|(entry, _)| entry.clone())
}

/// Appends the elements of `part`, and returns its root.
fn append(plan: &mut Tree, part: Tree) -> ElementId {
    let base = u32::try_from(plan.elements.len()).unwrap_or(u32::MAX);
    let moved = |id: ElementId| ElementId(id.0.saturating_add(base));
    for mut element in part.elements {
        match &mut element.kind {
            Kind::Seq(items) => items.iter_mut().for_each(|item| *item = moved(*item)),
            Kind::Map(entries) => entries.iter_mut().for_each(|e| e.value = moved(e.value)),
            Kind::Alias(target) => *target = moved(*target),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Number(_)
            | Kind::Str { .. }
            | Kind::Hole => {}
        }
        plan.elements.push(element);
    }
    moved(part.root)
}

fn push(tree: &mut Tree, element: Element) -> ElementId {
    let id = ElementId(u32::try_from(tree.elements.len()).unwrap_or(u32::MAX));
    tree.elements.push(element);
    id
}
