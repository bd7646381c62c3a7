//! (pure) What becomes of a lost agent's slots: with the policy `redistribute`, others of its group take them over.
//!
//! A slot goes over at the first arrival that the lost agent certainly cannot have sent, so that none is sent twice.

use compiler::artifact::{Load, OnAgentLoss};
use compiler::schedule::length_ns;

use super::due::Schedules;
use super::loss::seconds;
use super::member::Member;
use super::state::{Coordinator, Deviation, Effect, MS, Stage};
use crate::clock::Ticks;
use crate::cluster::wire::{HintWant, Phase};
use crate::event::Happened;
use crate::ledger::{Estate, Takeover};
use crate::metrics::Ending;

impl Coordinator {
    /// Declares a member lost, for good, and follows the policy.
    pub(super) fn lose(&mut self, now: Ticks, at: usize, why: &str, effects: &mut Vec<Effect>) {
        let member = &mut self.members[at];
        if member.lost.is_some() {
            return;
        }
        if self.resumed.is_some() {
            // Nobody takes anything over any more, and all that it did will be known.
            let what = format!("{}: {why}", member.title());
            return self.end(now, Ending::ClusterFailed(what), effects);
        }
        member.lost = Some(now);
        let (name, title) = (member.name.clone(), member.title());
        effects.push(self.event(now, Some(&name), Happened::Lost { reason: why.to_owned() }));
        let what = format!("{title} was lost: {why}");
        let bears = self.stage == Stage::Running;
        match self.settings.on_agent_loss {
            policy @ (OnAgentLoss::Continue | OnAgentLoss::Redistribute) if bears => {
                let since_start = now.saturating_sub(self.start.unwrap_or(now));
                let what = format!("{what}, {} after the start", seconds(since_start));
                self.warn(now, "agent-lost", what, effects);
                self.members[at].bequeaths = policy == OnAgentLoss::Redistribute;
                effects.push(Effect::Hint(HintWant::Hello));
            }
            OnAgentLoss::Fail | OnAgentLoss::Continue | OnAgentLoss::Redistribute => {
                self.end(now, Ending::ClusterFailed(what), effects);
            }
        }
    }

    /// Takes a member out that cannot take part: before the load others may have its seat, later it is as lost.
    pub(super) fn drop_out(&mut self, now: Ticks, at: usize, why: &str, effects: &mut Vec<Effect>) {
        let member = &mut self.members[at];
        let title = member.title();
        member.failed = Some(why.to_owned());
        if self.stage == Stage::Running {
            member.given_up = true;
            return self.lose(now, at, why, effects);
        }
        member.seats.clear();
        let (name, what) = (member.name.clone(), format!("{title} {why}"));
        let free = self.free_seats();
        let waits = |seat: &String| self.standby_for(now, group_of(seat)).is_some();
        // Nodes within this process have no others behind them.
        if free.is_empty() || !free.iter().all(waits) {
            return self.end(now, Ending::ClusterFailed(what), effects);
        }
        effects.push(self.event(now, Some(&name), Happened::Lost { reason: why.to_owned() }));
        self.warn(now, "agent-lost", what, effects);
        self.form_again(now, effects);
    }

    /// Gives what lost agents held, and what agents had not taken over when they ended, to others.
    pub(super) fn bequeath(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if self.settings.on_agent_loss != OnAgentLoss::Redistribute || self.stopped.is_some() {
            return;
        }
        for node in 0..self.nodes.len() {
            let at = self.nodes[node];
            if !self.members[at].bequeaths || self.heirs(now, at).is_empty() {
                continue;
            }
            self.members[at].bequeaths = false;
            let member = &self.members[at];
            let only = if member.lost.is_some() { vec![None] } else { self.unheard(node) };
            let at_ns = self.hand_over_ns(now, member);
            for only in only {
                self.hand_over(now, node, only, at_ns, effects);
            }
        }
    }

    fn unheard(&self, node: usize) -> Vec<Option<u32>> {
        self.ledger.unheard(node).into_iter().map(Some).collect()
    }

    /// Returns from when on others have what a member held, in nanoseconds since the run's start: once it certainly sends
    /// nothing more, and with time for the others to learn of it.
    fn hand_over_ns(&self, now: Ticks, member: &Member) -> u64 {
        let learnt = now.saturating_add(self.tuning.notice_ns);
        let known = member.fenced || member.left || member.report.is_some();
        let at = match known {
            true => learnt,
            false if self.deviates(Deviation::EarlyTakeover) => now,
            false if self.deviates(Deviation::NoGuard) => self.horizon(member),
            false => learnt.max(self.horizon(member)),
        };
        let at_ns = at.saturating_sub(self.start.unwrap_or(at));
        let sent_before_ns = if known || self.deviates(Deviation::EarlyTakeover) {
            0
        } else {
            member.leased_until_ns
        };
        at_ns.max(sent_before_ns)
    }

