//! (pure) Loads in the words of a plan, stage by stage, each with its time and its arrivals.

use super::label::{length, number};
use crate::artifact::{ClosedLoad, ClosedStage, Load, OpenLoad, OpenStage};
use crate::schedule::{Open, closed_length_ns, open_length_ns};

/// A stage as words with values: `hold` `200/s`, `for` `2m`.
pub(crate) type Words = Vec<(&'static str, String)>;

/// A stage of a load.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// What it is, in words.
    pub(crate) words: Words,
    /// When it begins, in nanoseconds since the scenario's start.
    pub(crate) start_ns: u64,
    /// When it ends, at the latest.
    pub(crate) end_ns: u64,
    /// Arrivals that are due in it, where their number is known.
    pub(crate) arrivals: Option<u64>,
}

/// Returns the stages of a scenario's load; `open` is its schedule if it is an open one.
pub(crate) fn stages(load: &Load, open: Option<&Open>) -> Vec<Stage> {
    match load {
        Load::Open(load) => open.map_or_else(Vec::new, |open| open_stages(load, open)),
        Load::Closed(load) => closed_stages(load),
        Load::Observe { length_ns } => {
            let words = vec![("observe for", length(*length_ns))];
            vec![Stage { words, start_ns: 0, end_ns: *length_ns, arrivals: None }]
        }
    }
}

/// Returns words on one line: `hold 200/s for 2m`.
pub(crate) fn spelled(words: &[(&'static str, String)]) -> String {
    let words: Vec<String> = words.iter().map(|(word, value)| format!("{word} {value}")).collect();
    words.join(" ")
}

fn open_stages(load: &OpenLoad, open: &Open) -> Vec<Stage> {
    let (mut first, mut start_ns) = (0, 0u64);
    let mut stages = Vec::with_capacity(load.stages.len());
    for (at, stage) in load.stages.iter().enumerate() {
        let last = at + 1 == load.stages.len();
        let end_ns = start_ns.saturating_add(open_length_ns(stage));
        let next = if last { open.count() } else { open.first_due_at_or_after(end_ns) };
        let arrivals = Some(next.saturating_sub(first));
        stages.push(Stage { words: open_words(stage), start_ns, end_ns, arrivals });
        (first, start_ns) = (next, end_ns);
    }
    stages
}

fn open_words(stage: &OpenStage) -> Words {
    match stage {
        OpenStage::Rate { from, to, length_ns } if from == to => {
            vec![("hold", to.to_string()), ("for", length(*length_ns))]
        }
        OpenStage::Rate { from, to, length_ns } => {
            vec![("ramp", from.to_string()), ("to", to.to_string()), ("in", length(*length_ns))]
        }
        OpenStage::Random { min, max, every_ns, length_ns } => vec![
            ("random", min.to_string()),
            ("to", max.to_string()),
            ("every", length(*every_ns)),
            ("for", length(*length_ns)),
        ],
        OpenStage::Count { rate, count } => {
            vec![("send", number(*count)), ("at", rate.to_string())]
        }
        OpenStage::Pause { length_ns } => vec![("pause", length(*length_ns))],
    }
}

fn closed_stages(load: &ClosedLoad) -> Vec<Stage> {
    let mut start_ns = 0u64;
    let mut stages = Vec::with_capacity(load.stages.len());
    for stage in &load.stages {
        let arrivals = match stage {
            ClosedStage::Users { .. } => None,
            ClosedStage::Pause { .. } => Some(0),
            ClosedStage::Count { count, .. } => Some(*count),
            ClosedStage::CountEach { users, count, .. } => {
                Some(count.saturating_mul(u64::from(*users)))
            }
        };
        let end_ns = start_ns.saturating_add(closed_length_ns(stage));
        stages.push(Stage { words: closed_words(stage), start_ns, end_ns, arrivals });
        start_ns = end_ns;
    }
    stages
}

fn closed_words(stage: &ClosedStage) -> Words {
    let users = |n: &u32| number(u64::from(*n));
    match stage {
        ClosedStage::Users { from, to, length_ns } if from == to => {
            vec![("users", users(to)), ("for", length(*length_ns))]
        }
        ClosedStage::Users { from, to, length_ns } => {
            vec![("users from", users(from)), ("to", users(to)), ("in", length(*length_ns))]
        }
        ClosedStage::Count { users: by, count, within_ns } => vec![
            ("iterations", number(*count)),
            ("by users", users(by)),
            ("within", length(*within_ns)),
        ],
        ClosedStage::CountEach { users: each, count, within_ns } => vec![
            ("iterations", number(*count)),
            ("each of users", users(each)),
            ("within", length(*within_ns)),
        ],
        ClosedStage::Pause { length_ns } => vec![("pause", length(*length_ns))],
    }
}
