//! (pure) What the coordinator asks of the schedule: how long the run is, and what is due when.

use compiler::artifact::{Artifact, Load};
use compiler::schedule::{Open, length_ns};

use crate::ledger::DueTimes;

/// Returns how long a run may take from its start: the last scenario's last stage and its graceful stop, in nanoseconds.
pub(crate) fn run_length_ns(artifact: &Artifact) -> u64 {
    let ends = artifact.scenarios.values().map(|scenario| {
        let load_ns = length_ns(&scenario.load);
        let late = scenario.late_start.as_ref();
        let start_ns = late.map_or(scenario.start_ns, |late| late.latest_ns);
        start_ns.saturating_add(load_ns).saturating_add(scenario.graceful_stop_ns)
    });
    ends.max().unwrap_or(0)
}

/// Due times of a run's scenarios.
#[derive(Debug)]
pub(crate) struct Schedules(Vec<Option<(u64, Open)>>);

impl Schedules {
    /// Builds the schedules of `artifact`, whose scenarios start at `starts_ns`, counted from the run's start.
    pub(crate) fn new(artifact: &Artifact, starts_ns: &[u64]) -> Schedules {
        let scenarios = artifact.scenarios.iter().zip(starts_ns);
        let schedules = scenarios.map(|((name, scenario), start_ns)| match &scenario.load {
            Load::Open(open) => Some((*start_ns, Open::of(artifact.seed, name, open))),
            Load::Closed(_) | Load::Observe { .. } => None,
        });
        Schedules(schedules.collect())
    }
}

impl DueTimes for Schedules {
    fn first_due_at_or_after(&self, scenario: usize, t_ns: u64) -> Option<u64> {
        let (start_ns, open) = self.0.get(scenario)?.as_ref()?;
        Some(open.first_due_at_or_after(t_ns.saturating_sub(*start_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sample::{self, Due};

    #[test]
    fn due_times_are_those_of_the_plain_rule() {
        let artifact = sample::artifact(&[7, 100], 3, 2);
        let (schedules, due) = (Schedules::new(&artifact, &[0, 0]), Due::new(&artifact));
        for scenario in 0..2 {
            let planned = artifact.scenarios.values().nth(scenario).unwrap().planned;
            for t_ns in (0..3_000_000_000).step_by(71_428_571) {
                let plain = due.first_due_at_or_after(scenario, t_ns).map(|n| n.min(planned));
                let ours = schedules.first_due_at_or_after(scenario, t_ns);
                assert_eq!(ours, plain, "scenario {scenario}, {t_ns} ns");
            }
        }
        assert_eq!(run_length_ns(&artifact), 4_000_000_000);
    }
}
