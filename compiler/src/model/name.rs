//! (pure) Sections of named things, and names that are taken.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parts::SECTIONS;
use crate::source::{Span, Spanned};
use crate::syntax::Node;
use crate::template::ROOTS;

/// Named things in plan order.
#[derive(Clone, Debug)]
pub struct Section<T> {
    /// The things.
    pub items: Vec<Named<T>>,
    /// Whether nothing of it was lost to an error; otherwise a name that is missing may have stood there.
    pub complete: bool,
    /// Where the section's key stands, if the plan has the section.
    pub span: Option<Span>,
    /// Places in `items` by name.
    pub(super) places: BTreeMap<String, usize>,
}

/// A thing with its name.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The thing; `None` when it is broken, which has been reported.
    pub value: Option<T>,
}

impl<T> Default for Section<T> {
    fn default() -> Section<T> {
        Section { items: Vec::new(), complete: true, span: None, places: BTreeMap::new() }
    }
}

impl<T> Section<T> {
    /// Lowers the section `key` of `top` one entry after the other.
    pub(crate) fn lower(
        top: Node<'_>,
        key: &str,
        mut each: impl FnMut(&str, Node<'_>) -> Option<T>,
    ) -> Section<T> {
        // What a part that cannot be read declares is not known.
        let known = !(top.tree().gaps && SECTIONS.contains(&key));
        let Some((entry, node)) = top.entry(key) else {
            return Section { complete: known, ..Section::default() };
        };
        let complete = known && !node.is_hole();
        let mut section = Section { complete, span: Some(entry.key_span), ..Section::default() };
        for (entry, value) in node.entries() {
            let value = if value.is_hole() { None } else { each(&entry.key, value) };
            section.push(Named { name: entry.key.clone(), span: entry.key_span, value });
        }
        section
    }

    /// Adds a thing; of two with one name the first is found.
    pub(crate) fn push(&mut self, item: Named<T>) {
        self.places.entry(item.name.clone()).or_insert(self.items.len());
        self.items.push(item);
    }

    /// Returns whether nothing of it was lost to an error.
    pub fn is_whole(&self) -> bool {
        self.complete && self.items.iter().all(|item| item.value.is_some())
    }

    /// Returns the thing named `name`, broken or not.
    pub fn get(&self, name: &str) -> Option<&Named<T>> {
        self.items.get(*self.places.get(name)?)
    }

    /// Returns the thing named `name`, broken or not.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Named<T>> {
        self.items.get_mut(*self.places.get(name)?)
    }

    /// Returns what is named `name` if it is whole.
    pub fn value(&self, name: &str) -> Option<&T> {
        self.get(name).and_then(|item| item.value.as_ref())
    }

    /// Returns the names in plan order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.name.as_str())
    }

    /// Returns the things that are whole, with their names.
    pub fn whole(&self) -> impl Iterator<Item = (&Named<T>, &T)> {
        self.items.iter().filter_map(|item| item.value.as_ref().map(|value| (item, value)))
    }
}

/// Reports a step's name that templates read as something else; the patterns of names are the schema's to check.
pub(crate) fn check_step_name(name: &Spanned<String>, sink: &mut Diagnostics) {
    if ROOTS.contains(&name.value.as_str()) {
        let message = format!("`{}` cannot be the name of a step", name.value);
        let help =
            format!("templates read `{}` as something else; choose another name", name.value);
        let found = Diagnostic::error("plan::name::reserved", name.span, message);
        sink.push(found.label("reserved").help(help));
    }
}
