//! (pure) Loads: how many arrivals, from when, on which seats, and whether they can run at all.

use crate::analysis::whole;
use crate::artifact::{ClosedStage, Load, OpenLoad, OpenStage, SlotSet};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::Dag;
use crate::model::{COORDINATOR, LoadPlan, Named, Plan, ScenarioPlan, State, too_much};
use crate::partition::{GroupShare, Partition, PartitionError, WEIGHTS_MAX};
use crate::schedule::{Open, length_ns};
use crate::unit::{LENGTH_NS_MAX, Length, SECOND_NS};

/// Returns when each scenario starts, in nanoseconds; `order` has each after all that it starts after.
pub(super) fn starts(plan: &Plan, order: &[usize], sink: &mut Diagnostics) -> Option<Vec<u64>> {
    let items = &plan.scenarios.items;
    let mut starts = vec![0u64; items.len()];
    let mut good = true;
    for &at in order {
        let Some(scenario) = &items[at].value else { continue };
        for after in &scenario.start_after {
            let other = items.iter().position(|item| item.name == after.scenario.value)?;
            let Some(target) = items[other].value.as_ref() else { continue };
            let Some(load) = &target.load else { continue };
            let end_known = !is_counted(&load.load);
            if after.state != State::Started && !end_known {
                let message = "starting after the end of a closed `count` is part of the plan language, but this version cannot do it yet";
                sink.push(
                    Diagnostic::error("plan::unsupported", after.span, message)
                        .label("its end is not known when compiling")
                        .also(load.span, format!("the load of `{}`", after.scenario.value))
                        .help("start after its `started` with a delay, or give it stages with a length"),
                );
                good = false;
                continue;
            }
            let length = match after.state {
                State::Started => 0,
                State::Finished => length_ns(&load.load),
                State::Drained => length_ns(&load.load).saturating_add(target.graceful_stop_ns),
            };
            let start = starts[other].saturating_add(length).saturating_add(after.delay_ns);
            starts[at] = starts[at].max(start);
            if start > LENGTH_NS_MAX {
                let message = format!("`{}` starts later than 30 days", items[at].name);
                sink.push(
                    Diagnostic::error("plan::value::range", after.span, message)
                        .label("too late")
                        .help("shorten the delay, or what it starts after"),
                );
                good = false;
            }
        }
    }
    good.then_some(starts)
}

fn is_counted(load: &Load) -> bool {
    match load {
        Load::Open(_) => false,
        Load::Closed(load) => matches!(load.stages.as_slice(), [ClosedStage::Count { .. }]),
    }
}

/// Returns how many arrivals each scenario has, and reports loads that start nothing or cannot run.
pub(super) fn check(plan: &Plan, dags: &[Option<Dag>], sink: &mut Diagnostics) -> Vec<Option<u64>> {
    let mut planned = Vec::new();
    for (item, dag) in plan.scenarios.items.iter().zip(dags) {
        let scenario = item.value.as_ref();
        let load = scenario.and_then(|scenario| scenario.load.as_ref());
        let (Some(scenario), Some(load)) = (scenario, load) else {
            planned.push(None);
            continue;
        };
        planned.push(match &load.load {
            Load::Open(open) => {
                if let Some(dag) = dag {
                    in_flight(scenario, load, open, dag, sink);
                }
                arrivals(item, load, open, sink)
            }
            Load::Closed(closed) => match closed.stages.as_slice() {
                [ClosedStage::Count { count, .. }] => Some(*count),
                _ if closed.users_max == 0 => {
                    sink.push(nothing(item, load));
                    None
                }
                _ => Some(0),
            },
        });
        warm_up(item, scenario, load, sink);
    }
    planned
}

