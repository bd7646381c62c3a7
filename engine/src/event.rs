//! What progress, logs and the live page ever see of a run.

use serde::Serialize;

/// Something that happened in a run, as the coordinator saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunEvent {
    /// When, in microseconds since the coordinator began.
    pub at_us: u64,
    /// Name of the node it is about; `None` for the whole run.
    pub node: Option<String>,
    /// What happened.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// The coordinator waits for agents to take these seats.
    Waiting {
        /// Seats that nobody has taken.
        seats: Vec<String>,
    },
    /// A node enrolled, or one that stood by was given a seat.
    Joined {
        /// Its seats; empty for a standby.
        seats: Vec<String>,
    },
    /// A node has everything it needs.
    Ready,
    /// The start was agreed; the load starts this many microseconds later.
    Armed {
        /// Time until the start, in microseconds.
        in_us: u64,
    },
    /// The load has started.
    Started,
    /// One second of the run is complete on all nodes that still serve.
    Tick(Tick),
    /// No beat for a while; its load goes on under its lease.
    Suspect,
    /// A suspect node was heard again.
    Back,
    /// The node's lease has ended unheard: it is out of this run.
    Lost {
        /// Why it counts as lost.
        reason: String,
    },
    /// The node takes over arrivals of one that was lost.
    TakesOver {
        /// Name of the lost one.
        from: String,
        /// Seats whose arrivals they are, all or a part of them.
        seats: Vec<String>,
    },
    /// Nothing more is started; what runs may end.
    Stopping {
        /// Why.
        reason: String,
    },
    /// A scenario that waited for the end of another starts this many microseconds later.
    ScenarioStarts {
        /// Its name.
        scenario: String,
        /// Time until its start, in microseconds.
        in_us: u64,
    },
    /// Nothing more of a scenario is started; the others go on.
    ScenarioStopped {
        /// Its name.
        scenario: String,
        /// Why.
        reason: String,
    },
    /// The node has no transaction running any more.
    Drained,
    /// The node's final report is here; without a node: the run is over.
    Finished,
    /// The coordinator has lost the broker.
    BrokerAway,
    /// The broker is back after this many microseconds.
    BrokerBack {
        /// How long it was away, in microseconds.
        away_us: u64,
    },
    /// Something went wrong without failing the run.
    Warning {
        /// A code such as `message-refused`.
        code: String,
        /// What went wrong.
        message: String,
    },
}

/// Counts of one second of the run over all scenarios and nodes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tick {
    /// The second, from 0, counted from the start of the load.
    pub second: u32,
    /// Arrivals sent in it.
    pub started: u64,
    /// Transactions that ended well in it.
    pub succeeded: u64,
    /// Transactions that ended badly in it.
    pub failed: u64,
    /// Arrivals due in it that were dropped.
    pub dropped: u64,
    /// Transactions running at its end.
    pub in_flight: u64,
}
