//! File descriptors: how many a share of a plan may need, and whether the machine gives them.

use std::collections::BTreeSet;

use compiler::artifact::{
    Action, Arrivals, Artifact, Endpoint, Load, OpenLoad, Scenario, Step, WaitAction,
};
use compiler::schedule::{Closed, Open, in_flight_share};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::RuntimeError;
use super::share::NodeShare;

/// Descriptors beside the targets' connections: terminal, files, broker, demo shop, and some for each of 1 to 8 workers.
const MARGIN: u64 = 128;

/// Raises this process's limit as far as it may, and returns an error that says what to do if `seats` may need more.
///
/// # Errors
/// The limit is too low, or a seat is unknown; in words for people.
pub fn check_descriptors(artifact: &Artifact, seats: &[String]) -> Result<(), String> {
    let needed = needed(artifact, seats).map_err(|error| error.to_string())?;
    enough(needed, raise())
}

/// Returns how many descriptors `seats` may need at one time: a connection to each endpoint for each transaction that
/// may be in flight and each closed user, and [`MARGIN`].
fn needed(artifact: &Artifact, seats: &[String]) -> Result<u64, RuntimeError> {
    let share = NodeShare::new(artifact, seats, 1)?;
    let mut needed = MARGIN;
    for mine in share.lanes.iter().flatten() {
        let Some(scenario) = artifact.scenarios.values().nth(mine.scenario) else { continue };
        let peak = match &scenario.load {
            Load::Open(load) => {
                let whole = in_flight_max(artifact, scenario, load);
                let own = in_flight_share(&mine.residues, mine.modulus, whole);
                own.min(share.in_flight_max[mine.scenario])
            }
            Load::Closed(load) => {
                let owned =
                    |user: &u32| mine.residues.binary_search(&(user % mine.modulus)).is_ok();
                (0..Closed::new(load).users_max()).filter(owned).count() as u64
            }
            Load::Observe { .. } => 0,
        };
        needed = needed.saturating_add(peak.saturating_mul(endpoints(scenario)));
    }
    Ok(needed)
}

/// Returns how many transactions of an open scenario can run at one time over the whole cluster: as many as are due
/// within the longest one (Little's law), of random arrivals four deviations more.
fn in_flight_max(artifact: &Artifact, scenario: &Scenario, load: &OpenLoad) -> u64 {
    let steps = scenario.steps.iter().map(|step| u128::from(longest_ns(artifact, step)));
    let longest_ns = match scenario.timeout_ns {
        0 => steps.sum(),
        limit => u128::from(limit),
    };
    // A late arrival starts up to so much after it was due.
    let window_ns = longest_ns + u128::from(load.late_after_ns);
    // The seed moves arrivals, not the highest rate.
    let peak = Open::of(artifact.seed, "", load).peak();
    let due = u128::from(peak.count).saturating_mul(window_ns).div_ceil(u128::from(peak.per_ns));
    let due = u64::try_from(due).unwrap_or(u64::MAX);
    let most = match load.arrivals {
        Arrivals::Even => due,
        Arrivals::Poisson => due.saturating_add(4 * due.isqrt()),
    };
    most.min(load.max_in_flight).min(scenario.planned)
}

/// Returns how long a step can take.
fn longest_ns(artifact: &Artifact, step: &Step) -> u64 {
    match &step.action {
        Action::Wait(WaitAction::Constant { length_ns: longest_ns }) => *longest_ns,
        Action::Wait(WaitAction::Uniform { max_ns, .. }) => *max_ns,
        _ if step.timeout_ns > 0 => step.timeout_ns,
        action => match action.endpoint().and_then(|name| artifact.endpoints.get(name)) {
            Some(Endpoint::Http(endpoint)) => endpoint.timeout_ns,
            // Opens nothing, or is refused before a run: `user::unbuilt`.
            _ => 0,
        },
    }
}

/// Returns how many endpoints a scenario's transactions connect to.
fn endpoints(scenario: &Scenario) -> u64 {
    let names = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Http(http) => Some(http.endpoint.as_str()),
        // Opens nothing, or is refused before a run: `user::unbuilt`.
        _ => None,
    });
    names.collect::<BTreeSet<&str>>().len() as u64
}

/// Raises the soft limit to the hard one where that is allowed; returns the limit in force, the largest number for none.
fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Refused where the hard limit is more than the system gives: then the soft one stays, and is what counts.
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn enough(needed: u64, limit: u64) -> Result<(), String> {
    if needed <= limit {
        return Ok(());
    }
    Err(format!(
        "the plan may need {needed} open connections and files here, the limit is {limit}: raise it (`ulimit -n {needed}`, \
         for a service `LimitNOFILE={needed}`), or lower `max_in_flight` or the number of users, or use more nodes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::tests::{SECOND, constant, get, plan, scenario};

    fn seats(count: u32) -> Vec<String> {
        (0..count).map(|seat| format!("all/{seat}")).collect()
    }

    #[test]
    fn a_share_needs_what_may_run_on_it_at_one_time() {
        let mut load = constant("100/s", SECOND);
        load.max_in_flight = 40;
        let mut artifact = plan(scenario(Load::Open(load), vec![get("a", &[]), get("b", &[])]));
        let mine = seats(2);
        let Some(one) = artifact.scenarios.values_mut().next() else { unreachable!() };
        one.planned = 100;
        assert_eq!(needed(&artifact, &mine).unwrap(), MARGIN + 40);
        // More can never be in flight than are planned.
        let Some(one) = artifact.scenarios.values_mut().next() else { unreachable!() };
        one.planned = 7;
        assert_eq!(needed(&artifact, &mine).unwrap(), MARGIN + 7);
        // At 100 a second only so many are due within 50 ms, and as long as an arrival may be late.
        let Some(one) = artifact.scenarios.values_mut().next() else { unreachable!() };
        (one.planned, one.timeout_ns) = (100, 50_000_000);
        let Load::Open(load) = &mut one.load else { unreachable!() };
        load.late_after_ns = 50_000_000;
        assert_eq!(needed(&artifact, &mine).unwrap(), MARGIN + 10);
        assert_eq!(needed(&artifact, &seats(1)).unwrap(), MARGIN + 5);
        let Some(one) = artifact.scenarios.values_mut().next() else { unreachable!() };
        (one.planned, one.timeout_ns) = (7, 0);
        // Two endpoints, two connections.
        let Some(one) = artifact.scenarios.values_mut().next() else { unreachable!() };
        let Action::Http(http) = &mut one.steps[1].action else { unreachable!() };
        http.endpoint = "other".to_owned();
        assert_eq!(needed(&artifact, &mine).unwrap(), MARGIN + 14);
        assert_eq!(needed(&artifact, &[]).unwrap(), MARGIN);
        assert!(needed(&artifact, &["nobody/0".to_owned()]).is_err());
    }

    #[test]
    fn too_low_a_limit_is_said_with_what_to_do() {
        assert_eq!(enough(128, 128), Ok(()));
        let said = enough(1_200, 1_024).unwrap_err();
        for part in ["need 1200", "limit is 1024", "`ulimit -n 1200`", "`LimitNOFILE=1200`"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
