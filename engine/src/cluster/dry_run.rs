//! A dry run: the plan as it is, but one arrival of each scenario, and every endpoint tried from every node.
//!
//! Coordinator and nodes derive it alike from the artifact that they verified, whose bytes, digest and signature stay.

use std::collections::BTreeSet;
use std::net::{TcpStream, ToSocketAddrs};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use compiler::artifact::{
    Artifact, Bound, ClosedLoad, ClosedStage, Counter, Delivery, Load, Metric, NoData, OpenLoad,
    OpenStage, Quantity, Scenario, Selector, Threshold,
};
use compiler::unit::{Rate, SECOND_NS};

use crate::user::Target;

/// Rate of the only arrival: its stage is a millisecond long.
const RATE: Rate = Rate { count: 1, per_ns: 1_000_000 };

/// How long a user may wait to start its only iteration, in nanoseconds.
const WITHIN_NS: u64 = 10 * SECOND_NS;

/// Longest wait for a connection where the endpoint sets none.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Endpoints that are tried at a time: those that do not answer are waited for together.
const TRIES_MAX: usize = 16;

/// Name of the condition that takes the place of the plan's, before the scenario's name.
const CONDITION: &str = "dry_run.";

/// Returns `artifact` with one arrival of each scenario, all at the start, that must succeed. The plan's thresholds say
/// nothing of single arrivals and are left out, as are limits of failures; the digest stays, as the name of the plan.
pub fn dry_run(artifact: &Artifact) -> Artifact {
    let mut dry = artifact.clone();
    dry.scenarios.values_mut().for_each(one_arrival);
    dry.delivery =
        Delivery { max_lateness_p99_us: None, max_start_spread_us: None, ..artifact.delivery };
    let sends = |it: &Scenario| !matches!(it.load, Load::Observe { .. });
    let named = artifact.scenarios.iter().filter(|(_, it)| sends(it)).map(|(name, _)| name);
    dry.thresholds = named.map(|name| (format!("{CONDITION}{name}"), succeeds(name))).collect();
    dry
}

fn one_arrival(scenario: &mut Scenario) {
    (scenario.start_ns, scenario.late_start) = (0, None);
    (scenario.warm_up_ns, scenario.max_failures) = (0, None);
    match &mut scenario.load {
        Load::Open(load) => {
            let stages = vec![OpenStage::Count { rate: RATE, count: 1 }];
            let (max_in_flight, late_after_ns) = (load.max_in_flight, load.late_after_ns);
            *load = OpenLoad { max_in_flight, late_after_ns, ..OpenLoad::even(stages) };
            scenario.planned = 1;
        }
        Load::Closed(load) => {
            let stages = vec![ClosedStage::Count { users: 1, count: 1, within_ns: WITHIN_NS }];
            *load = ClosedLoad { stages, users_max: 1, pace_ns: 0 };
            scenario.planned = 1;
        }
        Load::Observe { length_ns } => *length_ns = (*length_ns).min(SECOND_NS),
    }
}

fn succeeds(scenario: &str) -> Threshold {
    Threshold {
        require: "count(succeeded) > 0".to_owned(),
        metric: Metric::Count(Counter::Succeeded),
        bound: Bound::Greater,
        value: 0,
        quantity: Quantity::Count,
        select: Selector {
            scenario: Some(scenario.to_owned()),
            step: None,
            group: None,
            split: None,
        },
        window_ns: 0,
        grace_ns: 0,
        min_samples: 0,
        abort: false,
        on_no_data: NoData::NoData,
    }
}

/// Opens a TCP connection to each of `targets` that `seats` may talk to, and closes it again. Blocks.
///
/// # Errors
/// Every one that cannot be reached, with its reason; a sentence for the operator.
pub(crate) fn reach(targets: &[Target], seats: &[String]) -> Result<(), String> {
    let groups: BTreeSet<&str> = seats.iter().filter_map(|seat| seat.split('/').next()).collect();
    let ours = targets.iter().filter(|target| groups.contains(target.group.as_str()));
    let ours: Vec<&Target> = ours.collect();
    let mut failed = BTreeSet::new();
    for some in ours.chunks(TRIES_MAX) {
        let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
            let tries = some.iter().map(|target| scope.spawn(|| connect(target)));
            let tries: Vec<ScopedJoinHandle<'_, _>> = tries.collect();
            let broke = |_| Err("the try broke off".to_owned());
            tries.into_iter().map(|it| it.join().unwrap_or_else(broke)).collect()
        });
        for (target, outcome) in some.iter().zip(outcomes) {
            if let Err(why) = outcome {
                let Target { endpoint, host, port, .. } = target;
                let at = format!("endpoint `{endpoint}` ({host}:{port})");
                failed.insert(format!("{at} cannot be reached: {why}"));
            }
        }
    }
    match failed.len() {
        0 => Ok(()),
        _ => Err(failed.into_iter().collect::<Vec<String>>().join("; ")),
    }
}

/// Tries every address of a target, as the driver does.
fn connect(target: &Target) -> Result<(), String> {
    let wait = match target.connect_timeout_ns {
        0 => CONNECT_WAIT,
        limit => Duration::from_nanos(limit),
    };
    let addresses = (target.host.as_str(), target.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| error.to_string())?;
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, wait) {
            Ok(_) => return Ok(()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use compiler::schedule::{Closed, Open};

    use super::*;

    fn every_load() -> Artifact {
        let text = include_bytes!("../../../golden/every-load/artifact.json");
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn every_load_becomes_one_arrival_at_the_start() {
        let artifact = every_load();
        let dry = dry_run(&artifact);
        assert_eq!(dry.digest, artifact.digest);
        let (mut open, mut closed) = (0, 0);
        for (name, scenario) in &dry.scenarios {
            match &scenario.load {
                Load::Open(load) => {
                    let schedule = Open::of(dry.seed, name, load);
                    assert_eq!((schedule.due_ns(0), schedule.due_ns(1)), (Some(0), None), "{name}");
                    open += 1;
                }
                Load::Closed(load) => {
                    assert_eq!(Closed::new(load).users_max(), 1, "{name}");
                    closed += 1;
                }
                Load::Observe { .. } => continue,
            }
            assert_eq!((scenario.planned, scenario.start_ns), (1, 0), "{name}");
            assert_eq!(scenario.seats, artifact.scenarios[name].seats, "whoever owns it sends it");
            assert!(dry.thresholds.contains_key(&format!("dry_run.{name}")));
        }
        assert!(open > 2 && closed > 2, "{open} open, {closed} closed");
        assert_eq!(dry_run(&dry), dry, "it is what it is");
    }

    #[test]
    fn what_cannot_be_reached_is_named_for_the_groups_that_need_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let up = listener.local_addr().unwrap().port();
        let down = {
            let gone = TcpListener::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap().port()
        };
        let target = |endpoint: &str, group: &str, port| Target {
            endpoint: endpoint.to_owned(),
            group: group.to_owned(),
            ..Target::new("127.0.0.1", port)
        };
        let targets = [target("shop", "eu", up), target("pay", "us", down)];
        assert_eq!(reach(&targets, &["eu/0".to_owned()]), Ok(()));
        let why = reach(&targets, &["eu/0".to_owned(), "us/1".to_owned()]).unwrap_err();
        let named = format!("endpoint `pay` (127.0.0.1:{down}) cannot be reached: ");
        assert!(why.starts_with(&named) && !why.contains("shop"), "{why}");
    }
}
