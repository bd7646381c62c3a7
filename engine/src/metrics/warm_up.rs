//! (pure) Which part of a window's seconds belongs to arrivals of the warm-up, which may end, or be sent late, after it.

use std::collections::BTreeMap;

use super::{SecondRow, Window};

/// Returns what of each row of `window.seconds` belongs to the warm-up, rows without such a part left out.
///
/// The ledger counts by window, not by second. In a window of several seconds the warm-up's part is taken to come
/// first, which it did: arrivals of the warm-up are the oldest.
pub(super) fn share_of_seconds(window: &Window) -> Vec<SecondRow> {
    let mut left: BTreeMap<u32, SecondRow> = BTreeMap::new();
    for row in &window.ledger {
        let sum = left.entry(row.scenario).or_default();
        sum.started += row.warm_up;
        sum.succeeded += row.warm_up_succeeded;
        sum.failed += row.warm_up_failed;
        sum.dropped += row.warm_up_dropped;
    }
    let mut rows: Vec<&SecondRow> = window.seconds.iter().collect();
    rows.sort_by_key(|row| row.second);
    let mut found = Vec::new();
    for row in rows {
        let Some(left) = left.get_mut(&row.scenario) else { continue };
        let part = SecondRow {
            second: row.second,
            scenario: row.scenario,
            started: take(&mut left.started, row.started),
            succeeded: take(&mut left.succeeded, row.succeeded),
            failed: take(&mut left.failed, row.failed),
            dropped: take(&mut left.dropped, row.dropped),
            in_flight: 0,
        };
        if part.started + part.succeeded + part.failed + part.dropped > 0 {
            found.push(part);
        }
    }
    found
}

/// Takes at most `most` off `left` and returns it.
fn take(left: &mut u64, most: u64) -> u64 {
    let taken = most.min(*left);
    *left -= taken;
    taken
}
