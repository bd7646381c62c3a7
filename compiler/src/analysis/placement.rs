//! (pure) Placement: which seats own which slots of a scenario.

use crate::artifact::{COORDINATOR, SlotSet};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Named, Plan, ScenarioPlan, too_much};
use crate::partition::{GroupShare, Partition, PartitionError, WEIGHTS_MAX};

/// Deals each scenario to the seats of its groups; shares that are too fine are reported.
pub(super) fn partitions(plan: &Plan, sink: &mut Diagnostics) -> Vec<Option<Partition>> {
    let mut slots: usize = 0;
    let mut out = Vec::new();
    for item in &plan.scenarios.items {
        let partition =
            item.value.as_ref().and_then(|scenario| partition(plan, item, scenario, sink));
        let own = partition.as_ref().map_or(0, |partition| partition.owners.len());
        if slots <= SlotSet::LEN_MAX && slots + own > SlotSet::LEN_MAX {
            sink.push(too_much("slots", SlotSet::LEN_MAX as u64, item.span));
        }
        slots = slots.saturating_add(own);
        out.push(partition);
        if slots > SlotSet::LEN_MAX {
            out.resize(plan.scenarios.items.len(), None);
            break;
        }
    }
    out
}

fn partition(
    plan: &Plan,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    sink: &mut Diagnostics,
) -> Option<Partition> {
    // By name, as the artifact has them, so that the order in the text is no input.
    let mut names: Vec<&str> = match &scenario.runs_on {
        Some(groups) => groups.iter().map(|group| group.value.as_str()).collect(),
        None => plan.nodes.groups.names().filter(|name| *name != COORDINATOR).collect(),
    };
    names.sort_unstable();
    names.dedup();
    let mut shares = Vec::new();
    for name in names {
        let group = plan.nodes.groups.value(name)?;
        shares.push(GroupShare { name, weight: group.weight, agents: group.agents });
    }
    match Partition::new(&shares) {
        Ok(partition) => Some(partition),
        Err(PartitionError::Empty) => None,
        Err(PartitionError::TooFine { weights }) => {
            let message = format!("the shares of `{}` need {weights} slots", item.name);
            let first = plan.nodes.groups.get(shares.first()?.name)?;
            sink.push(
                Diagnostic::error("plan::group::weights", first.span, message)
                    .label("its weight and number of agents, with those of the other groups")
                    .also(item.span, "placed on these groups")
                    .help(format!("choose weights and numbers of agents with common factors; at most {WEIGHTS_MAX} slots can be dealt")),
            );
            None
        }
    }
}
