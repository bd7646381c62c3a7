//! A node in virtual time: starts its arrivals by its own clock, under its lease, and writes each down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use compiler::artifact::{Artifact, Load, Scenario};
use compiler::schedule::length_ns;

use crate::clock::Ticks;
use crate::cluster::coordinator::state::Deviation;
use crate::cluster::load::{LoadEvent, LoadSummary};
use crate::cluster::sample::Due;
use crate::cluster::wire::ScenarioOrder;
use crate::ledger::{Takeover, seat_slots};
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
    /// A coordinator that dies has not written when it lived.
    NoSignsOfLife,
    /// The coordinator breaks a rule of loss.
    Coordinator(Deviation),
}

/// One node of a run.
#[derive(Debug)]
pub(super) struct Node {
    due: Due,
    artifact: Artifact,
    parts: Vec<Part>,
    /// By scenario: its start, counted from the run's.
    starts_ns: Vec<u64>,
    /// By scenario: whether its start may still be brought forward.
    open_start: Vec<bool>,
    stopped: Vec<bool>,
    /// When each running transaction ends, its part, and whether it ends well.
    running: BinaryHeap<Reverse<(Ticks, usize, bool)>>,
    latency_ns: u64,
    pub(super) start: Option<Ticks>,
    pub(super) lease_end: Ticks,
    pub(super) cut_at: Option<Ticks>,
    pub(super) mutant: Mutant,
    fenced: bool,
    finished: bool,
    from_ms: u64,
}

/// What it has of one scenario: the share of its seats, or a takeover.
#[derive(Debug)]
struct Part {
    scenario: usize,
    /// The numbers that it owns.
    owned: Vec<u64>,
    next: usize,
    row: LedgerRow,
    /// Of a count, which has no due times, how long it may take.
    within_ns: Option<u64>,
    /// What was due before is too late.
    not_before: Ticks,
}

impl Node {
    pub(super) fn new(
        artifact: &Artifact,
        seats: &[String],
        latency_ns: u64,
        mutant: Mutant,
    ) -> Node {
        let count = artifact.scenarios.len();
        let scenarios = || artifact.scenarios.values();
        let mut node = Node {
            due: Due::new(artifact),
            artifact: artifact.clone(),
            parts: Vec::new(),
            starts_ns: scenarios()
                .map(|it| if mutant == Mutant::NoDirections { it.start_ns } else { latest_ns(it) })
                .collect(),
            open_start: scenarios().map(|scenario| scenario.late_start.is_some()).collect(),
            stopped: vec![false; count],
            running: BinaryHeap::new(),
            latency_ns,
            start: None,
            lease_end: 0,
            cut_at: None,
            mutant,
            fenced: false,
            finished: false,
            from_ms: 0,
        };
        for at in 0..if seats.is_empty() { 0 } else { count } {
            let scenario = artifact.scenarios.values().nth(at).unwrap();
            let slots = seats.iter().flat_map(|seat| seat_slots(scenario, seat)).collect();
            node.add(at, 0, slots, 0, 0);
        }
        node
    }

    fn add(&mut self, at: usize, takeover: u32, slots: Vec<u32>, from: u64, not_before: Ticks) {
        let scenario = self.artifact.scenarios.values().nth(at).unwrap();
        let ours = |n: &u64| {
            let slot = compiler::schedule::slot_in(scenario, *n) - scenario.slot_base;
            slots.contains(&slot)
        };
        let number = u32::try_from(at).unwrap();
        self.parts.push(Part {
            scenario: at,
            owned: (from..scenario.planned).filter(ours).collect(),
            next: 0,
            row: LedgerRow {
                scenario: number,
                takeover,
                lanes: 1,
                upto: from,
                ..LedgerRow::default()
            },
            within_ns: within_ns(scenario),
            not_before,
        });
    }

    /// Takes over what lost nodes had, unless it has finished.
    pub(super) fn take_over(&mut self, now: Ticks, takeovers: &[Takeover]) {
        for takeover in takeovers {
            let known = self.parts.iter().any(|part| part.row.takeover == takeover.number);
            if self.finished || known {
                continue;
            }
            let at = takeover.scenario as usize;
            let slots = takeover.slots(self.artifact.scenarios.values().nth(at).unwrap());
            self.add(at, takeover.number, slots, takeover.from, now);
        }
    }

    /// Does what is due at `now` on its own clock; what it starts goes into `log` as (scenario, number).
    pub(super) fn step(&mut self, now: Ticks, log: &mut Vec<(usize, u64)>) -> Vec<LoadEvent> {
        let mut events = Vec::new();
        let Some(start) = self.start.filter(|start| now >= *start && !self.finished) else {
            return events;
        };
        while self.running.peek().is_some_and(|Reverse((end, ..))| *end <= now) {
            if let Some(Reverse((_, part, ok))) = self.running.pop() {
                self.parts[part].row.succeeded += u64::from(ok);
                self.parts[part].row.failed += u64::from(!ok);
            }
        }
        if !self.fenced && self.cut_at.is_none() {
            self.start_due(now, start, log, &mut events);
            self.note_ends(now - start);
        }
        let done = self.parts.iter().all(|part| part.row.over_ms.is_some());
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
        for (at, part) in self.parts.iter_mut().enumerate() {
            let scenario = part.scenario;
            if self.stopped[scenario] {
                continue;
            }
            let begin = start + self.starts_ns[scenario];
            while let Some(n) = part.owned.get(part.next).copied() {
                let due = begin + self.due.due_ns(scenario, n).unwrap_or(0);
                let is_busy = || self.running.iter().any(|Reverse((_, of, _))| *of == at);
                let is_over = |within_ns| now >= begin + within_ns || is_busy();
                if due > now || part.within_ns.is_some_and(is_over) {
                    break;
                }
                if now >= self.lease_end && self.mutant != Mutant::NoLeaseCheck {
                    self.fenced = true;
                    return events.push(LoadEvent::Fenced);
                }
                part.next += 1;
                part.row.upto = n + 1;
                let late = now - due > LATE_AFTER_NS || due < part.not_before;
                if late && part.within_ns.is_none() {
                    part.row.dropped_late += 1;
                } else {
                    part.row.started += 1;
                    log.push((scenario, n));
                    // One in five fails, whoever runs it.
                    self.running.push(Reverse((now + self.latency_ns, at, n % 5 != 3)));
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
        for (at, part) in self.parts.iter_mut().enumerate() {
            let runs = self.running.iter().any(|Reverse((_, of, _))| *of == at);
            let all = part.next == part.owned.len() && !(part.within_ns.is_some() && runs);
            let starts_ns = self.starts_ns[part.scenario];
            let time_over = part.within_ns.is_some_and(|ns| elapsed >= starts_ns + ns);
            if self.stopped[part.scenario] || all || time_over {
                part.row.over_ms.get_or_insert(elapsed.div_ceil(1_000_000));
            }
        }
    }

    fn cut(&mut self, to_ms: u64) -> Window {
        let rows: Vec<LedgerRow> = self.parts.iter().map(|part| part.row).collect();
        for part in &mut self.parts {
            let row = part.row;
            part.row = LedgerRow { upto: row.upto, over_ms: row.over_ms, ..row.emptied() };
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
