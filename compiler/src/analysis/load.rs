//! (pure) Loads: how many arrivals there are, and whether they can run at all.

use crate::analysis::whole;
use crate::artifact::limits::DRAWN_MAX;
use crate::artifact::{Load, OpenLoad, OpenStage};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::{Flow, Waits};
use crate::model::{LoadPlan, Named, Plan, ScenarioPlan, too_much};
use crate::schedule::{Closed, Open, intervals, length_ns};
use crate::seed::Seed;
use crate::source::Span;
use crate::unit::{Length, SECOND_NS};

/// Most arrivals of one plan: every reader of JSON keeps numbers up to here exact.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Reports loads that together draw more rates than are laid out, those of a traffic once more for each scenario of its
/// mix; returns whether they do not.
fn few_intervals(plan: &Plan, sink: &mut Diagnostics) -> bool {
    let traffic = plan.traffic.whole().filter_map(|(_, traffic)| traffic.load.as_ref());
    let own = whole(plan).filter_map(|(_, scenario)| scenario.load.as_ref());
    let mut sum: u64 = 0;
    for load in traffic.chain(own) {
        if let Load::Open(open) = &load.load {
            sum = sum.saturating_add(intervals(open));
        }
        if sum > DRAWN_MAX {
            let place = load.portion.unwrap_or(load.span);
            sink.push(too_much("intervals with a rate of their own", DRAWN_MAX, place));
            return false;
        }
    }
    true
}

