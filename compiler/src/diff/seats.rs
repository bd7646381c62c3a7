//! (pure) Which seat gets which share of a scenario.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::artifact::Scenario;
use crate::explain::seat_order;
use crate::unit::Rate;

/// A share of a scenario in lowest terms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Part(Rate);

impl Part {
    /// Returns `part` of `all`.
    pub(super) fn new(part: usize, all: u32) -> Part {
        Part(Rate::new(u64::try_from(part).unwrap_or(u64::MAX), u64::from(all)))
    }
}

impl std::fmt::Display for Part {
    /// Writes a percentage with at most three digits after the point.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (part, all) = (u128::from(self.0.count), u128::from(self.0.per_ns.max(1)));
        let thousandths = (part * 100_000 + all / 2) / all;
        let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Returns each seat's share of `scenario`.
pub(super) fn shares(scenario: &Scenario) -> impl Iterator<Item = (&str, Part)> {
    let all = scenario.slot_count;
    scenario.seats.iter().map(move |(seat, owned)| (seat.as_str(), Part::new(owned.len(), all)))
}

/// Compares the shares of the seats, and who owns which slot where the shares are the same.
pub(super) fn compare(
    subject: &str,
    name: &str,
    old: &Scenario,
    new: &Scenario,
    changes: &mut Vec<Change>,
) {
    let (before, after) =
        (shares(old).collect::<BTreeMap<_, _>>(), shares(new).collect::<BTreeMap<_, _>>());
    if before == after {
        let dealt = |scenario: &Scenario| -> Vec<(String, Vec<u32>)> {
            let own = |slot: &u32| slot.saturating_sub(scenario.slot_base);
            let seats = scenario.seats.iter();
            seats
                .map(|(seat, set)| (seat.clone(), set.as_slice().iter().map(own).collect()))
                .collect()
        };
        if dealt(old) != dealt(new) {
            let said = |text: &str| Some(text.to_owned());
            changes.push(Change::value(
                subject,
                "slots",
                said("dealt one way"),
                said("dealt another"),
            ));
        }
        return;
    }
    let mut seats: Vec<&str> =
        before.keys().chain(after.keys()).copied().collect::<BTreeSet<_>>().into_iter().collect();
    seats.sort_by_key(|seat| seat_order(seat));
    seats.retain(|seat| before.get(seat) != after.get(seat));
    let key = |seat: &&str| (seat_order(seat).0.to_owned(), before.get(*seat), after.get(*seat));
    for run in seats.chunk_by(|a, b| key(a) == key(b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let subject = match run.len() {
            1 => format!("seat {first}"),
            _ => format!("seats {first} to {last}, each"),
        };
        let share = |shares: &BTreeMap<&str, Part>| {
            shares.get(first).map_or_else(|| "0%".to_owned(), Part::to_string)
        };
        let new = format!("{} of {name}", share(&after));
        changes.push(Change::value(&subject, "", Some(share(&before)), Some(new)));
    }
}
