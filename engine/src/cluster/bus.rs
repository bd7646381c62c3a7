//! The bus: subjects, requests and bounded inboxes, in-process or over NATS.

/// A connection to the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bus;

impl Bus {
    /// Returns an in-process bus of its own; clones share it.
    pub fn local() -> Bus {
        Bus
    }
}
