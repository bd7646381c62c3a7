//! A node in virtual time: starts its arrivals by its own clock, under its lease, and writes each down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use compiler::artifact::{Artifact, Load, Scenario};
use compiler::schedule::length_ns;

use crate::clock::Ticks;
use crate::cluster::load::{LoadEvent, LoadSummary};
use crate::cluster::sample::Due;
use crate::cluster::wire::ScenarioOrder;
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
    /// What is wanted of single scenarios is not heeded: starts come as early as they can, stops never.
    NoDirections,
}

/// One node of a run.
#[derive(Debug)]
pub(super) struct Node {
    due: Due,
    /// By scenario: the numbers that it owns.
    owned: Vec<Vec<u64>>,
    next: Vec<usize>,
    rows: Vec<LedgerRow>,
    /// By scenario: its start, counted from the run's.
    starts_ns: Vec<u64>,
    /// By scenario: whether its start may still be brought forward.
    open_start: Vec<bool>,
    stopped: Vec<bool>,
    /// By scenario: of a count, which has no due times, how long it may take.
    within_ns: Vec<Option<u64>>,
    /// When each running transaction ends, its scenario, and whether it ends well.
    running: BinaryHeap<Reverse<(Ticks, usize, bool)>>,
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
        let scenarios = || artifact.scenarios.values();
        Node {
            due: Due::new(artifact),
            owned: owned.collect(),
            next: vec![0; count],
            rows: empty_rows(count),
            starts_ns: scenarios()
                .map(|it| if mutant == Mutant::NoDirections { it.start_ns } else { latest_ns(it) })
                .collect(),
            open_start: scenarios().map(|scenario| scenario.late_start.is_some()).collect(),
            stopped: vec![false; count],
            within_ns: scenarios().map(within_ns).collect(),
            running: BinaryHeap::new(),
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
        while self.running.peek().is_some_and(|Reverse((end, ..))| *end <= now) {
            if let Some(Reverse((_, scenario, ok))) = self.running.pop() {
                self.rows[scenario].succeeded += u64::from(ok);
                self.rows[scenario].failed += u64::from(!ok);
            }
        }
        if !self.fenced && self.cut_at.is_none() {
            self.start_due(now, start, log, &mut events);
            self.note_ends(now - start);
        }
        let done = self.rows.iter().all(|row| row.over_ms.is_some());
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
            if self.stopped[scenario] {
                continue;
            }
            let begin = start + self.starts_ns[scenario];
            while let Some(n) = self.owned[scenario].get(self.next[scenario]).copied() {
                let due = begin + self.due.due_ns(scenario, n).unwrap_or(0);
                let is_busy = || self.running.iter().any(|Reverse((_, of, _))| *of == scenario);
                let within_ns = self.within_ns[scenario];
                let is_over = |within_ns| now >= begin + within_ns || is_busy();
                if due > now || within_ns.is_some_and(is_over) {
                    break;
                }
                if now >= self.lease_end && self.mutant != Mutant::NoLeaseCheck {
                    self.fenced = true;
                    return events.push(LoadEvent::Fenced);
                }
                self.next[scenario] += 1;
                let row = &mut self.rows[scenario];
                row.upto = n + 1;
                if now - due > LATE_AFTER_NS && within_ns.is_none() {
                    row.dropped_late += 1;
                } else {
                    row.started += 1;
                    self.started[scenario] += 1;
                    log.push((scenario, n));
                    // One in five fails, whoever runs it.
                    self.running.push(Reverse((now + self.latency_ns, scenario, n % 5 != 3)));
                }
            }
        }
    }

    /// Takes what is wanted of single scenarios.
    pub(super) fn direct(&mut self, orders: &[ScenarioOrder]) {
        if self.mutant == Mutant::NoDirections {
            return;
        }
        for order in orders {
            let at = order.scenario as usize;
            self.stopped[at] |= order.stop;
            if let Some(start_ns) = order.start_ns.filter(|_| self.open_start[at]) {
                self.open_start[at] = false;
                self.starts_ns[at] = start_ns.min(self.starts_ns[at]);
            }
        }
    }

    fn note_ends(&mut self, elapsed: u64) {
        for (at, row) in self.rows.iter_mut().enumerate() {
            let runs = self.running.iter().any(|Reverse((_, of, _))| *of == at);
            let within_ns = self.within_ns[at];
            let all = self.next[at] == self.owned[at].len() && !(within_ns.is_some() && runs);
            let time_over = within_ns.is_some_and(|ns| elapsed >= self.starts_ns[at] + ns);
            if self.stopped[at] || all || time_over {
                row.over_ms.get_or_insert(elapsed.div_ceil(1_000_000));
            }
        }
    }

    fn cut(&mut self, to_ms: u64) -> Window {
        let fresh = empty_rows(self.rows.len());
        let rows = std::mem::replace(&mut self.rows, fresh);
        for (row, next) in rows.iter().zip(&mut self.rows) {
            next.upto = row.upto;
            next.over_ms = row.over_ms;
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

fn within_ns(scenario: &Scenario) -> Option<u64> {
    matches!(scenario.load, Load::Closed(_)).then(|| length_ns(&scenario.load))
}

fn latest_ns(scenario: &Scenario) -> u64 {
    scenario.late_start.as_ref().map_or(scenario.start_ns, |late| late.latest_ns)
}

fn empty_rows(count: usize) -> Vec<LedgerRow> {
    let row = |scenario| LedgerRow { scenario, lanes: 1, ..LedgerRow::default() };
    (0..u32::try_from(count).unwrap()).map(row).collect()
}
