//! A node in virtual time: starts its arrivals by its own clock, under its lease, and writes each down.

use std::collections::VecDeque;

use compiler::artifact::Artifact;

use crate::clock::Ticks;
use crate::cluster::load::{LoadEvent, LoadSummary};
use crate::cluster::sample::Due;
use crate::metrics::{LedgerRow, SecondRow, Window};

const SECOND_NS: u64 = 1_000_000_000;

/// Arrivals due longer ago are dropped.
const LATE_AFTER_NS: u64 = SECOND_NS;

/// Deviations from the rules that the checks must catch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mutant {
    /// None: the rules.
    Faithful,
    /// The lease counts from when the answer came.
    LeaseFromReceipt,
    /// The lease is not looked at before an arrival.
    NoLeaseCheck,
}

/// One node of a run.
#[derive(Debug)]
pub(super) struct Node {
    due: Due,
    /// By scenario: the numbers that it owns.
    owned: Vec<Vec<u64>>,
    next: Vec<usize>,
    rows: Vec<LedgerRow>,
    running: VecDeque<(Ticks, usize)>,
    latency_ns: u64,
    pub(super) start: Option<Ticks>,
    pub(super) lease_end: Ticks,
    pub(super) cut_at: Option<Ticks>,
    pub(super) mutant: Mutant,
    fenced: bool,
    finished: bool,
    from_ms: u64,
    /// Everything it ever started, by scenario.
    pub(super) started: Vec<u64>,
}

impl Node {
    pub(super) fn new(
        artifact: &Artifact,
        seats: &[String],
        latency_ns: u64,
        mutant: Mutant,
    ) -> Node {
        let owned = artifact.scenarios.values().map(|scenario| {
            let ours = |n: &u64| {
                let slot = compiler::schedule::slot_in(scenario, *n);
                seats.iter().any(|seat| scenario.seats[seat].contains(slot))
            };
            (0..scenario.planned).filter(ours).collect()
        });
        let count = artifact.scenarios.len();
        Node {
            due: Due::new(artifact),
            owned: owned.collect(),
            next: vec![0; count],
            rows: empty_rows(count),
            running: VecDeque::new(),
            latency_ns,
            start: None,
            lease_end: 0,
            cut_at: None,
            mutant,
            fenced: false,
            finished: false,
            from_ms: 0,
            started: vec![0; count],
        }
    }

    /// Does what is due at `now` on its own clock; what it starts goes into `log` as (scenario, number).
    pub(super) fn step(&mut self, now: Ticks, log: &mut Vec<(usize, u64)>) -> Vec<LoadEvent> {
        let mut events = Vec::new();
        let Some(start) = self.start.filter(|start| now >= *start && !self.finished) else {
            return events;
        };
        while self.running.front().is_some_and(|(end, _)| *end <= now) {
            if let Some((_, scenario)) = self.running.pop_front() {
                self.rows[scenario].succeeded += 1;
            }
        }
        if !self.fenced && self.cut_at.is_none() {
            self.start_due(now, start, log, &mut events);
        }
        let done = self.next.iter().zip(&self.owned).all(|(next, owned)| *next == owned.len());
        let idle = self.running.is_empty() || self.cut_at.is_some_and(|at| now >= at);
        let over = (done || self.fenced || self.cut_at.is_some()) && idle;
        let elapsed_ms = (now - start) / 1_000_000;
        if elapsed_ms >= self.from_ms + 1_000 || over {
            events.push(LoadEvent::Window(Box::new(self.cut(elapsed_ms))));
        }
        if over {
            self.finished = true;
            events.push(LoadEvent::Finished(LoadSummary::default()));
        }
        events
    }

    fn start_due(
        &mut self,
        now: Ticks,
        start: Ticks,
        log: &mut Vec<(usize, u64)>,
        events: &mut Vec<LoadEvent>,
    ) {
        for scenario in 0..self.owned.len() {
            while let Some(n) = self.owned[scenario].get(self.next[scenario]).copied() {
                let due = start + self.due.due_ns(scenario, n).unwrap();
                if due > now {
                    break;
                }
                if now >= self.lease_end && self.mutant != Mutant::NoLeaseCheck {
                    self.fenced = true;
                    return events.push(LoadEvent::Fenced);
                }
                self.next[scenario] += 1;
                let row = &mut self.rows[scenario];
                row.upto = n + 1;
                if now - due > LATE_AFTER_NS {
                    row.dropped_late += 1;
                } else {
                    row.started += 1;
                    self.started[scenario] += 1;
                    log.push((scenario, n));
                    self.running.push_back((now + self.latency_ns, scenario));
                }
            }
        }
    }

    fn cut(&mut self, to_ms: u64) -> Window {
        let fresh = empty_rows(self.rows.len());
        let rows = std::mem::replace(&mut self.rows, fresh);
        for (row, next) in rows.iter().zip(&mut self.rows) {
            next.upto = row.upto;
        }
        let seconds = rows.iter().map(|row| SecondRow {
            second: u32::try_from(self.from_ms / 1_000).unwrap(),
            scenario: row.scenario,
            started: row.started,
            ..SecondRow::default()
        });
        let seconds = seconds.collect();
        let from_ms = std::mem::replace(&mut self.from_ms, to_ms);
        Window { from_ms, to_ms, ledger: rows, seconds, ..Window::default() }
    }
}

fn empty_rows(count: usize) -> Vec<LedgerRow> {
    let row = |scenario| LedgerRow { scenario, lanes: 1, ..LedgerRow::default() };
    (0..u32::try_from(count).unwrap()).map(row).collect()
}
