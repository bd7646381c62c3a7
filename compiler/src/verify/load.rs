//! (pure) Loads and data: bounded lengths and rates, planned counts, rows within their files.

use std::collections::BTreeMap;

use super::{ensure, traffic};
use crate::artifact::limits::{DRAWN_MAX, STAGES_MAX, USERS_MAX};
use crate::artifact::{
    Action, Artifact, ClosedLoad, ClosedStage, Connections, Load, OpenLoad, OpenStage, Per,
    Scenario, Step, Take, WaitAction,
};
use crate::schedule::{Closed, INTERVALS_MAX, Open, intervals};
use crate::unit::{LENGTH_NS_MAX, RATE_PER_SECOND_MAX, Rate, SECOND_NS};

/// Every rate is a whole number of arrivals in this time: six decimals per hour.
const PER_NS_WHOLE: u64 = 3600 * SECOND_NS * 1_000_000;

/// Checks every scenario's load, and what it reads of data.
pub(super) fn check(artifact: &Artifact) -> Result<(), String> {
    let called = artifact.transactions.values().map(|called| &called.steps);
    [&artifact.before, &artifact.after]
        .into_iter()
        .chain(called)
        .try_for_each(|s| check_waits(s))?;
    let drawn = artifact.scenarios.values().map(|scenario| match &scenario.load {
        Load::Open(load) => intervals(load),
        Load::Closed(_) | Load::Observe { .. } => 0,
    });
    let drawn = drawn.fold(0, u64::saturating_add);
    ensure(drawn <= DRAWN_MAX, || format!("rates are drawn at most {DRAWN_MAX} times"))?;
    for (name, scenario) in &artifact.scenarios {
        check_scenario(artifact, name, scenario)
            .map_err(|rule| format!("in scenario `{name}`, {rule}"))?;
    }
    traffic::check(artifact)?;
    check_rows(artifact)
}

fn check_scenario(artifact: &Artifact, name: &str, scenario: &Scenario) -> Result<(), String> {
    let lengths = [
        ("start_ns", scenario.start_ns),
        ("warm_up_ns", scenario.warm_up_ns),
        ("graceful_stop_ns", scenario.graceful_stop_ns),
        ("timeout_ns", scenario.timeout_ns),
    ];
    for (name, length_ns) in lengths {
        check_length(name, length_ns)?;
    }
    check_waits(&scenario.before_each_user)?;
    check_waits(&scenario.steps)?;
    let stages = match &scenario.load {
        Load::Open(load) => load.stages.len(),
        Load::Closed(load) => load.stages.len(),
        Load::Observe { .. } => 0,
    };
    ensure(stages <= STAGES_MAX, || format!("a load has at most {STAGES_MAX} stages"))?;
    let (planned, length_ns) = match &scenario.load {
        Load::Open(load) => {
            check_open(load)?;
            let open = Open::of(artifact.seed, name, load);
            (open.count(), open.length_ns())
        }
        Load::Closed(load) => check_closed(load)?,
        Load::Observe { length_ns } => (0, *length_ns),
    };
    let open = matches!(scenario.load, Load::Open(_));
    ensure(open || scenario.connections == Connections::Pool, || {
        "connections by user are those of an open load".to_owned()
    })?;
    ensure(scenario.max_failures != Some(0), || "`max_failures` is above 0".to_owned())?;
    check_start(artifact, name, scenario)?;
    check_length("the load's length", length_ns)?;
    ensure(scenario.planned == planned, || format!("`planned` is {planned}"))
}

/// Checks a start that is not known yet.
fn check_start(artifact: &Artifact, name: &str, scenario: &Scenario) -> Result<(), String> {
    let Some(late) = &scenario.late_start else { return Ok(()) };
    check_length("`latest_ns`", late.latest_ns)?;
    ensure(late.latest_ns >= scenario.start_ns, || "the latest start is no earlier".to_owned())?;
    ensure(!late.after.is_empty(), || "a late start waits for something".to_owned())?;
    for after in &late.after {
        check_length("a delay", after.delay_ns)?;
        let known = after.scenario != name && artifact.scenarios.contains_key(&after.scenario);
        ensure(known, || format!("it starts after another scenario, not `{}`", after.scenario))?;
    }
    Ok(())
}

/// Checks the lengths of waits and time-outs, in blocks too.
fn check_waits(steps: &[Step]) -> Result<(), String> {
    for step in steps {
        if let Action::Wait(wait) = &step.action {
            check_wait(*wait)?;
        }
        check_length("a step's time-out", step.timeout_ns)?;
        check_length("a wait", step.retry.as_ref().map_or(0, |retry| retry.wait_ns))?;
        step.inner().into_iter().try_for_each(check_waits)?;
    }
    Ok(())
}

fn check_length(name: &str, length_ns: u64) -> Result<(), String> {
    ensure(length_ns <= LENGTH_NS_MAX, || format!("{name} is at most 30 days"))
}

fn check_wait(wait: WaitAction) -> Result<(), String> {
    let (min_ns, max_ns) = match wait {
        WaitAction::Constant { length_ns } => (length_ns, length_ns),
        WaitAction::Uniform { min_ns, max_ns } => (min_ns, max_ns),
    };
    ensure(min_ns <= max_ns, || "a wait is drawn between its least and its greatest".to_owned())?;
    check_length("a wait", max_ns)
}

