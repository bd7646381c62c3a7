//! (pure) What a node, and each worker of it, owns of every scenario.

use std::collections::BTreeMap;

use compiler::artifact::{Artifact, Load, OnOverload, Scenario};
use compiler::schedule::in_flight_share;

use super::RuntimeError;

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
}

impl Share {
    /// Returns the group that owns `residue`; 0 for a slot of others.
    pub(super) fn group_of(&self, residue: u32) -> usize {
        let at = self.residues.binary_search(&residue).unwrap_or(usize::MAX);
        self.groups.get(at).copied().unwrap_or(0)
    }
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
                shares.push(Share { scenario: number, residues, modulus, groups });
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
