//! (pure) What a node holds of one scenario: the share of its seats, or a takeover, and what it decided of it.

use std::collections::BTreeMap;

use compiler::artifact::Scenario;
use compiler::schedule::Closed;

use super::plan::{Numbering, Plan};
use super::takeover::part_of;
use super::{Cuts, Fate, Takeover};
use crate::metrics::{Arrivals, LedgerRow};

/// Most lanes that one node may have; a row that says more is refused.
pub const LANES_MAX: u32 = 4096;

/// Slots of one scenario on one node, from one arrival to another.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    /// The seat that the slots belong to; of a node with several seats nothing is ever handed over.
    pub(super) seat: String,
    /// Which of the seat's slots, as in [`Takeover::parts`].
    pub(super) parts: Vec<(u32, u32)>,
    /// Counted from the scenario's first, ascending.
    slots: Vec<u32>,
    /// First arrival that it holds.
    pub(super) from: u64,
    /// When it begins, in nanoseconds since the run's start.
    at_ns: u64,
    /// First arrival that it holds no more, and since when, in nanoseconds since the run's start; `None` to the end.
    pub(super) until: Option<(u64, u64)>,
    /// Whether it was taken over, and its node may have heard of it.
    pub(super) told: Option<bool>,
    lanes: BTreeMap<u32, LedgerRow>,
}

impl Holding {
    /// Returns the share of a node's seats, all of it from the first arrival on.
    pub(super) fn home(seats: &[String], slots: Vec<u32>) -> Holding {
        let seat = if let [only] = seats { only.clone() } else { String::new() };
        Holding {
            seat,
            parts: Vec::new(),
            slots,
            from: 0,
            at_ns: 0,
            until: None,
            told: None,
            lanes: BTreeMap::new(),
        }
    }

    /// Returns a takeover that nobody has been told of yet.
    pub(super) fn taken(takeover: &Takeover, scenario: &Scenario) -> Holding {
        Holding {
            slots: takeover.slots(scenario),
            seat: takeover.seat.clone(),
            parts: takeover.parts.clone(),
            from: takeover.from,
            at_ns: takeover.at_ns,
            until: None,
            told: Some(false),
            lanes: BTreeMap::new(),
        }
    }

    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// Returns the rows that were heard.
    pub(super) fn heard(&self) -> impl Iterator<Item = &LedgerRow> {
        self.lanes.values()
    }

