//! (pure) Groups, slots and seats: every slot has one owner, every owner is declared.

use std::collections::BTreeSet;

use super::ensure;
use crate::artifact::limits::WAIT_NS_MAX;
use crate::artifact::{Artifact, Group, Scenario, SlotSet, Tuning};
use crate::partition::WEIGHTS_MAX;

/// Most slots of one scenario: a multiple of at most [`WEIGHTS_MAX`] that was at least 256.
const SLOT_COUNT_MAX: u32 = WEIGHTS_MAX;

/// Checks the cluster and each scenario's placement.
pub(super) fn check(artifact: &Artifact) -> Result<(), String> {
    let nodes = &artifact.nodes;
    let agents: u64 = nodes.groups.values().map(|group| u64::from(group.agents)).sum();
    let rule = || format!("there are 1 to {WEIGHTS_MAX} seats, not {agents}");
    ensure((1..=u64::from(WEIGHTS_MAX)).contains(&agents), rule)?;
    for (name, group) in &nodes.groups {
        let Group { agents, weight, requires: _, vars: _ } = group;
        let rule = || format!("group `{name}` has agents and a weight");
        ensure(*agents > 0 && *weight > 0, rule)?;
    }
    check_waits(&nodes.tuning, nodes.join_timeout_ns, nodes.lease_ns)?;
    let declared: BTreeSet<String> = nodes
        .groups
        .iter()
        .flat_map(|(group, Group { agents, .. })| (0..*agents).map(move |n| format!("{group}/{n}")))
        .collect();
    let mut base = 0u32;
    let mut scenarios: Vec<(&String, &Scenario)> = artifact.scenarios.iter().collect();
    scenarios.sort_by_key(|(_, scenario)| scenario.slot_base);
    for (name, scenario) in scenarios {
        let rule = || format!("slots of scenario `{name}` begin at {base}");
        ensure(scenario.slot_base == base, rule)?;
        check_slots(name, scenario)?;
        check_seats(name, scenario, &declared)?;
        let next = base.checked_add(scenario.slot_count);
        base = next.ok_or_else(|| "slot numbers have 32 bits".to_owned())?;
    }
    ensure(artifact.slots == base, || format!("`slots` is the sum of all scenarios, {base}"))
}

fn check_waits(tuning: &Tuning, join_timeout_ns: u64, lease_ns: u64) -> Result<(), String> {
    let waits = [
        ("join_timeout_ns", join_timeout_ns),
        ("lease_ns", lease_ns),
        ("ready_timeout_ns", tuning.ready_timeout_ns),
        ("beat_ns", tuning.beat_ns),
        ("suspect_ns", tuning.suspect_ns),
        ("start_delay_ns", tuning.start_delay_ns),
        ("delta_ns", tuning.delta_ns),
        ("retry_ns", tuning.retry_ns),
        ("final_wait_ns", tuning.final_wait_ns),
        ("get_timeout_ns", tuning.get_timeout_ns),
        ("guard_ns", tuning.guard_ns),
        ("notice_ns", tuning.notice_ns),
    ];
    waits.into_iter().try_for_each(|(name, wait_ns)| {
        let zero_fits = name == "start_delay_ns";
        let fits = wait_ns <= WAIT_NS_MAX && (wait_ns > 0 || zero_fits);
        ensure(fits, || format!("`{name}` is above 0 and at most one day"))
    })
}

fn check_slots(name: &str, scenario: &Scenario) -> Result<(), String> {
    let count = scenario.slot_count;
    let rule = || format!("scenario `{name}` has 1 to {SLOT_COUNT_MAX} slots, not {count}");
    ensure((1..=SLOT_COUNT_MAX).contains(&count), rule)?;
    let mut owned: Vec<u32> =
        scenario.seats.values().flat_map(SlotSet::as_slice).copied().collect();
    owned.sort_unstable();
    let end = scenario.slot_base.checked_add(count);
    let end = end.ok_or_else(|| "slot numbers have 32 bits".to_owned())?;
    let rule = || format!("each slot of scenario `{name}` has one seat");
    ensure(owned.iter().copied().eq(scenario.slot_base..end), rule)
}

fn check_seats(name: &str, scenario: &Scenario, declared: &BTreeSet<String>) -> Result<(), String> {
    scenario.seats.keys().try_for_each(|seat| {
        let rule = || format!("scenario `{name}` is dealt to declared seats, not to `{seat}`");
        ensure(declared.contains(seat), rule)
    })
}