/// Returns the number of arrivals; a stage that starts none is reported.
fn arrivals(
    item: &Named<ScenarioPlan>,
    plan: &LoadPlan,
    load: &OpenLoad,
    sink: &mut Diagnostics,
) -> Option<u64> {
    let total = Open::new(load).count();
    if total == 0 {
        sink.push(nothing(item, plan));
        return None;
    }
    let mut before = 0;
    let mut good = true;
    let mut prefix = OpenLoad { stages: Vec::new(), ..load.clone() };
    for (stage, span) in load.stages.iter().zip(&plan.stages) {
        prefix.stages.push(*stage);
        let count = Open::new(&prefix).count();
        if count == before && !matches!(stage, OpenStage::Pause { .. }) {
            good = false;
            sink.push(
                Diagnostic::error("plan::load::empty", *span, "this stage starts nothing")
                    .label("its rate is too small for its length")
                    .help("raise the rate, make it longer, or write `{ pause: … }`"),
            );
        }
        before = count;
    }
    good.then_some(total)
}

fn nothing(item: &Named<ScenarioPlan>, plan: &LoadPlan) -> Diagnostic {
    let message = format!("the load of `{}` starts nothing", item.name);
    Diagnostic::error("plan::load::empty", plan.span, message)
        .label("only pauses")
        .help("add a stage such as `{ rate: 10/s, for: 30s }`")
}

fn warm_up(
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    load: &LoadPlan,
    sink: &mut Diagnostics,
) {
    let Some(warm_up) = &scenario.warm_up else { return };
    let length = length_ns(&load.load);
    if warm_up.value < length || warm_up.value == 0 {
        return;
    }
    let message = format!("all of `{}` is warm-up, so nothing is measured", item.name);
    sink.push(
        Diagnostic::error("plan::load::warm-up", warm_up.span, message)
            .label("as long as the load, or longer")
            .also(load.span, format!("the load lasts {}", Length(length)))
            .help("shorten the warm-up"),
    );
}

/// Reports a `max_in_flight` that waits alone are certain to exceed.
///
/// By Little's law a rate λ that lasts longer than a transaction takes keeps λ × its time in flight; known is only the
/// time of the waits on the longest path, so what is reported is a lower bound.
fn in_flight(
    scenario: &ScenarioPlan,
    plan: &LoadPlan,
    load: &OpenLoad,
    dag: &Dag,
    sink: &mut Diagnostics,
) {
    let mut wait_ns = dag.shortest_wait_ns(&scenario.transaction.steps);
    if scenario.timeout_ns > 0 {
        wait_ns = wait_ns.min(scenario.timeout_ns);
    }
    for (stage, span) in load.stages.iter().zip(&plan.stages) {
        let OpenStage::Rate { from, to, length_ns } = stage else { continue };
        if *length_ns < wait_ns {
            continue;
        }
        let least = |rate: &crate::unit::Rate| {
            u128::from(rate.count) * u128::from(wait_ns) / u128::from(rate.per_ns)
        };
        let needed = least(from).min(least(to));
        if needed <= u128::from(load.max_in_flight) {
            continue;
        }
        let message = format!(
            "{needed} transactions run at one time here, and `max_in_flight` is {}",
            load.max_in_flight
        );
        let waits = Length(wait_ns - wait_ns % 1_000);
        sink.push(
            Diagnostic::error(
                "plan::load::in-flight",
                plan.in_flight.unwrap_or(plan.span),
                message,
            )
            .label("arrivals above it are dropped")
            .also(*span, format!("at this rate, while each transaction waits for {waits} at least"))
            .help(format!("raise `max_in_flight` above {needed}, the requests' own time added")),
        );
        return;
    }
}

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

/// Returns when the last of the selected scenarios has drained, counted from its own start, in nanoseconds.
pub(super) fn longest_ns(plan: &Plan, only: Option<&str>) -> Option<u64> {
    let selected = whole(plan).filter(|(item, _)| only.is_none_or(|name| name == item.name));
    let mut longest = None;
    for (_, scenario) in selected {
        let load = scenario.load.as_ref()?;
        let end = length_ns(&load.load).saturating_add(scenario.graceful_stop_ns);
        longest = longest.max(Some(end));
    }
    longest.map(|ns: u64| ns.max(SECOND_NS))
}
