//! (pure) Arrivals decided so far, by scenario, lane and node; settles what nobody decided.
//!
//! What is known of a node is always one prefix of its decisions: the frontier of each lane, and what became of the
//! arrivals below it. Settling puts each arrival above a frontier under exactly one reason, so that
//! `planned = started + dropped + unaccounted` and `started = succeeded + failed + unfinished` hold whatever happened.

use std::collections::BTreeMap;

use compiler::artifact::{Artifact, ClosedStage, Load};
use compiler::schedule::owned_below;

use crate::metrics::{Arrivals, DroppedBy, LedgerRow};

const SECOND_NS: u64 = 1_000_000_000;

/// Most lanes that one node may have; a row that says more is refused.
pub const LANES_MAX: u32 = 4096;

/// Why a row or the whole ledger does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LedgerError {
    /// A row names what the artifact or the node does not have, or goes back.
    #[error("ledger row of scenario {scenario}, lane {lane} of {lanes}: {what}")]
    Row {
        /// Scenario.
        scenario: u32,
        /// Lane.
        lane: u32,
        /// Lanes.
        lanes: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// More was decided than was planned, or ended than was started.
    #[error("ledger of scenario `{scenario}` does not add up: {what}")]
    Sum {
        /// Name of the scenario.
        scenario: String,
        /// What does not.
        what: String,
    },
}

/// When arrivals are due: what settling needs of a schedule.
pub trait DueTimes {
    /// Returns the first arrival number of `scenario` due at or after `t_ns`, counted from the run's start; `None` if its arrivals have no due times.
    fn first_due_at_or_after(&self, scenario: usize, t_ns: u64) -> Option<u64>;
}

/// What became of a node, as far as its undecided arrivals are concerned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Everything it did is known, and it did what it was told.
    Reported,
    /// Everything it did is known; its lease had ended.
    Fenced,
    /// Everything it did is known; it left by itself.
    Left,
    /// Not everything is known: it may have sent what was due before the horizon.
    Lost {
        /// End of its lease and guard, on the run's clock in nanoseconds.
        horizon_ns: u64,
    },
}

/// Arrivals decided so far.
#[derive(Clone, Debug)]
pub struct Ledger {
    scenarios: Vec<Plan>,
    /// By node; then by scenario and lane.
    nodes: Vec<Node>,
}

/// What the ledger needs of a scenario.
#[derive(Clone, Debug)]
struct Plan {
    name: String,
    planned: u64,
    /// Largest population of a closed load.
    users: Option<u64>,
    numbering: Numbering,
    slot_count: u32,
}

/// How the decisions of a lane go through its arrivals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Numbering {
    /// In the order of their numbers: what is decided lies below the frontier.
    Ordered,
    /// Each user in its own order: how many are decided is known, which ones is not. The frontier stays 0.
    ByUser,
    /// Timed stages of a closed load: how many will start is not known. The frontier stays 0.
    Timed,
}

#[derive(Clone, Debug)]
struct Node {
    /// By scenario: the node's slots, counted from the scenario's first, ascending.
    slots: Vec<Vec<u32>>,
    lanes: BTreeMap<(u32, u32), LedgerRow>,
}

impl Ledger {
    /// Returns the ledger of a run of `artifact` on nodes with these seats; nothing is decided yet.
    pub fn new(artifact: &Artifact, nodes: &[Vec<String>]) -> Ledger {
        let scenarios = artifact.scenarios.iter().map(|(name, scenario)| {
            let (users, numbering) = match &scenario.load {
                Load::Open(_) => (None, Numbering::Ordered),
                Load::Observe { .. } => (None, Numbering::Timed),
                Load::Closed(closed) => {
                    let numbering = match closed.stages.as_slice() {
                        [ClosedStage::Count { .. }] => Numbering::Ordered,
                        [ClosedStage::CountEach { .. }] => Numbering::ByUser,
                        _ => Numbering::Timed,
                    };
                    (Some(u64::from(closed.users_max)), numbering)
                }
            };
            Plan {
                name: name.clone(),
                planned: scenario.planned,
                users,
                numbering,
                slot_count: scenario.slot_count,
            }
        });
        let nodes = nodes.iter().map(|seats| {
            let slots = artifact.scenarios.values().map(|scenario| {
                let owned = seats.iter().filter_map(|seat| scenario.seats.get(seat));
                let slots = owned.flat_map(|set| set.as_slice());
                let mut slots: Vec<u32> =
                    slots.map(|slot| slot.saturating_sub(scenario.slot_base)).collect();
                slots.sort_unstable();
                slots
            });
            Node { slots: slots.collect(), lanes: BTreeMap::new() }
        });
        Ledger { scenarios: scenarios.collect(), nodes: nodes.collect() }
    }