fn check_rate(rate: Rate) -> Result<(), String> {
    let lowest = rate.count == 0 || Rate::new(rate.count, rate.per_ns) == rate;
    let spelled = rate.per_ns > 0 && PER_NS_WHOLE.is_multiple_of(rate.per_ns);
    let rule = || "a rate is a fraction in lowest terms with at most six decimals".to_owned();
    ensure(lowest && spelled, rule)?;
    let limit = u128::from(RATE_PER_SECOND_MAX) * u128::from(rate.per_ns);
    let fits = u128::from(rate.count) * u128::from(SECOND_NS) <= limit;
    ensure(fits, || format!("a rate is at most {RATE_PER_SECOND_MAX}/s"))
}

fn check_open(load: &OpenLoad) -> Result<(), String> {
    ensure(load.max_in_flight > 0, || "`max_in_flight` is above 0".to_owned())?;
    check_length("`late_after_ns`", load.late_after_ns)?;
    for stage in &load.stages {
        match stage {
            OpenStage::Rate { from, to, length_ns } => {
                check_rate(*from)?;
                check_rate(*to)?;
                check_length("a stage", *length_ns)?;
            }
            OpenStage::Random { min, max, every_ns, length_ns } => {
                check_rate(*min)?;
                check_rate(*max)?;
                check_length("a stage", *length_ns)?;
                let intervals = (*every_ns > 0).then(|| length_ns.div_ceil(*every_ns));
                let bounded = intervals.is_some_and(|count| count <= INTERVALS_MAX);
                ensure(bounded, || format!("a rate is drawn at most {INTERVALS_MAX} times"))?;
                let product = |a: &Rate, b: &Rate| u128::from(a.count) * u128::from(b.per_ns);
                let ordered = product(min, max) <= product(max, min);
                ensure(ordered, || {
                    "a rate is drawn between its least and its greatest".to_owned()
                })?;
            }
            OpenStage::Count { rate, count: _ } => {
                check_rate(*rate)?;
                ensure(rate.count > 0, || "a count has a rate above 0".to_owned())?;
            }
            OpenStage::Pause { length_ns } => check_length("a stage", *length_ns)?,
        }
    }
    Ok(())
}

/// Returns how many arrivals there are and how long the load lasts.
fn check_closed(load: &ClosedLoad) -> Result<(u64, u64), String> {
    check_length("`pace_ns`", load.pace_ns)?;
    let mut largest = 0;
    for stage in &load.stages {
        let (users, length_ns) = match *stage {
            ClosedStage::Users { from, to, length_ns } => (from.max(to), length_ns),
            ClosedStage::Count { users, count: _, within_ns }
            | ClosedStage::CountEach { users, count: _, within_ns } => {
                ensure(load.stages.len() == 1, || "a count is the only stage".to_owned())?;
                (users, within_ns)
            }
            ClosedStage::Pause { length_ns } => (0, length_ns),
        };
        check_length("a stage", length_ns)?;
        largest = largest.max(users);
    }
    ensure(largest <= USERS_MAX, || format!("there are at most {USERS_MAX} users"))?;
    ensure(load.users_max == largest, || format!("`users_max` is {largest}"))?;
    let closed = Closed::new(load);
    Ok((closed.count().unwrap_or(0), closed.length_ns()))
}

/// Checks that rows exist, and that unique ranges do not overlap.
fn check_rows(artifact: &Artifact) -> Result<(), String> {
    let mut unique: BTreeMap<&str, Vec<(u64, u64, &str)>> = BTreeMap::new();
    for (scenario, body) in &artifact.scenarios {
        for (data, taken) in &body.data {
            let Some(file) = artifact.data.get(data) else { continue };
            let at = || format!("in scenario `{scenario}`, rows of `{data}` are within the file");
            let end = taken.first_row.checked_add(taken.rows).ok_or_else(at)?;
            ensure(end <= file.rows && file.rows > 0, at)?;
            let closed = matches!(body.load, Load::Closed(_));
            let rule =
                || format!("in scenario `{scenario}`, `{data}` is per user in a closed load");
            ensure(file.per == Per::Arrival || closed, rule)?;
            if file.take == Take::Unique {
                unique.entry(data).or_default().push((taken.first_row, end, scenario));
            }
        }
    }
    for (data, list) in &artifact.lists {
        let known = artifact.data.contains_key(data);
        ensure(!known, || format!("`{data}` is a file or a list, not both"))?;
        for (scenario, body) in &artifact.scenarios {
            let Some(taken) = body.data.get(data) else { continue };
            let rule =
                || format!("in scenario `{scenario}`, `{data}` is per user in a closed load");
            ensure(list.per == Per::Arrival || matches!(body.load, Load::Closed(_)), rule)?;
            let rule = || format!("in scenario `{scenario}`, items of `{data}` end");
            let end = match taken.rows {
                0 => u64::MAX,
                rows => taken.first_row.checked_add(rows).ok_or_else(rule)?,
            };
            if list.take == Take::Unique {
                unique.entry(data).or_default().push((taken.first_row, end, scenario));
            }
        }
    }
    for (data, mut ranges) in unique {
        ranges.sort_unstable();
        for pair in ranges.windows(2) {
            let rule = || {
                format!("scenarios `{}` and `{}` share no row of `{data}`", pair[0].2, pair[1].2)
            };
            ensure(pair[0].1 <= pair[1].0, rule)?;
        }
    }
    Ok(())
}
