//! (pure) Text → [`Tree`]: YAML events with spans, and from a scalar's value back to its bytes.

mod cause;
mod character;
mod entries;
mod layout;
mod leftover;
mod pointer;
mod recover;
mod scalar;
mod trap;
mod tree;
mod unquoted;
mod value_map;
mod yaml;

pub use self::entries::Entries;
pub use self::pointer::Pointed;
pub(crate) use self::pointer::decoded;
pub use self::tree::{Element, ElementId, Entry, Kind, Node, Tree, ValueRange};
pub use self::value_map::ValueMap;

use crate::diagnostic::Diagnostics;
use crate::source::Source;

/// Parses a plan's text, and reports everything that keeps it from being one YAML document of plain data.
///
/// A broken value becomes a [`Kind::Hole`] where the rest of the text still says something; `None` when it does not.
pub fn parse(source: &Source, sink: &mut Diagnostics) -> Option<Tree> {
    recover::parse(source, sink)
}

#[cfg(test)]
mod tests;