    /// Adds what `node` decided in one window; the rows must be of increasing frontiers.
    ///
    /// # Errors
    /// A row names an unknown scenario or lane, its frontier goes back, or its counts do not fit its frontier. Nothing
    /// of `rows` is taken then.
    pub fn apply(&mut self, node: usize, rows: &[LedgerRow]) -> Result<(), LedgerError> {
        let Some(entry) = self.nodes.get(node) else { return Ok(()) };
        let mut lanes = entry.lanes.clone();
        for row in rows {
            let bad = |what| LedgerError::Row {
                scenario: row.scenario,
                lane: row.lane,
                lanes: row.lanes,
                what,
            };
            let at = usize::try_from(row.scenario).unwrap_or(usize::MAX);
            let plan = self.scenarios.get(at).ok_or_else(|| bad("no such scenario"))?;
            if row.lane >= row.lanes || row.lanes > LANES_MAX {
                return Err(bad("no such lane"));
            }
            let sum = lanes
                .entry((row.scenario, row.lane))
                .or_insert(LedgerRow { upto: 0, ..skeleton(row) });
            if sum.lanes != row.lanes {
                return Err(bad("the number of lanes has changed"));
            }
            if row.upto < sum.upto {
                return Err(bad("the frontier goes back"));
            }
            add(sum, row).ok_or_else(|| bad("a counter overflows"))?;
            let decided = decided(sum).ok_or_else(|| bad("a counter overflows"))?;
            if sum.succeeded.saturating_add(sum.failed) > sum.started {
                return Err(bad("more ended than started"));
            }
            let slots = lane_slots(&entry.slots[at], sum);
            let fits = match plan.numbering {
                Numbering::Ordered => decided == plan.owned_below(&slots, sum.upto),
                Numbering::ByUser => decided <= plan.owned_below(&slots, plan.planned),
                Numbering::Timed => true,
            };
            if !fits {
                return Err(bad("the counts are not those of the arrivals below the frontier"));
            }
        }
        self.nodes[node].lanes = lanes;
        Ok(())
    }

    /// Returns the sums of all windows of `node`, by scenario and lane.
    pub fn rows(&self, node: usize) -> Vec<LedgerRow> {
        self.nodes.get(node).map(|node| node.lanes.values().copied().collect()).unwrap_or_default()
    }

    /// Puts every undecided arrival under a reason and returns the counts of each scenario.
    ///
    /// `fates` are of the nodes in order; `stops_ns` says by scenario when it was stopped early, on the run's clock; what
    /// it does not name was not.
    ///
    /// # Errors
    /// More was decided than planned.
    pub fn settle(
        &self,
        fates: &[Fate],
        stops_ns: &[Option<u64>],
        due: &dyn DueTimes,
    ) -> Result<Vec<Arrivals>, LedgerError> {
        let mut all = Vec::with_capacity(self.scenarios.len());
        for (at, plan) in self.scenarios.iter().enumerate() {
            let mut sum = Arrivals::default();
            let stop_ns = stops_ns.get(at).copied().flatten();
            for (node, fate) in self.nodes.iter().zip(fates) {
                let cuts = Cuts::new(plan, at, *fate, stop_ns, due);
                node.settle(plan, at, &cuts, &mut sum);
            }
            all.push(plan.close(sum)?);
        }
        Ok(all)
    }
}

