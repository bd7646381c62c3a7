//! A worker's parts of scenarios: when each begins, when it is over, when what still runs of it is cut.

use std::cmp::Reverse;

use compiler::artifact::Load;
use compiler::schedule::Open;

use super::Worker;
use crate::clock::Ticks;
use crate::ledger::Takeover;
use crate::runtime::Direction;
use crate::runtime::closed::start_users;
use crate::runtime::open::OpenLane;
use crate::runtime::share::Share;

/// What a worker executes of one scenario.
pub(super) struct Part {
    share: Share,
    /// When the scenario starts: known, or at the latest.
    begin: Ticks,
    /// Whether `begin` may still be brought forward.
    open_start: bool,
    begun: Option<Begun>,
    over: bool,
}

/// A part that has begun.
struct Begun {
    /// Place of its open lane among the worker's; `None` for users.
    lane: Option<usize>,
    /// End of the last stage.
    end: Ticks,
    /// When what still runs is cut.
    cut_at: Ticks,
    cut: bool,
}

impl Part {
    /// Returns a worker's part of a scenario in a run that starts at `start`.
    pub(super) fn new(share: Share, scenario: &compiler::artifact::Scenario, start: Ticks) -> Part {
        let late = scenario.late_start.as_ref();
        let begin_ns = late.map_or(scenario.start_ns, |late| late.latest_ns);
        Part {
            share,
            begin: start.saturating_add(begin_ns),
            open_start: late.is_some(),
            begun: None,
            over: false,
        }
    }

    fn cut_by(&mut self, at: Ticks) {
        if let Some(begun) = &mut self.begun {
            begun.cut_at = begun.cut_at.min(at);
        }
    }
}

impl Worker {
    /// Adds what the worker executes of a scenario to its parts.
    pub(super) fn add_part(&mut self, mut share: Share) {
        let mut recorder = self.context.recorder.borrow_mut();
        share.row = recorder.add_row(share.scenario, share.takeover());
        // Nothing below the first arrival that is taken over is anything to decide.
        recorder.frontier(share.place(), share.taken.map_or(0, |taken| taken.from));
        let scenario = self.context.scenario(share.scenario);
        self.parts.push(Part::new(share, scenario, self.boundaries.start));
    }

    /// Adds its lane of what the node has taken over since the last look.
    pub(super) fn take_over(&mut self, takeovers: &[Takeover]) {
        for takeover in takeovers.iter().skip(self.taken) {
            self.taken += 1;
            // One that the artifact does not have is refused before it comes here.
            let share = Share::of_takeover(self.context.program.artifact(), takeover, self.lane);
            share.into_iter().for_each(|share| self.add_part(share));
        }
    }