/// Returns how many arrivals each scenario has, and reports loads that start nothing or cannot run.
pub(super) fn check(
    plan: &Plan,
    (flows, waits): (&[Option<(Flow, Flow)>], &Waits<'_>),
    sink: &mut Diagnostics,
) -> Vec<Option<u64>> {
    if !few_intervals(plan, sink) {
        return vec![None; plan.scenarios.items.len()];
    }
    for (item, traffic) in plan.traffic.whole() {
        if let Some(load) = &traffic.load
            && let Load::Open(open) = &load.load
        {
            let schedule = Open::new(open, &Seed::root(plan.seed).for_traffic(&item.name));
            stages(load, open, &schedule, sink);
        }
    }
    let mut planned = Vec::new();
    let mut sum: u64 = 0;
    for (item, flow) in plan.scenarios.items.iter().zip(flows) {
        let scenario = item.value.as_ref();
        let load = scenario.and_then(|scenario| scenario.load.as_ref());
        let (Some(scenario), Some(load)) = (scenario, load) else {
            planned.push(None);
            continue;
        };
        if let Some((_, flow)) = flow {
            let wait_ns = wait_ns(scenario, flow, waits);
            in_flight(load, wait_ns, sink);
            pace(load, wait_ns, sink);
        }
        connections(scenario, load, sink);
        warm_up(item, scenario, load, sink);
        let own = arrivals(plan.seed, item, load, sink);
        let before = sum;
        sum = sum.saturating_add(own.unwrap_or(0));
        if before <= NUMBER_MAX && sum > NUMBER_MAX {
            let place = load.stages.first().copied().unwrap_or(load.span);
            sink.push(too_much("arrivals", NUMBER_MAX, place));
        }
        planned.push(own.filter(|_| sum <= NUMBER_MAX));
    }
    planned
}

/// Returns the number of arrivals, 0 where it is not known; a load that starts nothing is reported.
fn arrivals(
    plan_seed: u64,
    item: &Named<ScenarioPlan>,
    plan: &LoadPlan,
    sink: &mut Diagnostics,
) -> Option<u64> {
    let closed = match &plan.load {
        Load::Observe { .. } => return Some(0),
        Load::Closed(closed) => closed,
        Load::Open(open) => {
            let schedule = Open::of(plan_seed, &item.name, open);
            if let Some(portion) = plan.portion {
                return portion_of(item, plan, portion, &schedule, sink);
            }
            return stages(plan, open, &schedule, sink).then(|| schedule.count());
        }
    };
    if closed.users_max == 0 {
        sink.push(nothing(plan, "only pauses"));
        return None;
    }
    Some(Closed::new(closed).count().unwrap_or(0))
}

/// Reports a part of a traffic that starts nothing although the traffic does.
fn portion_of(
    item: &Named<ScenarioPlan>,
    plan: &LoadPlan,
    portion: Span,
    schedule: &Open,
    sink: &mut Diagnostics,
) -> Option<u64> {
    // A traffic that starts nothing at all is reported once.
    if schedule.count() > 0 || schedule.count_of_traffic() == 0 {
        return Some(schedule.count()).filter(|count| *count > 0);
    }
    let message = format!("the part of `{}` starts nothing", item.name);
    sink.push(
        Diagnostic::error("plan::load::empty", portion, message)
            .label("its weight is too small for so few arrivals")
            .also(plan.span, "the load of the mix")
            .help("raise its weight or the load, or leave the scenario out"),
    );
    None
}

/// Returns whether each stage of a load starts something; one that does not is reported.
fn stages(plan: &LoadPlan, load: &OpenLoad, schedule: &Open, sink: &mut Diagnostics) -> bool {
    if schedule.count() == 0
        && load.stages.iter().all(|stage| matches!(stage, OpenStage::Pause { .. }))
    {
        sink.push(nothing(plan, "only pauses"));
        return false;
    }
    let mut before = 0;
    let mut good = true;
    let counts = schedule.counts_by_stage();
    for ((stage, span), count) in load.stages.iter().zip(&plan.stages).zip(counts) {
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
    good
}

fn nothing(plan: &LoadPlan, label: &str) -> Diagnostic {
    Diagnostic::error("plan::load::empty", plan.span, "this load starts nothing")
        .label(label)
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

/// Returns how long the waits of a transaction last at least.
fn wait_ns(scenario: &ScenarioPlan, flow: &Flow, waits: &Waits<'_>) -> u64 {
    let wait_ns = flow.shortest_wait_ns(&scenario.transaction, waits);
    if scenario.timeout_ns > 0 { wait_ns.min(scenario.timeout_ns) } else { wait_ns }
}

/// Reports a `max_in_flight` that waits alone are certain to exceed.
///
/// By Little's law a rate λ that lasts longer than a transaction takes keeps λ × its time in flight; known is only the
/// time of the waits on the longest path, so what is reported is a lower bound.
fn in_flight(plan: &LoadPlan, wait_ns: u64, sink: &mut Diagnostics) {
    let Load::Open(load) = &plan.load else { return };
    let (part, of) = match &load.share {
        Some(share) => (share.offsets.len() as u128, u128::from(share.of)),
        None => (1, 1),
    };
    for (stage, span) in load.stages.iter().zip(&plan.stages) {
        let (low, high, length_ns) = match stage {
            OpenStage::Rate { from, to, length_ns } => (from, to, length_ns),
            OpenStage::Random { min, length_ns, .. } => (min, min, length_ns),
            OpenStage::Count { .. } | OpenStage::Pause { .. } => continue,
        };
        if *length_ns < wait_ns {
            continue;
        }
        let least = |rate: &crate::unit::Rate| {
            let whole = u128::from(rate.count) * u128::from(wait_ns) / u128::from(rate.per_ns);
            whole * part / of
        };
        let needed = least(low).min(least(high));
        if needed <= u128::from(load.max_in_flight) {
            continue;
        }
        let message = format!(
            "{needed} transactions run at one time here, and `max_in_flight` is {}",
            load.max_in_flight
        );
        let waits = Length(wait_ns - wait_ns % 1_000);
        let mut found = Diagnostic::error(
            "plan::load::in-flight",
            plan.in_flight.unwrap_or(plan.span),
            message,
        )
        .label("arrivals above it are dropped")
        .also(*span, format!("at this rate, while each transaction waits for {waits} at least"));
        let mut wanted = needed;
        if let Some(portion) = plan.portion {
            found = found.also(portion, format!("{part} of {of} arrivals are of this scenario"));
            wanted = (needed * of).div_ceil(part.max(1));
        }
        sink.push(
            found.help(format!(
                "raise `max_in_flight` above {wanted}, the requests' own time added"
            )),
        );
        return;
    }
}

/// Warns of a pace that the waits alone are longer than.
fn pace(plan: &LoadPlan, wait_ns: u64, sink: &mut Diagnostics) {
    let (Load::Closed(load), Some(span)) = (&plan.load, plan.pace) else { return };
    if wait_ns <= load.pace_ns {
        return;
    }
    let waits = Length(wait_ns - wait_ns % 1_000);
    let message = format!("no iteration is done within the pace of {}", Length(load.pace_ns));
    sink.push(
        Diagnostic::warning("plan::load::pace", span, message)
            .label(format!("each transaction waits for {waits} at least"))
            .help("make the pace longer than the waits and the requests together, or remove it"),
    );
}

/// Reports `connections` where users have their own, or where there are none.
fn connections(scenario: &ScenarioPlan, load: &LoadPlan, sink: &mut Diagnostics) {
    let Some(connections) = scenario.connections else { return };
    let (message, label) = match load.load {
        Load::Open(_) => return,
        Load::Closed(_) => (
            "each user of a closed scenario has a connection of its own anyway",
            "a closed load: its users live on",
        ),
        Load::Observe { .. } => {
            ("a scenario that observes has no users to connect", "nothing is started")
        }
    };
    sink.push(
        Diagnostic::error("plan::load::connections", connections.span, message)
            .label("for open scenarios only")
            .also(load.span, label)
            .help("remove it"),
    );
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