impl Ledger {
    /// Returns when the last lane came to its end of a scenario, in milliseconds since the run's start; `None` while one
    /// goes on or has not been heard of.
    pub fn over_ms(&self, scenario: usize) -> Option<u64> {
        let owners = self.nodes.iter().filter(|node| !node.slots[scenario].is_empty());
        let rows = owners.flat_map(|node| node.rows(scenario));
        rows.map(|row| row.over_ms).try_fold(0, |latest, over_ms| Some(latest.max(over_ms?)))
    }

    /// Returns by scenario how many of the arrivals that [`Ledger::settle`] drops undecided were due in each of the first
    /// `seconds` of the run; nothing for scenarios without due times.
    pub fn undecided(&self, fates: &[Fate], seconds: u64, due: &dyn DueTimes) -> Vec<Vec<u64>> {
        let scenarios = self.scenarios.iter().enumerate();
        scenarios.map(|(at, plan)| self.undecided_of(plan, at, fates, seconds, due)).collect()
    }

    fn undecided_of(
        &self,
        plan: &Plan,
        at: usize,
        fates: &[Fate],
        seconds: u64,
        due: &dyn DueTimes,
    ) -> Vec<u64> {
        let first = |second| due.first_due_at_or_after(at, second * SECOND_NS);
        if first(0).is_none() {
            return Vec::new();
        }
        let edges: Vec<u64> = (0..=seconds).map(|s| first(s).unwrap_or(plan.planned)).collect();
        let mut dropped = vec![0; edges.len() - 1];
        for (node, fate) in self.nodes.iter().zip(fates) {
            let unknown_below = Cuts::new(plan, at, *fate, None, due).horizon;
            for row in node.rows(at) {
                let slots = lane_slots(&node.slots[at], &row);
                let known = if row.over_ms.is_some() { 0 } else { unknown_below }.max(row.upto);
                let below = |number: u64| plan.owned_below(&slots, number.max(known));
                for (count, edge) in dropped.iter_mut().zip(edges.windows(2)) {
                    *count += below(edge[1]) - below(edge[0]);
                }
            }
        }
        dropped
    }
}

/// Arrival numbers at which the reason of undecided arrivals changes.
struct Cuts {
    fate: Fate,
    /// First number that a lost node cannot have sent.
    horizon: u64,
    /// First number due after the stop.
    stop: u64,
}

impl Cuts {
    fn new(plan: &Plan, at: usize, fate: Fate, stop_ns: Option<u64>, due: &dyn DueTimes) -> Cuts {
        let end = plan.planned;
        let number =
            |t_ns: u64| due.first_due_at_or_after(at, t_ns).map_or(end, |number| number.min(end));
        let horizon = match fate {
            Fate::Lost { horizon_ns } => number(horizon_ns),
            Fate::Reported | Fate::Fenced | Fate::Left => 0,
        };
        let stop = stop_ns.map_or(end, number);
        Cuts { fate, horizon, stop: stop.max(horizon) }
    }
}

impl Node {
    /// Returns the sums of a scenario by lane; a lane that has not been heard of has decided nothing.
    fn rows(&self, at: usize) -> Vec<LedgerRow> {
        let scenario = u32::try_from(at).unwrap_or(u32::MAX);
        let mut known = self.lanes.range((scenario, 0)..=(scenario, u32::MAX)).map(|(_, row)| row);
        let lanes = known.next().map_or(1, |row| row.lanes);
        let row = |lane| {
            let nothing = LedgerRow { scenario, lane, lanes, ..LedgerRow::default() };
            self.lanes.get(&(scenario, lane)).copied().unwrap_or(nothing)
        };
        (0..lanes).map(row).collect()
    }

