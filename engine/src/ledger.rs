//! (pure) Arrivals decided so far, by node, scenario and lane; settles what nobody decided.
//!
//! A node holds the share of its seats, and what it took over from lost nodes. What is known of a node is always one
//! prefix of its decisions: the frontier of each lane, and what became of the arrivals below it. What is handed over ends
//! in one holding at the arrival at which it begins in another. Settling puts each arrival above a frontier under exactly
//! one reason, so that `planned = started + dropped + unaccounted` and `started = succeeded + failed + unfinished` hold
//! whatever happened.

mod holding;
mod plan;
mod takeover;

use std::collections::BTreeMap;

use compiler::artifact::{Artifact, Scenario};

use self::holding::Holding;
pub use self::holding::LANES_MAX;
use self::plan::{Numbering, Plan};
pub use self::takeover::{HandedOver, Takeover, part_of, seat_slots};
use crate::metrics::{Arrivals, LedgerRow};

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;

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

/// A holding that ended before its scenario did, and may go on elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Estate {
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// The seat that its slots belong to by the plan.
    pub seat: String,
    /// Which of the seat's slots, as in [`Takeover::parts`].
    pub parts: Vec<(u32, u32)>,
    /// How many slots these are.
    pub slots: usize,
    /// First arrival that nobody holds; 0 where users have numbers instead.
    pub from: u64,
}

/// Arrivals decided so far.
#[derive(Clone, Debug)]
pub struct Ledger {
    scenarios: Vec<Plan>,
    nodes: Vec<Node>,
}

/// What a node holds, by scenario and number of the takeover, 0 for the share of its seats.
#[derive(Clone, Debug, Default)]
struct Node(BTreeMap<(u32, u32), Holding>);

impl Ledger {
    /// Returns the ledger of a run of `artifact` on nodes with these seats; nothing is decided yet.
    pub fn new(artifact: &Artifact, nodes: &[Vec<String>]) -> Ledger {
        let scenarios = artifact.scenarios.iter().map(|(name, it)| Plan::new(name, it)).collect();
        let home = |seats: &Vec<String>, scenario: &Scenario| {
            let mut slots: Vec<u32> =
                seats.iter().flat_map(|seat| seat_slots(scenario, seat)).collect();
            slots.sort_unstable();
            Holding::home(seats, slots)
        };
        let nodes = nodes.iter().map(|seats| {
            let scenarios = (0..).zip(artifact.scenarios.values());
            let homes = scenarios.map(|(at, scenario)| ((at, 0), home(seats, scenario)));
            Node(homes.filter(|(_, holding)| holding.slot_count() > 0).collect())
        });
        Ledger { scenarios, nodes: nodes.collect() }
    }

    /// Adds a node that holds nothing yet; it is the last one.
    pub fn add_node(&mut self) {
        self.nodes.push(Node::default());
    }

    /// Ends what `node` holds, or of it only the takeover of number `only`, at `at_ns` on the run's clock, and returns what
    /// may go on elsewhere. What ended before stays as it is, and so does what has nothing to start any more, which
    /// `goes_on` tells of a scenario. Iterations of a count stay with their node: nobody knows which of them are done.
    pub fn hand_over(
        &mut self,
        node: usize,
        only: Option<u32>,
        at_ns: u64,
        due: &dyn DueTimes,
        goes_on: &dyn Fn(u32) -> bool,
    ) -> Vec<Estate> {
        let Some(Node(holdings)) = self.nodes.get_mut(node) else { return Vec::new() };
        let open = holdings.iter_mut().filter(|((scenario, number), holding)| {
            let wanted = only.is_none_or(|only| only == *number) && goes_on(*scenario);
            wanted && holding.until.is_none()
        });
        let mut estates = Vec::new();
        for ((scenario, _), holding) in open {
            let plan = &self.scenarios[*scenario as usize];
            let from = match plan.numbering {
                Numbering::Ordered => {
                    let number = due.first_due_at_or_after(*scenario as usize, at_ns);
                    let Some(number) = number else { continue };
                    number.clamp(holding.from, plan.planned.max(holding.from))
                }
                Numbering::Timed => 0,
                Numbering::ByUser => continue,
            };
            holding.until = Some((from, at_ns));
            let (seat, parts) = (holding.seat.clone(), holding.parts.clone());
            let (scenario, slots) = (*scenario, holding.slot_count());
            if plan.numbering == Numbering::Timed || from < plan.planned {
                estates.push(Estate { scenario, seat, parts, slots, from });
            }
        }
        estates
    }

