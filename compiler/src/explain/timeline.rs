//! (pure) What each seat sends over all scenarios, in stretches of even length.

use std::collections::BTreeMap;

use serde::Serialize;

use super::scenario::{Explained, Requests, between};
use super::{SERIES_BYTES, TRANSACTION_BYTES};
use crate::artifact::Artifact;
use crate::unit::SECOND_NS;

/// Most stretches that a run is cut into.
const STRETCHES_MAX: u64 = 8;

/// Lengths of a stretch that people think in, in nanoseconds.
const LENGTHS_NS: [u64; 25] = {
    const MS: u64 = 1_000_000;
    const M: u64 = 60 * SECOND_NS;
    const H: u64 = 60 * M;
    [
        MS,
        10 * MS,
        100 * MS,
        200 * MS,
        500 * MS,
        SECOND_NS,
        2 * SECOND_NS,
        5 * SECOND_NS,
        10 * SECOND_NS,
        15 * SECOND_NS,
        30 * SECOND_NS,
        M,
        2 * M,
        5 * M,
        10 * M,
        15 * M,
        30 * M,
        H,
        2 * H,
        6 * H,
        12 * H,
        24 * H,
        48 * H,
        72 * H,
        120 * H,
    ]
};

/// What each seat sends, and when.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// Length of a stretch, in microseconds; the last one may be shorter.
    pub stretch_us: u64,
    /// How many stretches there are, from the run's start to the end of the last stage.
    pub stretches: u64,
    /// Whether the arrivals and requests of each seat are exact; if not, timed users' are estimated under the assumptions.
    pub exact: bool,
    /// Whether the stretches are exact too; when a user starts the next transaction is estimated.
    pub exact_times: bool,
    /// Seats in order.
    pub seats: Vec<NodeView>,
}

/// What one seat sends in all. A node that takes several seats sends their sum.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    /// Name of the seat.
    pub seat: String,
    /// Arrivals; those of timed users estimated.
    pub arrivals: u64,
    /// Requests of these if all transactions succeed.
    pub requests: Requests,
    /// For each stretch, the requests of the transactions that start in it, at most.
    pub requests_by_stretch: Vec<u64>,
    /// Transactions that run at the peak of each scenario, summed.
    pub in_flight: u64,
    /// Connections in use at the peak of each scenario, summed.
    pub connections: u64,
    /// Memory of histograms (one worker thread), transactions in flight and data files, in bytes, about.
    pub memory_bytes: u64,
}

/// Sums up what `explained` scenarios make each of `seats` send.
pub(super) fn timeline(
    artifact: &Artifact,
    explained: &[Explained<'_>],
    seats: Vec<String>,
) -> Timeline {
    let end_us = explained.iter().map(|each| each.view.load_end_us).max().unwrap_or(0);
    let end_ns = end_us.saturating_mul(1_000);
    let fits = |length: &&u64| end_ns.div_ceil(**length) <= STRETCHES_MAX;
    let widest = end_ns.div_ceil(STRETCHES_MAX).max(1);
    let stretch_ns = LENGTHS_NS.iter().find(fits).copied().unwrap_or(widest);
    let stretches = end_ns.div_ceil(stretch_ns);
    let new = |seat: String| NodeView {
        seat,
        arrivals: 0,
        requests: Requests::NONE,
        requests_by_stretch: vec![0; usize::try_from(stretches).unwrap_or(0)],
        in_flight: 0,
        connections: 0,
        memory_bytes: 0,
    };
    let mut nodes: Vec<NodeView> = seats.into_iter().map(new).collect();
    let places: BTreeMap<String, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.seat.clone(), at)).collect();
    for each in explained {
        add(each, stretch_ns, stretches, &places, &mut nodes);
        let files = artifact.scenarios.get(&each.view.name).into_iter().flat_map(|s| s.data.keys());
        let bytes = files.filter_map(|name| artifact.data.get(name)).map(|data| data.file.bytes);
        let bytes = bytes.fold(0, u64::saturating_add);
        for seat in &each.view.seats {
            if let Some(node) = places.get(&seat.seat).and_then(|at| nodes.get_mut(*at)) {
                node.memory_bytes = node
                    .memory_bytes
                    .saturating_add(bytes)
                    .saturating_add(each.view.series.saturating_mul(SERIES_BYTES));
            }
        }
    }
    for node in &mut nodes {
        let running = node.in_flight.saturating_mul(TRANSACTION_BYTES);
        node.memory_bytes = node.memory_bytes.saturating_add(running);
    }
    let exact = !explained.iter().any(|each| each.view.is_open_ended());
    let exact_times = explained.iter().all(|each| each.tally.exact());
    Timeline { stretch_us: stretch_ns / 1_000, stretches, exact, exact_times, seats: nodes }
}

fn add(
    each: &Explained<'_>,
    stretch_ns: u64,
    stretches: u64,
    places: &BTreeMap<String, usize>,
    nodes: &mut [NodeView],
) {
    let Explained { view, tally, effort } = each;
    let start_ns = view.start_us.saturating_mul(1_000);
    let bound = |end: u64| end.saturating_mul(stretch_ns).saturating_sub(start_ns);
    let mut bounds: Vec<u64> = (1..=stretches).map(bound).collect();
    if let Some(last) = bounds.last_mut() {
        *last = u64::MAX;
    }
    let seats = tally.seats.iter().zip(tally.before(&bounds)).zip(tally.starts_before(&bounds));
    for (((name, residues), before), starts) in seats {
        let Some(node) = places.get(*name).and_then(|at| nodes.get_mut(*at)) else { continue };
        let started = between(&before).into_iter().zip(between(&starts));
        for (cell, (arrivals, users)) in node.requests_by_stretch.iter_mut().zip(started) {
            *cell = cell.saturating_add(effort.requests(arrivals, users).at_most());
        }
        let share = |all: u64| {
            let part = u128::from(all) * residues.len() as u128;
            u64::try_from(part.div_ceil(u128::from(view.slots.max(1)))).unwrap_or(u64::MAX)
        };
        node.in_flight = node.in_flight.saturating_add(share(view.in_flight));
        node.connections = node.connections.saturating_add(share(view.connections));
        if let Some(seat) = view.seats.iter().find(|seat| seat.seat == *name) {
            node.arrivals = node.arrivals.saturating_add(seat.arrivals_expected);
            node.requests = node.requests.and(seat.requests);
        }
    }
}