    fn settle(&self, plan: &Plan, at: usize, cuts: &Cuts, sum: &mut Arrivals) {
        for row in self.rows(at) {
            sum.started += row.started;
            sum.succeeded += row.succeeded;
            sum.failed += row.failed;
            sum.dropped_by.late += row.dropped_late;
            sum.dropped_by.full += row.dropped_full;
            if plan.numbering != Numbering::Timed {
                let below = |number: u64| plan.decided_below(&self.slots[at], &row, number);
                // Of a lane that is over, nothing more was sent: what is left was stopped.
                let (horizon, stop) =
                    if row.over_ms.is_some() { (0, 0) } else { (cuts.horizon, cuts.stop) };
                let (from, horizon) = (below(0), below(horizon));
                let (stop, end) = (below(stop), below(plan.planned));
                sum.unaccounted += horizon - from;
                let reason = match cuts.fate {
                    Fate::Reported => &mut sum.dropped_by.stopped,
                    Fate::Fenced => &mut sum.dropped_by.lease,
                    Fate::Left | Fate::Lost { .. } => &mut sum.dropped_by.lost,
                };
                *reason += stop - horizon;
                sum.dropped_by.stopped += end - stop;
            }
        }
    }
}

impl Plan {
    /// Returns how many arrivals below `n` lie in `slots` (counted from the scenario's first slot).
    fn owned_below(&self, slots: &[u32], n: u64) -> u64 {
        let n = n.min(self.planned);
        let Some(users) = self.users else { return owned_below(slots, self.slot_count, n) };
        if users == 0 {
            return 0;
        }
        let of_cycle = owned_below(slots, self.slot_count, users);
        n / users * of_cycle + owned_below(slots, self.slot_count, n % users)
    }

    /// Returns how many arrivals of the lane of `row`, on a node with `slots`, have been decided or are below `number`.
    fn decided_below(&self, slots: &[u32], row: &LedgerRow, number: u64) -> u64 {
        let below = self.owned_below(&lane_slots(slots, row), number.max(row.upto));
        match self.numbering {
            Numbering::Ordered | Numbering::Timed => below,
            Numbering::ByUser => below.max(decided(row).unwrap_or(u64::MAX)),
        }
    }

    /// Derives the sums from their parts and checks that they are the plan's.
    fn close(&self, mut sum: Arrivals) -> Result<Arrivals, LedgerError> {
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

/// Returns the slots of a row's lane: of the node's, those whose place is the lane modulo the lanes.
fn lane_slots(slots: &[u32], row: &LedgerRow) -> Vec<u32> {
    let lanes = usize::try_from(row.lanes.max(1)).unwrap_or(1);
    let lane = usize::try_from(row.lane).unwrap_or(0);
    slots.iter().skip(lane).step_by(lanes).copied().collect()
}

fn skeleton(row: &LedgerRow) -> LedgerRow {
    LedgerRow { scenario: row.scenario, lane: row.lane, lanes: row.lanes, ..LedgerRow::default() }
}

fn decided(row: &LedgerRow) -> Option<u64> {
    row.started.checked_add(row.dropped_late)?.checked_add(row.dropped_full)
}

/// Adds the counters of `row` and takes over its frontier; `None` if one overflows.
pub fn add(sum: &mut LedgerRow, row: &LedgerRow) -> Option<()> {
    sum.upto = row.upto;
    sum.over_ms = sum.over_ms.or(row.over_ms);
    sum.started = sum.started.checked_add(row.started)?;
    sum.succeeded = sum.succeeded.checked_add(row.succeeded)?;
    sum.failed = sum.failed.checked_add(row.failed)?;
    sum.dropped_late = sum.dropped_late.checked_add(row.dropped_late)?;
    sum.dropped_full = sum.dropped_full.checked_add(row.dropped_full)?;
    sum.warm_up = sum.warm_up.checked_add(row.warm_up)?;
    sum.warm_up_succeeded = sum.warm_up_succeeded.checked_add(row.warm_up_succeeded)?;
    sum.warm_up_failed = sum.warm_up_failed.checked_add(row.warm_up_failed)?;
    sum.warm_up_dropped = sum.warm_up_dropped.checked_add(row.warm_up_dropped)?;
    sum.active_us = sum.active_us.checked_add(row.active_us)?;
    Some(())
}

#[cfg(test)]
mod tests;