    /// Lets `node` hold a takeover of `artifact` that it has yet to be told of.
    pub fn take_over(&mut self, node: usize, takeover: &Takeover, artifact: &Artifact) {
        let scenario = artifact.scenarios.values().nth(takeover.scenario as usize);
        if let (Some(Node(holdings)), Some(scenario)) = (self.nodes.get_mut(node), scenario) {
            let key = (takeover.scenario, takeover.number);
            holdings.insert(key, Holding::taken(takeover, scenario));
        }
    }

    /// Returns what of what `node` held has gone over to others.
    pub fn handed_over(&self, node: usize) -> Vec<HandedOver> {
        let holdings = self.nodes.get(node).into_iter().flat_map(|node| &node.0);
        let ended = holdings.filter_map(|((scenario, number), holding)| {
            let (from, at_ns) = holding.until?;
            Some(HandedOver { scenario: *scenario, number: *number, from, at_ns })
        });
        ended.collect()
    }

    /// Lets `node`, whose seats' share is all that it holds, hold what another ledger said of it: takeovers, of all of which
    /// it may have been told, without what has gone over to others.
    pub fn restore(
        &mut self,
        node: usize,
        takeovers: &[Takeover],
        handed_over: &[HandedOver],
        artifact: &Artifact,
    ) {
        takeovers.iter().for_each(|takeover| self.take_over(node, takeover, artifact));
        self.told(node);
        let Some(Node(holdings)) = self.nodes.get_mut(node) else { return };
        for HandedOver { scenario, number, from, at_ns } in handed_over {
            if let Some(holding) = holdings.get_mut(&(*scenario, *number)) {
                holding.until = Some((*from, *at_ns));
            }
        }
    }

    /// Notes that `node` may know from now on of everything that it holds.
    pub fn told(&mut self, node: usize) {
        let holdings = self.nodes.get_mut(node).into_iter().flat_map(|node| node.0.values_mut());
        holdings.filter(|it| it.told.is_some()).for_each(|it| it.told = Some(true));
    }

    /// Returns the numbers of the takeovers that `node` holds and has not said a word of.
    pub fn unheard(&self, node: usize) -> Vec<u32> {
        let holdings = self.nodes.get(node).into_iter().flat_map(|node| &node.0);
        let unheard = holdings.filter(|((_, number), holding)| {
            *number > 0 && holding.until.is_none() && holding.heard().next().is_none()
        });
        unheard.map(|((_, number), _)| *number).collect()
    }

    /// Returns how many slots `node` holds now, of all scenarios.
    pub fn slots(&self, node: usize) -> usize {
        let holdings = self.nodes.get(node).into_iter().flat_map(|node| node.0.values());
        holdings.filter(|holding| holding.until.is_none()).map(Holding::slot_count).sum()
    }

