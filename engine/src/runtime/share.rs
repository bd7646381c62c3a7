//! (pure) What a node, and each worker of it, owns of every scenario.

use std::collections::BTreeMap;

use compiler::artifact::{Artifact, Load, OnOverload, Scenario};
use compiler::schedule::in_flight_share;

use super::RuntimeError;
use super::recorder::Place;
use crate::ledger::{Takeover, part_of};

/// What one worker owns of one scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Share {
    /// Scenario, by its place in the artifact.
    pub(super) scenario: usize,
    /// Owned slots, counted from the scenario's first one, ascending; may be empty.
    pub(super) residues: Vec<u32>,
    /// How many slots the scenario has.
    pub(super) modulus: u32,
    /// Group of the seat of each owned slot, as `residues`.
    pub(super) groups: Vec<usize>,
    /// What was taken over; `None` for the share of the node's own seats.
    pub(super) taken: Option<Taken>,
    /// Place of its counts among the recorder's of the scenario.
    pub(super) row: usize,
}

/// A share that was taken over from a lost node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Taken {
    /// Number of the takeover.
    pub(super) number: u32,
    /// First arrival of an open scenario.
    pub(super) from: u64,
    /// When users begin, in nanoseconds since the run's start.
    pub(super) at_ns: u64,
    /// Number of their first iteration.
    pub(super) first_iteration: u64,
}

impl Share {
    /// Returns where its counts are.
    pub(super) fn place(&self) -> Place {
        Place { scenario: self.scenario, row: self.row }
    }

    /// Returns the number of the takeover; 0 for the share of the node's own seats.
    pub(super) fn takeover(&self) -> u32 {
        self.taken.map_or(0, |taken| taken.number)
    }

    /// Returns the group that owns `residue`; 0 for a slot of others.
    pub(super) fn group_of(&self, residue: u32) -> usize {
        let at = self.residues.binary_search(&residue).unwrap_or(usize::MAX);
        self.groups.get(at).copied().unwrap_or(0)
    }

    /// Returns what worker `lane` of `lanes` executes of a takeover.
    pub(super) fn of_takeover(
        artifact: &Artifact,
        takeover: &Takeover,
        (lane, lanes): (u32, u32),
    ) -> Result<Share, RuntimeError> {
        let (number, scenario) = find(artifact, takeover)?;
        let seat = std::slice::from_ref(&takeover.seat);
        let group = groups_of(artifact, seat)?.into_values().next().unwrap_or(0);
        let residues = part_of(&takeover.slots(scenario), lane, lanes);
        Ok(Share {
            scenario: number,
            groups: vec![group; residues.len()],
            residues,
            modulus: scenario.slot_count.max(1),
            taken: Some(Taken {
                number: takeover.number,
                from: takeover.from,
                at_ns: takeover.at_ns,
                first_iteration: takeover.first_iteration(),
            }),
            row: 0,
        })
    }
}

/// Returns how many transactions more may run at a time after a takeover, and of which scenario.
pub(super) fn taken_in_flight(
    artifact: &Artifact,
    takeover: &Takeover,
) -> Result<(usize, u64), RuntimeError> {
    let (number, scenario) = find(artifact, takeover)?;
    let Load::Open(load) = &scenario.load else { return Ok((number, 0)) };
    let slots = takeover.slots(scenario);
    Ok((number, in_flight_share(&slots, scenario.slot_count, load.max_in_flight)))
}

fn find<'a>(
    artifact: &'a Artifact,
    takeover: &Takeover,
) -> Result<(usize, &'a Scenario), RuntimeError> {
    let number = usize::try_from(takeover.scenario).unwrap_or(usize::MAX);
    let scenario = artifact.scenarios.values().nth(number);
    let unknown = || RuntimeError::UnknownSeat(takeover.seat.clone());
    Ok((number, scenario.ok_or_else(unknown)?))
}

