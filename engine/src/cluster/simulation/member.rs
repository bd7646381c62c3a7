//! An agent of a simulation: its state machine, its clock and its node.

use std::collections::BTreeMap;

use super::node::Node;
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
    pub(super) agent: Agent,
    pub(super) node: Option<Node>,
    pub(super) seats: Vec<String>,
    /// Local time = offset + true time · (1 + ppm / 10⁶).
    offset: u64,
    ppm: u64,
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
    pub(super) fn new(at: usize, offset: u64, ppm: u64) -> Member {
        Member {
            agent: Agent::new(me(at), offset),
            node: None,
            seats: Vec::new(),
            offset,
            ppm,
            crashed: false,
            ended: false,
            paused_until: 0,
            cut_until: 0,
            next_step: u64::MAX,
            deaf: false,
            beats: BTreeMap::new(),
            allowed_until: 0,
        }
    }

    pub(super) fn local(&self, now: u64) -> Ticks {
        let drift = u128::from(now) * u128::from(self.ppm) / 1_000_000;
        self.offset + now + u64::try_from(drift).unwrap()
    }

    /// Returns the first true instant at which the local clock shows at least `local`.
    pub(super) fn true_time(&self, local: Ticks) -> u64 {
        if local == u64::MAX {
            return u64::MAX;
        }
        let since = u128::from(local.saturating_sub(self.offset)) * 1_000_000;
        u64::try_from(since.div_ceil(1_000_000 + u128::from(self.ppm))).unwrap() + 2
    }
}

pub(super) fn me(at: usize) -> Me {
    Me {
        name: format!("agent-{at}"),
        nonce: format!("nonce-{at}"),
        group: "default".to_owned(),
        ..Me::default()
    }
}
