//! (pure) Loads in the words of a plan, stage by stage, with the arrivals that a change brings.

use serde::Serialize;

use super::fields::{self, Fields};
use super::seats::Part;
use super::{Change, json, more};
use crate::artifact::{Load, OpenLoad, Share};
use crate::explain::stage::{Stage, Words, spelled, stages};
use crate::schedule::Open;

/// Most arrivals that two parts of traffic are compared over.
const NUMBERS_MAX: u64 = 1_000_000;

/// A scenario's load and what its schedule is drawn from.
#[derive(Clone, Copy)]
pub(super) struct Loaded<'a> {
    /// Seed of the plan.
    pub(super) plan_seed: u64,
    /// Name of the scenario.
    pub(super) name: &'a str,
    /// The load.
    pub(super) load: &'a Load,
}

/// Compares the loads of a scenario.
pub(super) fn compare(subject: &str, old: Loaded<'_>, new: Loaded<'_>, changes: &mut Vec<Change>) {
    let other = match (old.load, new.load) {
        (Load::Open(old), Load::Open(new)) => {
            share(subject, old.share.as_ref(), new.share.as_ref(), changes);
            differing(old, new)
        }
        (Load::Closed(old), Load::Closed(new)) => differing(old, new),
        (Load::Observe { .. }, Load::Observe { .. }) => Vec::new(),
        (Load::Open(_) | Load::Closed(_) | Load::Observe { .. }, _) => {
            changes.push(Change::value(subject, WHOLE, Some(text(old)), Some(text(new))));
            return;
        }
    };
    compare_stages(subject, &laid_out(old), &laid_out(new), changes);
    let values = other.into_iter();
    changes.extend(values.map(|(label, old, new)| Change::value(subject, label, old, new)));
}

/// Returns a load on one line.
pub(super) fn text(loaded: Loaded<'_>) -> String {
    let model = match loaded.load {
        Load::Open(_) => "open: ",
        Load::Closed(_) => "closed: ",
        Load::Observe { .. } => "",
    };
    let stages = laid_out(loaded);
    let stages: Vec<String> = stages.iter().map(|stage| spelled(&stage.words)).collect();
    let share = match loaded.load {
        Load::Open(OpenLoad { share: Some(share), .. }) => {
            format!(", {} of traffic {}", Part::new(share.offsets.len(), share.of), share.traffic)
        }
        Load::Open(_) | Load::Closed(_) | Load::Observe { .. } => String::new(),
    };
    format!("{model}{}{share}", stages.join(", "))
}

fn laid_out(loaded: Loaded<'_>) -> Vec<Stage> {
    let Loaded { plan_seed, name, load } = loaded;
    match load {
        Load::Open(open) => stages(load, Some(&Open::of(plan_seed, name, open))),
        Load::Closed(_) | Load::Observe { .. } => stages(load, None),
    }
}

/// Returns what differs beside the stages and what follows from them.
fn differing<T: Serialize>(old: &T, new: &T) -> Vec<fields::Differing> {
    let unsaid = [("arrivals", "even"), ("on_overload", "drop")];
    let of =
        |load| Fields::of(&fields::said(json(load), &unsaid), &["stages", "users_max", "share"]);
    fields::differing(&mut of(old), &mut of(new))
}

/// Label of a change from one model of load to another.
pub(super) const WHOLE: &str = "load";

/// Label of a change of a part of traffic.
pub(super) const SHARE: &str = "share";

