//! (pure) Collecting: numbered windows in order and once, final reports that must agree with them, the record at the end.

use std::collections::BTreeMap;

use bytes::Bytes;
use compiler::artifact::Load;

use super::bounds;
use super::due::Schedules;
use super::forming;
use super::member::Member;
use super::state::{Coordinator, Effect, Stage};
use crate::clock::Ticks;
use crate::cluster::wire::{
    Assembly, Delta, DeltaAck, Final, FinalAck, FinalReport, FromCoordinator, V, decode_window,
};
use crate::event::Happened;
use crate::ledger::{Fate, Ledger, LedgerError};
use crate::metrics::{Arrivals, Ending, NodeRecord, RunRecord, Window};

/// Windows that may wait for one before them; an agent has no more in flight.
pub(super) const AHEAD_MAX: u64 = 4;

const SECOND_NS: u64 = 1_000_000_000;

/// Longest window in seconds rows, a bound for what one message can make us keep.
const ROWS_MAX: usize = 200_000;

impl Coordinator {
    /// Takes a part of a window and acknowledges what is whole so far.
    pub(crate) fn delta(
        &mut self,
        now: Ticks,
        from: &str,
        head: &Delta,
        part: Bytes,
        effects: &mut Vec<Effect>,
    ) {
        let Some((at, node)) = self.node(from, &head.nonce, &head.run) else { return };
        let member = &mut self.members[at];
        let next = member.acked_seq + 1;
        if member.given_up {
            return;
        }
        if (next..next + AHEAD_MAX).contains(&head.seq) {
            member.deltas.entry(head.seq).or_default().put(head.part, head.parts, part);
        }
        while let Some(whole) = self.next_whole(at) {
            self.take_window(now, (at, node), whole, effects);
        }
        effects.push(Effect::Reply(Box::new(FromCoordinator::DeltaAck(DeltaAck {
            v: V,
            nonce: self.settings.nonce.clone(),
            run: self.settings.run.clone(),
            acked_seq: self.members[at].acked_seq,
        }))));
    }

    /// Takes a part of a final report.
    pub(crate) fn final_part(
        &mut self,
        now: Ticks,
        from: &str,
        head: &Final,
        part: Bytes,
        effects: &mut Vec<Effect>,
    ) {
        let Some((at, node)) = self.node(from, &head.nonce, &head.run) else { return };
        let member = &mut self.members[at];
        if member.given_up {
            return;
        }
        member.final_parts.put(head.part, head.parts, part);
        if let (Some(whole), None) = (member.final_parts.whole(), &member.report) {
            self.take_report(now, at, node, &whole, effects);
        }
        let parts_have = self.members[at].final_parts.have();
        effects.push(Effect::Reply(Box::new(FromCoordinator::FinalAck(FinalAck {
            v: V,
            nonce: self.settings.nonce.clone(),
            run: self.settings.run.clone(),
            parts_have,
            taken: self.members[at].report.is_some(),
        }))));
    }

    /// Returns until which second of the run everything is known, on every node that still reports.
    pub(crate) fn complete_until(&self) -> u32 {
        let members = self.nodes.iter().map(|at| &self.members[*at]);
        let waited = members.filter(|member| !member.is_settled() && member.lost.is_none());
        let until = waited.map(|member| member.until_ms / 1_000).min();
        until.map_or(u32::MAX, |second| u32::try_from(second).unwrap_or(u32::MAX))
    }

    /// Returns the member and node of a message about this run.
    fn node(&self, from: &str, nonce: &str, run: &str) -> Option<(usize, usize)> {
        let at = self.find(from, nonce).filter(|_| run == self.settings.run)?;
        let node = self.nodes.iter().position(|member| *member == at)?;
        Some((at, node))
    }

    fn next_whole(&mut self, at: usize) -> Option<Bytes> {
        let member = &mut self.members[at];
        let next = member.acked_seq + 1;
        let whole = member.deltas.get(&next).and_then(Assembly::whole)?;
        member.deltas.remove(&next);
        member.acked_seq = next;
        Some(whole)
    }

    fn take_window(
        &mut self,
        now: Ticks,
        (at, node): (usize, usize),
        whole: Bytes,
        effects: &mut Vec<Effect>,
    ) {
        let window =
            decode_window(whole.clone(), self.settings.series).map_err(|error| error.to_string());
        let checked = window.and_then(|window| {
            self.fits(&window)?;
            let ledger = self.ledger.apply(node, &window.ledger);
            ledger.map(|()| window).map_err(|error| error.to_string())
        });
        match checked {
            Ok(window) => {
                self.members[at].window(&window);
                self.progress.window(&window);
                self.heed_window(now, &window, effects);
                let (seq, window) = (self.members[at].acked_seq, Box::new(window));
                effects.push(Effect::Window { node, seq, window, body: whole });
                self.tick(now, effects);
            }
            Err(why) => {
                // The window is acknowledged, or it would come for ever; its arrivals stay undecided.
                let why =
                    format!("{} sent a window that does not hold: {why}", self.members[at].title());
                self.end(now, Ending::Internal(why), effects);
            }
        }
    }

