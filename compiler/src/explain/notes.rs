//! (pure) What a plan says of a scenario beside its stages and steps, in words.

use super::label::{length, number};
use crate::artifact::{
    Arrivals, Connections, LateStart, Load, Moment, OnOverload, OpenLoad, Scenario, StartAfter,
};

/// Returns a note for each setting that is not what a plan need not say.
pub(super) fn notes(scenario: &Scenario) -> Vec<String> {
    let mut notes = Vec::new();
    if scenario.late_start.is_some() {
        notes.push(format!("starts {}", start(scenario)));
    }
    match &scenario.load {
        Load::Open(load) => open(load, &mut notes),
        Load::Closed(load) if load.pace_ns > 0 => {
            let pace = length(load.pace_ns);
            notes.push(format!(
                "a user starts its next transaction {pace} after the last one's start"
            ));
        }
        Load::Closed(_) => {}
        Load::Observe { .. } => {
            notes.push("starts nothing: a transaction begins with each event it finds".to_owned());
        }
    }
    if scenario.timeout_ns > 0 {
        notes.push(format!("a transaction is cut after {}", length(scenario.timeout_ns)));
    }
    if let Some(most) = scenario.max_failures {
        notes.push(format!("stops after {} failed transactions", number(most)));
    }
    match scenario.connections {
        Connections::Pool => {}
        Connections::PerUser => notes.push("a fresh connection for each user".to_owned()),
    }
    notes
}

fn open(load: &OpenLoad, notes: &mut Vec<String>) {
    if let Some(share) = &load.share {
        let (part, of) = (share.offsets.len(), share.of);
        notes.push(format!("{part} of every {of} arrivals of traffic {}", share.traffic));
    }
    match load.arrivals {
        Arrivals::Even => {}
        Arrivals::Poisson => notes.push("poisson: gaps are drawn from the seed".to_owned()),
    }
    match load.on_overload {
        OnOverload::Drop => {}
        OnOverload::Queue => notes.push("arrivals above the limit wait".to_owned()),
        OnOverload::Fail => notes.push("an arrival above the limit ends the run".to_owned()),
    }
}

/// Returns when a scenario starts: `at 10s`, or `when import has finished: between 5s and 1m`.
pub(crate) fn start(scenario: &Scenario) -> String {
    let earliest = length(scenario.start_ns);
    let Some(LateStart { latest_ns, after }) = &scenario.late_start else {
        return format!("at {earliest}");
    };
    let after: Vec<String> = after.iter().map(start_after).collect();
    format!("{}: between {earliest} and {}", after.join(" and "), length(*latest_ns))
}

/// Returns when a scenario starts after another: `1s after import has finished`.
pub(super) fn start_after(start: &StartAfter) -> String {
    let StartAfter { scenario, state, delay_ns } = start;
    let moment = match state {
        Moment::Started => "has started",
        Moment::Finished => "has finished",
        Moment::Drained => "has drained",
    };
    match delay_ns {
        0 => format!("when {scenario} {moment}"),
        delay_ns => format!("{} after {scenario} {moment}", length(*delay_ns)),
    }
}