/// Compares a scenario's parts of traffic: which, how much of it, and which of its arrivals.
fn share(subject: &str, old: Option<&Share>, new: Option<&Share>, changes: &mut Vec<Change>) {
    let part = |share: &Share| Part::new(share.offsets.len(), share.of);
    let said = |share: Option<&Share>| match share {
        Some(share) => format!("{} of traffic {}", part(share), share.traffic),
        None => "all of its own load".to_owned(),
    };
    let numbers = |share: &Share, of: u64| -> Option<Vec<u64>> {
        let turns = of.checked_div(u64::from(share.of)).filter(|_| of <= NUMBERS_MAX)?;
        let own = |turn: u64| {
            let first = turn * u64::from(share.of);
            share.offsets.as_slice().iter().map(move |offset| first + u64::from(*offset))
        };
        Some((0..turns).flat_map(own).collect())
    };
    if let (Some(old), Some(new)) = (old, new)
        && (part(old), &old.traffic) == (part(new), &new.traffic)
    {
        let both = u64::from(old.of) * u64::from(new.of);
        let same = old == new || numbers(old, both).is_some_and(|n| Some(n) == numbers(new, both));
        if !same {
            let label = format!("arrivals of traffic {}", new.traffic);
            let [old, new] = ["dealt one way", "dealt another"].map(|text| Some(text.to_owned()));
            changes.push(Change::value(subject, label, old, new));
        }
        return;
    }
    if old != new {
        let was = match (old, new) {
            (Some(old), Some(new)) if old.traffic == new.traffic => part(old).to_string(),
            _ => said(old),
        };
        changes.push(Change::value(subject, SHARE, Some(was), Some(said(new))));
    }
}

/// Compares stages: those that both begin with and end with are the same, those between change places one by one.
fn compare_stages(subject: &str, old: &[Stage], new: &[Stage], changes: &mut Vec<Change>) {
    let same = |pair: &(&Stage, &Stage)| pair.0.words == pair.1.words;
    let head = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let old_rest = &old_rest[..old_rest.len() - tail];
    let new_rest = &new_rest[..new_rest.len() - tail];
    let paired = old_rest.len().min(new_rest.len());
    for (at, (old_stage, new_stage)) in old_rest.iter().zip(new_rest).enumerate() {
        if old_stage.words == new_stage.words {
            continue;
        }
        let twin = |stages: &[Stage], stage: &Stage| {
            let word = |stage: &Stage| stage.words.first().map(|(word, _)| *word);
            stages.iter().filter(|other| word(other) == word(stage)).count() > 1
        };
        let ambiguous = twin(old, old_stage) || twin(new, new_stage);
        let place = ambiguous.then_some(head + at + 1);
        let note = arrivals(old_stage.arrivals, new_stage.arrivals);
        changes.push(changed(subject, place, &old_stage.words, &new_stage.words).with_note(note));
    }
    for (at, stage) in old_rest.iter().enumerate().skip(paired) {
        let note = arrivals(stage.arrivals, Some(0));
        let subject = format!("{subject}, stage {}", head + at + 1);
        changes.push(Change::removed(subject, spelled(&stage.words)).with_note(note));
    }
    for (at, stage) in new_rest.iter().enumerate().skip(paired) {
        let note = arrivals(Some(0), stage.arrivals);
        let subject = format!("{subject}, stage {}", head + at + 1);
        changes.push(Change::added(subject, spelled(&stage.words)).with_note(note));
    }
}

/// Says what of a stage differs: one value after the words before it, or else the whole.
fn changed(subject: &str, place: Option<usize>, old: &Words, new: &Words) -> Change {
    let place = place.map_or_else(String::new, |place| format!("stage {place} "));
    let same_words = old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.0 == b.0);
    let differ: Vec<usize> = (0..old.len()).filter(|at| old.get(*at) != new.get(*at)).collect();
    if let ([at], true) = (differ.as_slice(), same_words) {
        let before = spelled(&old[..*at]);
        let label = format!("{place}{before} {}", old[*at].0);
        let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
        return Change::value(subject, label, Some(old[*at].1.clone()), Some(new[*at].1.clone()));
    }
    let label = format!("{place}load");
    Change::value(subject, label, Some(spelled(old)), Some(spelled(new)))
}

fn arrivals(old: Option<u64>, new: Option<u64>) -> String {
    match (old, new) {
        (Some(old), Some(new)) => more(old, new, "arrivals"),
        (None, _) | (_, None) => String::new(),
    }
}