    /// Gives out the seconds that have become complete.
    fn tick(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let complete = self.complete_until();
        for tick in self.progress.take(complete) {
            effects.push(self.event(now, None, Happened::Tick(tick)));
        }
    }

    /// Checks that the rows of a window are of this run.
    fn fits(&self, window: &Window) -> Result<(), String> {
        let scenarios: Vec<usize> = self
            .settings
            .artifact
            .scenarios
            .values()
            .map(|scenario| scenario.steps.len())
            .collect();
        let step_count = |scenario: u32| scenarios.get(scenario as usize).copied();
        let step =
            |scenario, step: u32| step_count(scenario).is_some_and(|count| (step as usize) < count);
        let rows = window.steps.len() + window.errors.len() + window.seconds.len();
        let holds = rows <= ROWS_MAX
            && bounds::believable(&self.settings.artifact, window)
            && window.steps.iter().all(|row| step(row.scenario, row.step))
            && window.errors.iter().all(|row| step(row.scenario, row.step))
            && window.seconds.iter().all(|row| step_count(row.scenario).is_some());
        if holds {
            Ok(())
        } else {
            Err("rows of something that the artifact does not have, or counts that cannot be"
                .into())
        }
    }

    fn take_report(
        &mut self,
        now: Ticks,
        at: usize,
        node: usize,
        whole: &Bytes,
        effects: &mut Vec<Effect>,
    ) {
        let title = self.members[at].title();
        let report: FinalReport = match serde_json::from_slice(whole) {
            Ok(report) => report,
            Err(error) => {
                // Taken as missing: what its windows say stands.
                self.members[at].final_parts = Assembly::default();
                let message = format!("final report of {title} cannot be read: {error}");
                return self.warn(now, "message-refused", message, effects);
            }
        };
        if report.last_seq != self.members[at].acked_seq {
            // An agent reports once its windows are acknowledged: this is not the last word.
            self.members[at].final_parts = Assembly::default();
            return;
        }
        if report.ledger != self.ledger.rows(node) {
            let why = format!("{title} counted otherwise than its windows say");
            self.end(now, Ending::Internal(why), effects);
        }
        if report.broken > 0 {
            let why = format!("{} workers of {title} broke off", report.broken);
            self.end(now, Ending::Internal(why), effects);
        }
        let end = self.end_of(now, at);
        let member = &mut self.members[at];
        member.drained.get_or_insert(end);
        member.fenced |= report.fenced;
        member.left |= report.left.is_some();
        let (name, fenced, left) = (member.name.clone(), member.fenced, member.left);
        member.report = Some(report);
        if fenced || left {
            let what = if fenced { "it stopped by itself: its lease had ended" } else { "it left" };
            self.lose(now, at, what, effects);
        }
        // What it was to take over and never did goes to somebody else.
        let member = &mut self.members[at];
        member.bequeaths |= member.lost.is_none() && !member.takeovers.is_empty();
        effects.push(self.event(now, Some(&name), Happened::Finished));
        self.tick(now, effects);
    }