    /// Adds what `node` decided in one window; the rows must be of increasing frontiers.
    ///
    /// # Errors
    /// A row names an unknown scenario, takeover or lane, its frontier goes back, or its counts do not fit its frontier.
    /// Nothing of `rows` is taken then.
    pub fn apply(&mut self, node: usize, rows: &[LedgerRow]) -> Result<(), LedgerError> {
        let Some(Node(holdings)) = self.nodes.get_mut(node) else { return Ok(()) };
        let mut sums: BTreeMap<(u32, u32, u32), LedgerRow> = BTreeMap::new();
        for row in rows {
            let bad = |what| LedgerError::Row {
                scenario: row.scenario,
                lane: row.lane,
                lanes: row.lanes,
                what,
            };
            let at = usize::try_from(row.scenario).unwrap_or(usize::MAX);
            let plan = self.scenarios.get(at).ok_or_else(|| bad("no such scenario"))?;
            let holding = holdings.get(&(row.scenario, row.takeover));
            let holding = holding.ok_or_else(|| bad("the node holds nothing of it"))?;
            let sum = holding.added(plan, row).map_err(bad)?;
            if sums.insert(row.key(), sum).is_some() {
                return Err(bad("twice in one window"));
            }
        }
        for ((scenario, takeover, _), sum) in sums {
            if let Some(holding) = holdings.get_mut(&(scenario, takeover)) {
                holding.put(sum);
            }
        }
        Ok(())
    }

    /// Returns the sums of all windows of `node`, by scenario, takeover and lane.
    pub fn rows(&self, node: usize) -> Vec<LedgerRow> {
        let holdings = self.nodes.get(node).into_iter().flat_map(|node| node.0.values());
        holdings.flat_map(|holding| holding.heard().copied()).collect()
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
                node.of(at).for_each(|(_, holding)| holding.settle(plan, &cuts, &mut sum));
            }
            all.push(plan.close(sum)?);
        }
        Ok(all)
    }

    /// Returns when the last lane came to its end of a scenario, in milliseconds since the run's start; `None` while one
    /// goes on or has not been heard of. Nothing more is heard of nodes that are `gone`.
    pub fn over_ms(&self, scenario: usize, gone: impl Fn(usize) -> bool) -> Option<u64> {
        let nodes = self.nodes.iter().enumerate().filter(|(node, _)| !gone(*node));
        let holdings = nodes.flat_map(|(_, node)| node.of(scenario));
        let rows = holdings.flat_map(|(_, holding)| holding.rows());
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
            let cuts = Cuts::new(plan, at, *fate, None, due);
            node.of(at).for_each(|(_, it)| it.undecided(plan, &cuts, &edges, &mut dropped));
        }
        dropped
    }

    /// Returns by scenario the time of users that was lost with nodes, in microseconds: from the last that is known of a
    /// node until others took its users over, or until the scenario's end. `known_ms` says of each node, if it was lost,
    /// until when everything is known of it, `starts_ns` when each scenario starts, `end_ns` when the run ended, all on the
    /// run's clock.
    pub fn users_lost_us(
        &self,
        known_ms: &[Option<u64>],
        starts_ns: &[u64],
        end_ns: u64,
    ) -> Vec<u64> {
        let scenarios = self.scenarios.iter().zip(starts_ns).enumerate();
        let lost = scenarios.map(|(at, (plan, start_ns))| {
            let Some(closed) = &plan.timed else { return 0 };
            let nodes = self.nodes.iter().zip(known_ms);
            let lost = nodes.filter_map(|(node, known_ms)| Some((node, (*known_ms)?)));
            let lost = lost.flat_map(|(node, known_ms)| node.of(at).map(move |it| (it, known_ms)));
            let ns = lost.map(|((_, holding), known_ms)| {
                let from_ns = (known_ms * MS_NS).max(holding.at_ns());
                let to_ns = holding.until.map_or(end_ns, |(_, at_ns)| at_ns.min(end_ns));
                let own = |ns: u64| ns.saturating_sub(*start_ns);
                holding.user_time_ns(plan, closed, own(from_ns), own(to_ns))
            });
            ns.fold(0, u64::saturating_add) / 1_000
        });
        lost.collect()
    }
}

impl Node {
    /// Returns what it holds of a scenario.
    fn of(&self, scenario: usize) -> impl Iterator<Item = (u32, &Holding)> {
        let scenario = u32::try_from(scenario).unwrap_or(u32::MAX);
        let holdings = self.0.range((scenario, 0)..=(scenario, u32::MAX));
        holdings.map(|((_, number), holding)| (*number, holding))
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

#[cfg(test)]
mod tests;
