//! A YAML document as elements that know their bytes, and a cursor to walk them.

use std::ops::Range;

use super::entries::Entries;
use crate::source::{FileId, Span};

/// One element of a [`Tree`], by its place in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct ElementId(pub u32);

/// A parsed document. Aliases stay references, so a bomb of them costs nothing.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The text that it was parsed from.
    pub file: FileId,
    /// All elements.
    pub elements: Vec<Element>,
    /// The outermost one.
    pub root: ElementId,
    /// Whether a part of the plan could not be read, so that a name that is missing may stand there.
    pub gaps: bool,
}

/// A value with the bytes it was written in.
#[derive(Clone, Debug)]
pub struct Element {
    /// From its first to its last byte; for a mapping or list without brackets its first line counts in reports.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What an element is, by the YAML 1.2 core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number; the text is a valid JSON integer.
    Int(String),
    /// A number with a fraction or exponent; the text is a valid JSON number.
    Number(String),
    /// Anything else scalar. `plain` when written without quotes and not as a block.
    Str {
        /// The value after escapes and folding.
        value: String,
        /// Whether it was written plain.
        plain: bool,
    },
    /// A list.
    Seq(Vec<ElementId>),
    /// A mapping, in plan order, keys unique.
    Map(Entries),
    /// A reference to an anchored element.
    Alias(ElementId),
    /// Something already reported; later passes are silent about it.
    Hole,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: ElementId,
}

/// A place in a tree; aliases are followed.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    tree: &'a Tree,
    id: ElementId,
    written: ElementId,
}

impl Tree {
    /// Returns the cursor at the top.
    pub fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// Returns the cursor at `id`, behind any alias.
    pub fn node(&self, id: ElementId) -> Node<'_> {
        let mut target = id;
        // An alias refers to an earlier element, so the chain is shorter than the tree.
        while let Kind::Alias(next) = self.elements[target.0 as usize].kind {
            target = next;
        }
        Node { tree: self, id: target, written: id }
    }
}

impl<'a> Node<'a> {
    /// Returns what it is.
    pub fn kind(self) -> &'a Kind {
        &self.tree.elements[self.id.0 as usize].kind
    }

    /// Returns its id.
    pub fn id(self) -> ElementId {
        self.id
    }

    /// Returns the tree that it belongs to.
    pub fn tree(self) -> &'a Tree {
        self.tree
    }

    /// Returns where it is written; for an alias, the alias.
    pub fn span(self) -> Span {
        self.tree.elements[self.written.0 as usize].span
    }

    /// Returns where the value itself is written, behind any alias.
    pub fn value_span(self) -> Span {
        self.tree.elements[self.id.0 as usize].span
    }

    /// Returns the text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        match self.kind() {
            Kind::Str { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Returns the entries of a mapping; none for anything else.
    pub fn entries(self) -> impl Iterator<Item = (&'a Entry, Node<'a>)> {
        let entries: &'a [Entry] = match self.kind() {
            Kind::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(move |entry| (entry, self.tree.node(entry.value)))
    }

    /// Returns the items of a list; none for anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        let items: &'a [ElementId] = match self.kind() {
            Kind::Seq(items) => items,
            _ => &[],
        };
        items.iter().map(move |id| self.tree.node(*id))
    }

    /// Returns the entry of a mapping named `key`.
    pub fn entry(self, key: &str) -> Option<(&'a Entry, Node<'a>)> {
        let Kind::Map(entries) = self.kind() else { return None };
        let entry = entries.find(key)?;
        Some((entry, self.tree.node(entry.value)))
    }

    /// Returns the value of a mapping's `key`; `None` too when it is a hole.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.entry(key).map(|(_, node)| node).filter(|node| !node.is_hole())
    }

    /// Returns whether it was reported already.
    pub fn is_hole(self) -> bool {
        matches!(self.kind(), Kind::Hole)
    }
}

/// Maps a range of a scalar's value (bytes) to the bytes that wrote it; see [`crate::syntax::ValueMap::span`].
pub type ValueRange = Range<usize>;