    /// Begins the parts whose start is known; one that nobody announces begins at its latest start.
    pub(super) fn begin_parts(&mut self, now: Ticks) {
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            let due = !part.open_start || now >= part.begin;
            if part.begun.is_none() && due && !self.context.is_over(part.share.scenario) {
                let (share, begin) = (part.share.clone(), part.begin);
                let lanes = self.lanes.len();
                let end = self.begin(share, begin, now);
                let lane = (self.lanes.len() > lanes).then_some(lanes);
                let part = &mut self.parts[at];
                part.open_start = false;
                let scenario = self.context.scenario(part.share.scenario);
                let cut_at = end.saturating_add(scenario.graceful_stop_ns);
                part.begun = Some(Begun { lane, end, cut_at, cut: false });
            }
        }
    }

    /// Starts to execute a share of a scenario that starts at `begin`; returns when its last stage ends.
    fn begin(&mut self, share: Share, begin: Ticks, now: Ticks) -> Ticks {
        let scenario = self.context.scenario(share.scenario).clone();
        match &scenario.load {
            Load::Open(load) => {
                let artifact = self.context.program.artifact();
                let name = artifact.scenarios.keys().nth(share.scenario);
                let open = Open::of(artifact.seed, name.map_or("", String::as_str), load);
                let lane = OpenLane::new(share, (&scenario, load, open), begin, now);
                self.add_lane(lane)
            }
            Load::Closed(load) => {
                start_users(&self.context, &self.driver, share, (&scenario, load), begin)
            }
            // Refused before a run starts.
            Load::Observe { .. } => begin,
        }
    }

    fn add_lane(&mut self, lane: OpenLane) -> Ticks {
        self.context.recorder.borrow_mut().frontier(lane.place(), lane.upto());
        if let Some(due) = lane.due() {
            self.due.push(Reverse((due, self.lanes.len())));
        }
        let end = lane.end();
        self.lanes.push(lane);
        end
    }

    /// Does what the node's owner wants of single scenarios.
    pub(super) fn heed(&mut self, wanted: &[Direction], now: Ticks) {
        for direction in wanted {
            let known = self.context.scenarios();
            if direction.scenario >= known {
                continue;
            }
            let ours = |part: &&mut Part| part.share.scenario == direction.scenario;
            for part in self.parts.iter_mut().filter(ours) {
                if let Some(start_ns) = direction.start_ns.filter(|_| part.open_start) {
                    let begin = self.boundaries.start.saturating_add(start_ns);
                    part.begin = part.begin.min(begin);
                    part.open_start = false;
                }
            }
            if direction.stop && !self.context.is_stopped(direction.scenario) {
                self.stop_scenario(direction.scenario, now);
            }
        }
    }

    fn stop_scenario(&mut self, scenario: usize, now: Ticks) {
        self.context.stop(scenario);
        for lane in self.lanes.iter_mut().filter(|lane| lane.scenario() == scenario) {
            lane.close(&self.context);
        }
        let lanes = &self.lanes;
        self.due.retain(|Reverse((_, lane))| lanes[*lane].scenario() != scenario);
        let grace_ns = self.context.scenario(scenario).graceful_stop_ns;
        let cut_at = now.saturating_add(grace_ns);
        self.parts
            .iter_mut()
            .filter(|part| part.share.scenario == scenario)
            .for_each(|part| part.cut_by(cut_at));
    }

    /// Cuts every part at `at`, unless it is cut before.
    pub(super) fn cut_all_by(&mut self, at: Ticks) {
        self.parts.iter_mut().for_each(|part| part.cut_by(at));
    }

    /// Lets what runs go on as after a last stage.
    pub(super) fn cut_after_grace(&mut self, now: Ticks) {
        for part in &mut self.parts {
            let grace_ns = self.context.scenario(part.share.scenario).graceful_stop_ns;
            part.cut_by(now.saturating_add(grace_ns));
        }
    }

    /// Notes which parts have come to their end. After a halt nothing comes to its end any more.
    pub(super) fn note_ends(&mut self, now: Ticks) {
        if self.context.is_halted() {
            return;
        }
        for part in self.parts.iter_mut().filter(|part| !part.over) {
            let scenario = part.share.scenario;
            let used_up = || self.context.is_counted(scenario) && self.context.live(scenario) == 0;
            let ended = part.begun.as_ref().is_some_and(|begun| match begun.lane {
                Some(lane) => self.lanes[lane].is_over(),
                None => now >= begun.end || used_up(),
            });
            if ended || self.context.is_stopped(scenario) {
                part.over = true;
                self.context.recorder.borrow_mut().over(part.share.place(), now);
            }
        }
    }

    /// Returns whether nothing will be started any more.
    pub(super) fn has_started_all(&self) -> bool {
        let waits = |part: &Part| part.begun.is_none() && !part.over;
        self.context.is_halted()
            || self.due.is_empty()
                && self.lanes.iter().all(OpenLane::is_over)
                && !self.parts.iter().any(waits)
    }

    /// Returns whether a transaction or a user is left.
    pub(super) fn is_busy(&self) -> bool {
        self.parts.iter().any(|part| self.context.live(part.share.scenario) > 0)
    }

    pub(super) fn cut_over_time(&mut self, now: Ticks) {
        for part in &mut self.parts {
            let scenario = part.share.scenario;
            let Some(begun) = part.begun.as_mut().filter(|it| !it.cut && now >= it.cut_at) else {
                continue;
            };
            let lanes = self.lanes.iter_mut().filter(|lane| lane.scenario() == scenario);
            let mut decided = true;
            for lane in lanes {
                if lane.due().is_none() && !self.context.is_halted() {
                    lane.give_up(&self.context);
                }
                decided &= lane.due().is_none();
            }
            if decided || self.context.is_halted() {
                begun.cut = true;
                self.context.cut(scenario);
            }
        }
    }

    /// Returns when a part begins, may be cut, or has something that has waited too long.
    pub(super) fn parts_wake(&self) -> Option<Ticks> {
        let halted = self.context.is_halted();
        let expire = self.lanes.iter().filter_map(OpenLane::expires).filter(|_| !halted);
        let parts = self.parts.iter().filter_map(|part| match &part.begun {
            None => Some(part.begin).filter(|_| !halted && !part.over),
            Some(begun) => {
                let live = self.context.live(part.share.scenario) > 0;
                Some(begun.cut_at).filter(|_| live && !begun.cut)
            }
        });
        expire.chain(parts).min()
    }
}
