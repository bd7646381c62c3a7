//! An agent of a simulation: its state machine, its clock and its node.

use std::collections::BTreeMap;

use super::node::Node;
use super::resume::Shelf;
use super::world::PPM_MAX;
use crate::clock::Ticks;
use crate::cluster::agent::state::{Agent, Me};

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Crash(usize),
    Pause(usize, u64),
    Partition(usize, u64),
    Broker(u64),
    Coordinator,
    Interrupt(usize),
}

/// An agent, its clock and its node.
pub(super) struct Member {
    pub(super) me: Me,
    pub(super) agent: Agent,
    pub(super) node: Option<Node>,
    /// When the process came up.
    pub(super) up_from: u64,
    /// Local time = offset + true time · rate / 10⁶.
    offset: u64,
    rate: u64,
    /// What it keeps because nobody took it.
    pub(super) shelf: Shelf,
    pub(super) crashed: bool,
    pub(super) ended: bool,
    pub(super) paused_until: u64,
    pub(super) cut_until: u64,
    pub(super) next_step: u64,
    /// A mutant that was just told to stop because its lease has ended.
    pub(super) deaf: bool,
    /// True instants at which beats were sent.
    pub(super) beats: BTreeMap<u64, u64>,
    /// True end of what the coordinator's answers allow.
    pub(super) allowed_until: u64,
}

impl Member {
    /// Returns a process that comes up at `from`.
    pub(super) fn new(me: Me, offset: u64, ppm: u64, from: u64) -> Member {
        Member {
            agent: Agent::new(me.clone(), offset, Vec::new()),
            me,
            node: None,
            up_from: from,
            offset,
            rate: 1_000_000 - PPM_MAX / 2 + ppm,
            shelf: Shelf::new(),
            crashed: false,
            ended: false,
            paused_until: from,
            cut_until: 0,
            next_step: u64::MAX,
            deaf: false,
            beats: BTreeMap::new(),
            allowed_until: 0,
        }
    }

    pub(super) fn local(&self, now: u64) -> Ticks {
        let own = u128::from(now) * u128::from(self.rate) / 1_000_000;
        self.offset + u64::try_from(own).unwrap()
    }

    /// Returns the first true instant at which the local clock shows at least `local`.
    pub(super) fn true_time(&self, local: Ticks) -> u64 {
        if local == u64::MAX {
            return u64::MAX;
        }
        let since = u128::from(local.saturating_sub(self.offset)) * 1_000_000;
        u64::try_from(since.div_ceil(u128::from(self.rate))).unwrap() + 2
    }
}

/// Returns who the agent of this number is, in its `life`th process.
pub(super) fn me(at: usize, life: u32) -> Me {
    Me {
        name: format!("agent-{at}"),
        nonce: format!("nonce-{at}-{life}"),
        group: "default".to_owned(),
        ..Me::default()
    }
}