/// What a whole node owns.
#[derive(Clone, Debug)]
pub(super) struct NodeShare {
    /// For each worker, its shares: one for each scenario that the node serves.
    pub(super) lanes: Vec<Vec<Share>>,
    /// The most transactions that may run at a time, by scenario of the artifact.
    pub(super) in_flight_max: Vec<u64>,
    /// Whether arrivals above that wait, by scenario of the artifact.
    pub(super) queues: Vec<bool>,
}

impl NodeShare {
    /// Deals the slots of `seats` to `lanes` workers: of a scenario's owned slots in ascending order, the worker's are
    /// those whose place is its number modulo `lanes`.
    pub(super) fn new(
        artifact: &Artifact,
        seats: &[String],
        lanes: usize,
    ) -> Result<NodeShare, RuntimeError> {
        let lanes = lanes.max(1);
        let groups = groups_of(artifact, seats)?;
        let mut node = NodeShare {
            lanes: vec![Vec::new(); lanes],
            in_flight_max: Vec::new(),
            queues: Vec::new(),
        };
        for (number, scenario) in artifact.scenarios.values().enumerate() {
            let owned = owned_slots(scenario, &groups);
            node.in_flight_max.push(in_flight_max(scenario, &groups));
            node.queues.push(queues(&scenario.load));
            if owned.is_empty() {
                continue;
            }
            for (lane, shares) in node.lanes.iter_mut().enumerate() {
                let (residues, groups) = owned.iter().skip(lane).step_by(lanes).copied().unzip();
                let modulus = scenario.slot_count.max(1);
                let scenario = number;
                shares.push(Share { scenario, residues, modulus, groups, taken: None, row: 0 });
            }
        }
        Ok(node)
    }
}

/// Returns whether an arrival that finds no place waits for one.
fn queues(load: &Load) -> bool {
    matches!(load, Load::Open(load) if load.on_overload == OnOverload::Queue)
}

/// Returns the group of each seat, by its place in the artifact.
fn groups_of<'a>(
    artifact: &Artifact,
    seats: &'a [String],
) -> Result<BTreeMap<&'a str, usize>, RuntimeError> {
    let mut groups = BTreeMap::new();
    for seat in seats {
        let found = seat.rsplit_once('/').and_then(|(name, number)| {
            let number: u32 = number.parse().ok()?;
            let place = artifact.nodes.groups.keys().position(|group| group == name)?;
            (number < artifact.nodes.groups.get(name)?.agents).then_some(place)
        });
        groups.insert(seat.as_str(), found.ok_or_else(|| RuntimeError::UnknownSeat(seat.clone()))?);
    }
    Ok(groups)
}

/// Returns the owned slots of a scenario, counted from its first, with their groups; ascending.
fn owned_slots(scenario: &Scenario, groups: &BTreeMap<&str, usize>) -> Vec<(u32, usize)> {
    let mut owned: Vec<(u32, usize)> = Vec::new();
    for (seat, slots) in &scenario.seats {
        if let Some(group) = groups.get(seat.as_str()) {
            let residues =
                slots.as_slice().iter().filter_map(|slot| slot.checked_sub(scenario.slot_base));
            owned.extend(residues.map(|residue| (residue, *group)));
        }
    }
    owned.sort_unstable();
    owned
}

/// Returns the sum of the seats' shares of `max_in_flight`; closed loads have no limit but their users.
fn in_flight_max(scenario: &Scenario, groups: &BTreeMap<&str, usize>) -> u64 {
    let Load::Open(load) = &scenario.load else { return u64::MAX };
    let mine = scenario.seats.iter().filter(|(seat, _)| groups.contains_key(seat.as_str()));
    mine.map(|(_, slots)| {
        let base = scenario.slot_base;
        let residues: Vec<u32> =
            slots.as_slice().iter().filter_map(|slot| slot.checked_sub(base)).collect();
        in_flight_share(&residues, scenario.slot_count, load.max_in_flight)
    })
    .fold(0, u64::saturating_add)
}