    fn hand_over(
        &mut self,
        now: Ticks,
        node: usize,
        only: Option<u32>,
        at_ns: u64,
        effects: &mut Vec<Effect>,
    ) {
        let from = self.nodes[node];
        let heirs = self.heirs(now, from);
        let due = Schedules::new(&self.settings.artifact, &self.starts_ns());
        let goes_on: Vec<bool> =
            (0..self.courses.len()).map(|at| self.goes_on(at, at_ns)).collect();
        let goes_on = |scenario: u32| goes_on.get(scenario as usize).copied().unwrap_or(false);
        let estates = self.ledger.hand_over(node, only, at_ns, &due, &goes_on);
        if estates.is_empty() {
            return;
        }
        let mut heirs: Vec<usize> =
            heirs.into_iter().map(|at| self.node_of(now, at, from)).collect();
        for estate in &estates {
            // Whoever has least takes first.
            heirs.sort_by_key(|heir| self.ledger.slots(*heir));
            self.divide(estate, at_ns, &heirs);
        }
        let (lost, seats) = (self.members[from].name.clone(), self.members[from].seats.clone());
        for heir in heirs {
            let name = self.members[self.nodes[heir]].name.clone();
            let what = Happened::TakesOver { from: lost.clone(), seats: seats.clone() };
            effects.push(self.event(now, Some(&name), what));
        }
        effects.push(Effect::Hint(HintWant::Beat));
    }

    /// Deals the slots of an estate to nodes.
    fn divide(&mut self, estate: &Estate, at_ns: u64, heirs: &[usize]) {
        let count = heirs.len().min(estate.slots);
        let of = u32::try_from(count).unwrap_or(u32::MAX);
        for (part, heir) in (0..of).zip(heirs) {
            self.takeovers += 1;
            let mut parts = estate.parts.clone();
            parts.extend((of > 1).then_some((part, of)));
            let takeover = Takeover {
                number: self.takeovers,
                scenario: estate.scenario,
                seat: estate.seat.clone(),
                parts,
                from: estate.from,
                at_ns,
            };
            self.ledger.take_over(*heir, &takeover, &self.settings.artifact);
            self.epochs += 1;
            let heir = &mut self.members[self.nodes[*heir]];
            heir.takeovers.push(takeover);
            heir.epoch_wanted = self.epochs;
        }
    }

    /// Returns the members that may have what member `at` held: one that stands by, or else those of its group that serve.
    fn heirs(&self, now: Ticks, at: usize) -> Vec<usize> {
        let group = self.members[at].group.as_str();
        if let Some(standby) = self.standby_for(now, group) {
            return vec![standby];
        }
        let serving = self.nodes.iter().copied().filter(|heir| {
            let member = &self.members[*heir];
            member.group == group && member.is_serving() && !member.suspect
        });
        serving.collect()
    }

    /// Returns a member of a group that stands by and is heard.
    fn standby_for(&self, now: Ticks, group: &str) -> Option<usize> {
        let stands_by = |member: &Member| {
            let heard = now < member.heard.saturating_add(self.tuning.suspect_ns);
            let idle = !member.is_seated() && member.phase == Phase::Idle;
            member.group == group && idle && heard && member.failed.is_none()
        };
        self.members.iter().position(stands_by)
    }

    /// Returns the node of a member; one that stood by becomes one, in the place of the member that it takes over from.
    fn node_of(&mut self, now: Ticks, at: usize, from: usize) -> usize {
        if let Some(node) = self.nodes.iter().position(|node| *node == at) {
            return node;
        }
        let elapsed_ms = now.saturating_sub(self.start.unwrap_or(now)) / MS;
        self.members[at].seats = self.members[from].seats.clone();
        // What it has yet to say is of later seconds.
        self.members[at].until_ms = elapsed_ms;
        self.ledger.add_node();
        self.nodes.push(at);
        self.nodes.len() - 1
    }

    /// Returns whether anything of a scenario is to be started at `at_ns` of the run or later.
    fn goes_on(&self, scenario: usize, at_ns: u64) -> bool {
        let course = &self.courses[scenario];
        let load = self.settings.artifact.scenarios.values().nth(scenario).map(|it| &it.load);
        let ends_ns = match load {
            Some(Load::Open(_)) => u64::MAX,
            Some(load) => course.start_ns().saturating_add(length_ns(load)),
            None => 0,
        };
        course.stopped.is_none() && at_ns < ends_ns
    }

    /// Ends the run once nobody is left who could go on with it.
    pub(super) fn end_if_alone(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        // A new process may be on its way to a lost one's place.
        let patience = 2 * self.tuning.beat_ns;
        let lost = |at: &usize| {
            self.members[*at].lost.is_some_and(|lost| now >= lost.saturating_add(patience))
        };
        if self.stopped.is_none() && !self.nodes.is_empty() && self.nodes.iter().all(lost) {
            let names = self.nodes.iter().map(|at| format!("`{}`", self.members[*at].name));
            let names = names.collect::<Vec<String>>().join(", ");
            let why = format!("no agent is left: lost were {names}");
            self.end(now, Ending::ClusterFailed(why), effects);
        }
    }
}

/// Returns the group of a seat.
fn group_of(seat: &str) -> &str {
    seat.rsplit_once('/').map_or(seat, |(group, _)| group)
}

#[cfg(test)]
mod tests;
