//! (pure) What the ledger needs of a scenario: how many arrivals there are, and whose they are.

use compiler::artifact::{ClosedStage, Load, Scenario};
use compiler::schedule::{Closed, owned_below};

use super::LedgerError;
use crate::metrics::{Arrivals, DroppedBy};

/// What the ledger needs of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    name: String,
    pub(super) planned: u64,
    /// Largest population of a closed load.
    users: Option<u64>,
    pub(super) numbering: Numbering,
    pub(super) slot_count: u32,
    /// The population of timed stages.
    pub(super) timed: Option<Closed>,
}

/// How the decisions of a lane go through its arrivals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Numbering {
    /// In the order of their numbers: what is decided lies below the frontier.
    Ordered,
    /// Each user in its own order: how many are decided is known, which ones is not. The frontier stays 0.
    ByUser,
    /// Timed stages of a closed load: how many will start is not known. The frontier stays 0.
    Timed,
}

impl Plan {
    pub(super) fn new(name: &str, scenario: &Scenario) -> Plan {
        let mut timed = None;
        let (users, numbering) = match &scenario.load {
            Load::Open(_) => (None, Numbering::Ordered),
            Load::Observe { .. } => (None, Numbering::Timed),
            Load::Closed(closed) => {
                let numbering = match closed.stages.as_slice() {
                    [ClosedStage::Count { .. }] => Numbering::Ordered,
                    [ClosedStage::CountEach { .. }] => Numbering::ByUser,
                    _ => {
                        timed = Some(Closed::new(closed));
                        Numbering::Timed
                    }
                };
                (Some(u64::from(closed.users_max)), numbering)
            }
        };
        Plan {
            name: name.to_owned(),
            planned: scenario.planned,
            users,
            numbering,
            slot_count: scenario.slot_count,
            timed,
        }
    }

    /// Returns how many arrivals below `n` lie in `slots` (counted from the scenario's first slot).
    pub(super) fn owned_below(&self, slots: &[u32], n: u64) -> u64 {
        let n = n.min(self.planned);
        let Some(users) = self.users else { return owned_below(slots, self.slot_count, n) };
        if users == 0 {
            return 0;
        }
        let of_cycle = owned_below(slots, self.slot_count, users);
        n / users * of_cycle + owned_below(slots, self.slot_count, n % users)
    }

    /// Derives the sums from their parts and checks that they are the plan's.
    pub(super) fn close(&self, mut sum: Arrivals) -> Result<Arrivals, LedgerError> {
        let by = sum.dropped_by;
        let DroppedBy { late, full, lease, lost, stopped } = by;
        sum.dropped = late + full + lease + lost + stopped;
        let decided = sum.started + sum.dropped + sum.unaccounted;
        sum.planned = if self.numbering == Numbering::Timed { decided } else { self.planned };
        let wrong = |what| LedgerError::Sum { scenario: self.name.clone(), what };
        if decided != sum.planned {
            let planned = sum.planned;
            return Err(wrong(format!("{decided} arrivals of {planned} planned")));
        }
        let ended = sum.succeeded + sum.failed;
        sum.unfinished = sum
            .started
            .checked_sub(ended)
            .ok_or_else(|| wrong(format!("{ended} ended of {} started", sum.started)))?;
        Ok(sum)
    }
}
