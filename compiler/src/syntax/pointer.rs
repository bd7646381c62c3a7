//! (pure) JSON pointer → the place in a [`Tree`] that it names, with the spans of key and value.

use super::tree::{ElementId, Kind, Node, Tree};
use crate::source::Span;

/// What a pointer names.
#[derive(Clone, Copy, Debug)]
pub struct Pointed<'a> {
    /// The value, aliases followed.
    pub node: Node<'a>,
    /// The element as written, which may be an alias.
    pub written: ElementId,
    /// Where the key stands, for an entry of a mapping.
    pub key_span: Option<Span>,
}

impl Tree {
    /// Returns what the JSON pointer `pointer` (RFC 6901) names; `None` when there is no such place.
    pub fn pointer(&self, pointer: &str) -> Option<Pointed<'_>> {
        let mut at = Pointed { node: self.root(), written: self.root, key_span: None };
        if pointer.is_empty() {
            return Some(at);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            at = match at.node.kind() {
                Kind::Map(entries) => {
                    let key = decoded(token);
                    let entry = entries.find(&key)?;
                    let node = self.node(entry.value);
                    Pointed { node, written: entry.value, key_span: Some(entry.key_span) }
                }
                Kind::Seq(items) => {
                    let id = *items.get(token.parse::<usize>().ok()?)?;
                    Pointed { node: self.node(id), written: id, key_span: None }
                }
                _ => return None,
            };
        }
        Some(at)
    }
}

/// Returns the key that a token of a JSON pointer spells.
pub(crate) fn decoded(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Diagnostics;
    use crate::source::{FileId, Source};
    use crate::syntax::parse;

    #[test]
    fn names_keys_items_and_what_is_behind_aliases() {
        let text = "a: &x\n  - b/c: 1\n  - ~\nd: *x\n";
        let source = Source::new(FileId(0), "p.yaml", text);
        let tree = parse(&source, &mut Diagnostics::new()).unwrap();
        let found = tree.pointer("/d/0/b~1c").unwrap();
        assert_eq!(source.slice(found.node.span()), "1");
        assert_eq!(source.slice(found.key_span.unwrap()), "b/c");
        assert_eq!(source.slice(tree.pointer("/d").unwrap().node.span()), "*x");
        assert!(tree.pointer("").is_some());
        for absent in ["a", "/d/2", "/d/x", "/e", "/a/0/b"] {
            assert!(tree.pointer(absent).is_none(), "{absent}");
        }
    }
}
