//! (pure) The entries of a mapping in plan order, found by key without walking them all.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use super::tree::Entry;

/// Entries up to which walking them is as fast as an index.
const WALKED_MAX: usize = 16;

/// The entries of a mapping.
#[derive(Debug, Default)]
pub struct Entries {
    list: Vec<Entry>,
    /// Place by key; made when first asked for, and dropped when the entries change.
    index: OnceLock<BTreeMap<String, usize>>,
}

impl Entries {
    /// Returns the entry named `key`.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        if self.list.len() <= WALKED_MAX {
            return self.list.iter().find(|entry| entry.key == key);
        }
        let index = self.index.get_or_init(|| {
            let places = self.list.iter().enumerate().rev();
            // Backwards, so that the first of two stays.
            places.map(|(at, entry)| (entry.key.clone(), at)).collect()
        });
        self.list.get(*index.get(key)?)
    }
}

impl From<Vec<Entry>> for Entries {
    fn from(list: Vec<Entry>) -> Entries {
        Entries { list, index: OnceLock::new() }
    }
}

impl Clone for Entries {
    fn clone(&self) -> Entries {
        Entries::from(self.list.clone())
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Entries) -> bool {
        self.list == other.list
    }
}

impl Deref for Entries {
    type Target = Vec<Entry>;

    fn deref(&self) -> &Vec<Entry> {
        &self.list
    }
}

impl DerefMut for Entries {
    fn deref_mut(&mut self) -> &mut Vec<Entry> {
        self.index.take();
        &mut self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};
    use crate::syntax::ElementId;

    #[test]
    fn many_entries_are_found_also_after_a_change() {
        let entry = |n: u32| {
            let key_span = Span { file: FileId(0), lo: n, hi: n };
            Entry { key: format!("k{n}"), key_span, value: ElementId(n) }
        };
        let mut entries = Entries::from((0..100).map(entry).collect::<Vec<Entry>>());
        assert_eq!(entries.find("k77").map(|found| found.value), Some(ElementId(77)));
        assert!(entries.find("k100").is_none());
        entries.push(entry(100));
        assert_eq!(entries.find("k100").map(|found| found.value), Some(ElementId(100)));
    }
}
