//! Text → [`Tree`]: YAML events with spans, and from a scalar's value back to its bytes.

mod tree;

pub use self::tree::{Element, ElementId, Entry, Kind, Node, Tree, ValueRange};
