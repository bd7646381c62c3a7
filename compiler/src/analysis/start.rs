//! (pure) When scenarios start: known when compiling, or as soon as a count is done.

use crate::artifact::{ClosedStage, LateStart, Load, Moment, StartAfter};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{After, Plan, ScenarioPlan};
use crate::schedule::length_ns;
use crate::unit::LENGTH_NS_MAX;

/// When a scenario starts, counted from the run's start.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The earliest start, in nanoseconds.
    pub earliest_ns: u64,
    /// What it waits for beyond that, where the start is not known when compiling.
    pub late: Option<LateStart>,
}

impl Start {
    fn latest_ns(&self) -> u64 {
        self.late.as_ref().map_or(self.earliest_ns, |late| late.latest_ns)
    }
}

/// Returns when each scenario starts; `order` has each after all that it starts after.
///
/// The end of a closed count is not known when compiling, only that it comes by its `within`: what starts after it waits for
/// it in the run, and what starts after that waits too.
pub(super) fn starts(plan: &Plan, order: &[usize], sink: &mut Diagnostics) -> Option<Vec<Start>> {
    let items = &plan.scenarios.items;
    let mut starts: Vec<Start> = vec![Start::default(); items.len()];
    let mut good = true;
    for &at in order {
        let Some(scenario) = &items[at].value else { continue };
        let mut start = Start::default();
        let mut latest_ns = 0;
        let mut waits = Vec::new();
        for after in &scenario.start_after {
            let other = items.iter().position(|item| item.name == after.scenario.value)?;
            let Some(target) = items[other].value.as_ref() else { continue };
            let Some((earliest, latest)) = moment(after, target, &starts[other]) else { continue };
            if latest > LENGTH_NS_MAX {
                let message = format!("`{}` starts later than 30 days", items[at].name);
                sink.push(
                    Diagnostic::error("plan::value::range", after.span, message)
                        .label("too late")
                        .help("shorten the delay, or what it starts after"),
                );
                good = false;
            }
            start.earliest_ns = start.earliest_ns.max(earliest);
            latest_ns = latest_ns.max(latest);
            if earliest != latest {
                waits.push(StartAfter {
                    scenario: after.scenario.value.clone(),
                    state: after.state,
                    delay_ns: after.delay_ns,
                });
            }
        }
        start.late = (!waits.is_empty()).then_some(LateStart { latest_ns, after: waits });
        starts[at] = start;
    }
    good.then_some(starts)
}

/// Returns the earliest and the latest time of a moment of `target`, with the delay.
fn moment(after: &After, target: &ScenarioPlan, start: &Start) -> Option<(u64, u64)> {
    let load = &target.load.as_ref()?.load;
    let length = length_ns(load);
    let shortest = if is_counted(load) { 0 } else { length };
    let (shortest, longest) = match after.state {
        Moment::Started => (0, 0),
        Moment::Finished => (shortest, length),
        Moment::Drained => {
            let stop = target.graceful_stop_ns;
            (shortest.saturating_add(stop), length.saturating_add(stop))
        }
    };
    let at = |start: u64, length: u64| start.saturating_add(length).saturating_add(after.delay_ns);
    Some((at(start.earliest_ns, shortest), at(start.latest_ns(), longest)))
}

/// Returns whether the load ends with its last iteration.
fn is_counted(load: &Load) -> bool {
    match load {
        Load::Open(_) | Load::Observe { .. } => false,
        Load::Closed(load) => matches!(
            load.stages.as_slice(),
            [ClosedStage::Count { .. } | ClosedStage::CountEach { .. }]
        ),
    }
}