    /// Returns what the lane of `row` has decided in all once `row` is added.
    ///
    /// # Errors
    /// The row does not follow on what was said before.
    pub(super) fn added(&self, plan: &Plan, row: &LedgerRow) -> Result<LedgerRow, &'static str> {
        if row.lane >= row.lanes || row.lanes > LANES_MAX {
            return Err("no such lane");
        }
        if self.lanes.values().next().is_some_and(|known| known.lanes != row.lanes) {
            return Err("the number of lanes has changed");
        }
        let mut sum = self.lanes.get(&row.lane).copied().unwrap_or_else(|| row.emptied());
        if row.upto < sum.upto {
            return Err("the frontier goes back");
        }
        sum.add(row).ok_or("a counter overflows")?;
        let decided = decided(&sum).ok_or("a counter overflows")?;
        if sum.succeeded.saturating_add(sum.failed) > sum.started {
            return Err("more ended than started");
        }
        let below = self.below(plan, &sum);
        let fits = match plan.numbering {
            Numbering::Ordered => decided == below(sum.upto),
            Numbering::ByUser => decided <= below(plan.planned),
            Numbering::Timed => true,
        };
        if !fits {
            return Err("the counts are not those of the arrivals below the frontier");
        }
        let ends = self.until.map_or(plan.planned, |(number, _)| number);
        if plan.numbering == Numbering::Ordered && decided > below(ends) {
            return Err("arrivals are decided that were handed over before");
        }
        Ok(sum)
    }

    /// Takes the sum of a lane.
    pub(super) fn put(&mut self, sum: LedgerRow) {
        self.lanes.insert(sum.lane, sum);
    }

    /// Returns the sums by lane; a lane that has not been heard of has decided nothing.
    pub(super) fn rows(&self) -> Vec<LedgerRow> {
        let first = self.lanes.values().next().copied().unwrap_or_default();
        let nothing = LedgerRow { lanes: first.lanes.max(1), ..first.emptied() };
        let row = |lane| self.lanes.get(&lane).copied().unwrap_or(LedgerRow { lane, ..nothing });
        (0..nothing.lanes).map(row).collect()
    }

    /// Returns whether it was taken over by a node that, by all that is known of it, never did anything of it.
    fn is_untaken(&self, fate: Fate) -> bool {
        let known = !matches!(fate, Fate::Lost { .. });
        self.lanes.is_empty() && self.told.is_some_and(|told| known || !told)
    }

    /// Puts everything that it holds under what became of it.
    pub(super) fn settle(&self, plan: &Plan, cuts: &Cuts, sum: &mut Arrivals) {
        for row in self.rows() {
            sum.started += row.started;
            sum.succeeded += row.succeeded;
            sum.failed += row.failed;
            sum.dropped_by.late += row.dropped_late;
            sum.dropped_by.full += row.dropped_full;
            if self.told.is_some() {
                sum.redistributed += row.started;
            }
            if plan.numbering == Numbering::Timed {
                continue;
            }
            let below = self.decided_or_below(plan, &row);
            let (horizon, stop) = self.cuts(&row, cuts);
            let (from, horizon) = (below(0), below(horizon));
            let (stop, end) = (below(stop), below(plan.planned));
            sum.unaccounted += horizon - from;
            let reason = match cuts.fate {
                _ if self.is_untaken(cuts.fate) => &mut sum.dropped_by.lost,
                Fate::Reported if self.until.is_some() => &mut sum.dropped_by.lost,
                Fate::Reported => &mut sum.dropped_by.stopped,
                Fate::Fenced => &mut sum.dropped_by.lease,
                Fate::Left | Fate::Lost { .. } => &mut sum.dropped_by.lost,
            };
            *reason += stop - horizon;
            sum.dropped_by.stopped += end - stop;
        }
    }

    /// Returns the first number that the node cannot have sent, and the first that was stopped.
    fn cuts(&self, row: &LedgerRow, cuts: &Cuts) -> (u64, u64) {
        if row.over_ms.is_some() {
            // Of a lane that is over, nothing more was sent: what is left was stopped.
            return (0, 0);
        }
        let horizon = if self.is_untaken(cuts.fate) { 0 } else { cuts.horizon };
        (horizon, cuts.stop.max(horizon))
    }

    /// Adds to `dropped`, for each pair of neighbours in `edges`, the undecided arrivals between them that are dropped.
    pub(super) fn undecided(&self, plan: &Plan, cuts: &Cuts, edges: &[u64], dropped: &mut [u64]) {
        for row in self.rows() {
            let below = self.decided_or_below(plan, &row);
            let (unknown_below, _) = self.cuts(&row, cuts);
            let below = |number: u64| below(number.max(unknown_below));
            for (count, edge) in dropped.iter_mut().zip(edges.windows(2)) {
                *count += below(edge[1]) - below(edge[0]);
            }
        }
    }

    /// Returns the time between `from_ns` and `to_ns`, of the scenario's own clock, in which its users were to be active.
    pub(super) fn user_time_ns(
        &self,
        plan: &Plan,
        closed: &Closed,
        from_ns: u64,
        to_ns: u64,
    ) -> u64 {
        let owned = |user: &u32| self.slots.binary_search(&(user % plan.slot_count.max(1))).is_ok();
        let spans = (0..closed.users_max()).filter(owned).flat_map(|user| closed.user_spans(user));
        let within = spans.map(|(start, end)| end.min(to_ns).saturating_sub(start.max(from_ns)));
        within.fold(0, u64::saturating_add)
    }

    /// Returns when it begins, in nanoseconds since the run's start.
    pub(super) fn at_ns(&self) -> u64 {
        self.at_ns
    }

    /// Returns how many of the held arrivals of a lane lie below a number.
    fn below(&self, plan: &Plan, row: &LedgerRow) -> impl Fn(u64) -> u64 {
        let slots = part_of(&self.slots, row.lane, row.lanes);
        let before = plan.owned_below(&slots, self.from);
        move |number| plan.owned_below(&slots, number).saturating_sub(before)
    }

    /// Returns how many of the held arrivals of the lane of `row` have been decided or lie below a number.
    fn decided_or_below(&self, plan: &Plan, row: &LedgerRow) -> impl Fn(u64) -> u64 {
        let below = self.below(plan, row);
        let ends = self.until.map_or(plan.planned, |(number, _)| number);
        let known = match plan.numbering {
            Numbering::Ordered | Numbering::Timed => below(row.upto),
            Numbering::ByUser => decided(row).unwrap_or(u64::MAX),
        };
        move |number| below(number.min(ends)).max(known)
    }
}

fn decided(row: &LedgerRow) -> Option<u64> {
    row.started.checked_add(row.dropped_late)?.checked_add(row.dropped_full)
}