    /// Returns what is known of the run at its end.
    pub(crate) fn record(&self, now: Ticks, now_unix_ms: u64) -> RunRecord {
        let start = self.start.unwrap_or(now);
        let load_started = self.start.is_some() && self.started_said;
        let mut ending = self.ending.clone();
        let arrivals = match self.settle(start) {
            Ok(arrivals) => arrivals,
            Err(error) => {
                if !matches!(ending, Ending::Interrupted) {
                    ending = Ending::Internal(error.to_string());
                }
                self.unsettled_arrivals()
            }
        };
        // A counted closed load ends at its `within`, finished or not; everything else is decided to its last arrival.
        let scenarios = self.settings.artifact.scenarios.values().zip(&arrivals);
        let undecided = scenarios
            .filter(|(scenario, _)| matches!(scenario.load, Load::Open(_)))
            .any(|(_, arrivals)| arrivals.dropped_by.stopped > 0);
        if ending == Ending::Complete && undecided {
            ending = Ending::Internal("nodes ended before every arrival was decided".to_owned());
        }
        let known = |at: &usize| self.members[*at].drained;
        let kept = |at: &usize| self.resumed.map(|_| self.end_of(now, *at));
        let ends = self.nodes.iter().filter_map(|at| known(at).or_else(|| kept(at)));
        let end = ends.max().unwrap_or(now).max(start);
        RunRecord {
            run: self.settings.run.clone(),
            started_at_unix_ms: now_unix_ms.saturating_sub(now.saturating_sub(start) / 1_000_000),
            duration_us: end.saturating_sub(start) / 1_000,
            ending,
            load_started,
            nodes: self
                .nodes
                .iter()
                .map(|at| self.node_record(&self.members[*at], start))
                .collect(),
            users_lost_us: self.users_lost_us(start, end),
            undecided: self.undecided(start, end),
            arrivals,
            warnings: self.warnings.clone(),
            versions: BTreeMap::from([("volley".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            vars: self.settings.vars.clone(),
            seed: self.settings.seed.unwrap_or(self.settings.artifact.seed),
        }
    }

    fn node_record(&self, member: &Member, start: Ticks) -> NodeRecord {
        let report = member.report.clone().unwrap_or_default();
        let armed = member.armed;
        NodeRecord {
            name: member.name.clone(),
            seats: member.seats.clone(),
            labels: member.labels.clone(),
            joined_us: since_us(member.joined, start),
            lost_us: member.lost.map(|lost| since_us(lost, start)),
            // One that took over later has no agreed instant to start at.
            start_error_us: if member.home.is_empty() { 0 } else { report.start_error_us },
            clock_offset_us: armed.map_or(0, |armed| armed.offset_ns / 1_000),
            clock_error_us: armed.map_or(0, |armed| armed.err_ns / 1_000),
            cpu_percent_max: member.cpu_percent_max,
            rss_bytes_max: member.rss_bytes_max,
            descriptors_max: member.descriptors_max,
            lag: member.lag.clone(),
            lateness: member.lateness.clone(),
        }
    }

    fn settle(&self, start: Ticks) -> Result<Vec<Arrivals>, LedgerError> {
        let artifact = &self.settings.artifact;
        let due = Schedules::new(artifact, &self.starts_ns());
        if self.nodes.is_empty() || self.stage_before_load() {
            let all = forming::seats(artifact).into_iter().map(|(seat, _)| seat).collect();
            return Ledger::new(artifact, &[all]).settle(&[Fate::Reported], &[], &due);
        }
        let fates: Vec<Fate> = self.nodes.iter().map(|at| self.fate(*at)).collect();
        self.ledger.settle(&fates, &self.stops_ns(start), &due)
    }

    /// Returns the arrivals that were dropped undecided by the second in which they were due.
    fn undecided(&self, start: Ticks, end: Ticks) -> Vec<Vec<u64>> {
        if self.stage_before_load() {
            return Vec::new();
        }
        let fates: Vec<Fate> = self.nodes.iter().map(|at| self.fate(*at)).collect();
        // A node's last second may end a little after the one of this clock.
        let seconds = end.saturating_sub(start).div_ceil(SECOND_NS) + 1;
        let due = Schedules::new(&self.settings.artifact, &self.starts_ns());
        self.ledger.undecided(&fates, seconds, &due)
    }

    fn users_lost_us(&self, start: Ticks, end: Ticks) -> Vec<u64> {
        let stopped = self.stopped.as_ref().map_or(end, |stopped| stopped.at);
        let known_ms: Vec<Option<u64>> = self
            .nodes
            .iter()
            .map(|at| &self.members[*at])
            .map(|member| member.lost.map(|_| member.until_ms))
            .collect();
        let end_ns = end.min(stopped).saturating_sub(start);
        self.ledger.users_lost_us(&known_ms, &self.starts_ns(), end_ns)
    }

    fn stage_before_load(&self) -> bool {
        self.start.is_none() || matches!(self.stage, Stage::Forming | Stage::Preparing)
    }

    fn fate(&self, at: usize) -> Fate {
        let member = &self.members[at];
        match &member.report {
            None => Fate::Lost { horizon_ns: member.leased_until_ns },
            Some(_) if member.fenced => Fate::Fenced,
            Some(_) if member.left || member.lost.is_some() => Fate::Left,
            Some(_) => Fate::Reported,
        }
    }

    /// Returns the plan with nothing decided: what is said when the ledger does not add up.
    fn unsettled_arrivals(&self) -> Vec<Arrivals> {
        let scenarios = self.settings.artifact.scenarios.values();
        let planned = scenarios.map(|scenario| scenario.planned);
        planned
            .map(|planned| Arrivals { planned, unaccounted: planned, ..Arrivals::default() })
            .collect()
    }
}

fn since_us(at: Ticks, start: Ticks) -> i64 {
    let ns = i128::from(at) - i128::from(start);
    i64::try_from(ns / 1_000).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}
