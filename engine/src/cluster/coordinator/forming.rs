//! (pure) Forming the cluster: who gets a seat, who waits, who is turned away.

use compiler::artifact::{Artifact, COORDINATOR, FORMAT};

use super::bounds;
use super::loss::seconds;
use super::member::Member;
use super::state::{Coordinator, Effect, MS, Stage};
use crate::clock::Ticks;
use crate::cluster::wire::{FromCoordinator, Hello, HintWant, V, VERSION, Verdict, Welcome};
use crate::cluster::{Seating, is_token};
use crate::event::Happened;
use crate::ledger::Ledger;
use crate::metrics::Ending;

/// Most agents that are remembered, seated and standing by; more are told to come back.
const MEMBERS_MAX: usize = 10_000;

/// Most agents without a place that are remembered.
const TURNED_AWAY_MAX: usize = 20;

/// Returns every seat of the plan with its group, groups by name and seats by number.
pub(crate) fn seats(artifact: &Artifact) -> Vec<(String, &str)> {
    let groups = artifact.nodes.groups.iter();
    let seats = groups.flat_map(|(name, group)| {
        (0..group.agents).map(move |index| (format!("{name}/{index}"), name.as_str()))
    });
    seats.collect()
}

impl Coordinator {
    /// Answers a hello.
    pub(crate) fn hello(&mut self, now: Ticks, hello: Hello, effects: &mut Vec<Effect>) {
        let nonce = hello.nonce.clone();
        let name = hello.name.clone();
        let (verdict, reason) = self.judge_hello(now, hello, effects);
        if verdict == Verdict::Refused {
            self.turn_away(now, name.clone(), &reason, effects);
        }
        let kept = self.find(&name, &nonce).filter(|_| verdict == Verdict::Resume);
        let process = kept.map(|at| self.members[at].process.clone()).unwrap_or_default();
        let tuning = &self.tuning;
        effects.push(Effect::Reply(Box::new(FromCoordinator::Welcome(Welcome {
            v: V,
            nonce: self.settings.nonce.clone(),
            to: nonce,
            verdict,
            reason,
            run: self.settings.run.clone(),
            proto: VERSION,
            beat_ms: tuning.beat_ns / MS,
            lease_ms: if self.resumed.is_some() { 0 } else { self.settings.lease_ns / MS },
            retry_ms: tuning.retry_ns / MS,
            final_wait_ms: tuning.final_wait_ns / MS,
            sync: self.sync_beats(),
            process,
        }))));
    }

    /// Says that an agent has no place; once for each, and only of the first few.
    fn turn_away(&mut self, now: Ticks, name: String, why: &str, effects: &mut Vec<Effect>) {
        let known = self.turned_away.contains_key(&name);
        if !known && is_token(&name) && self.turned_away.len() < TURNED_AWAY_MAX {
            let (code, message) =
                ("agent-refused".to_owned(), format!("agent `{name}` has no place here: {why}"));
            effects.push(self.event(now, None, Happened::Warning { code, message }));
            self.turned_away.insert(name, why.to_owned());
        }
    }

    fn judge_hello(
        &mut self,
        now: Ticks,
        hello: Hello,
        effects: &mut Vec<Effect>,
    ) -> (Verdict, String) {
        if let Some(why) = incompatible(&hello).or_else(|| self.lacks_driver(&hello)) {
            return (Verdict::Refused, why);
        }
        if self.resumed.is_some() {
            return self.judge_kept(now, &hello, effects);
        }
        if let Some(at) = self.find(&hello.name, &hello.nonce) {
            return self.place(at);
        }
        // A new process under the name of one that was lost is as good as any other.
        let holds = |member: &Member| member.name == hello.name && member.lost.is_none();
        if let Some(at) = self.members.iter().position(holds) {
            let member = &self.members[at];
            let alive = now.saturating_sub(member.heard) < self.tuning.suspect_ns;
            let title = format!("host {}, pid {}", member.host, member.pid);
            match (self.stage, alive) {
                (Stage::Forming, false) => drop(self.members.remove(at)),
                (_, true) => return (Verdict::Conflict, title),
                (_, false) => {
                    return (Verdict::Busy, format!("an earlier process of that name ({title})"));
                }
            }
        }
        if matches!(self.stage, Stage::Closing | Stage::Done) || self.members.len() >= MEMBERS_MAX {
            return (Verdict::Busy, "the run is ending".to_owned());
        }
        self.waiting_said = true;
        let seats = match self.seat_for(&hello) {
            Ok(seats) => seats,
            Err(why) => return (Verdict::Refused, why),
        };
        let mut member = Member::new(now, hello);
        member.seats.clone_from(&seats);
        let name = member.name.clone();
        self.members.push(member);
        let dealt_later = matches!(self.settings.seating, Seating::Dealt(_));
        if !dealt_later {
            effects.push(self.event(now, Some(&name), Happened::Joined { seats }));
        }
        if !dealt_later && self.stage == Stage::Forming && !self.free_seats().is_empty() {
            let seats = self.free_seats();
            effects.push(self.event(now, None, Happened::Waiting { seats }));
        }
        self.place(self.members.len() - 1)
    }

    /// Returns which kind of endpoint of the plan the agent cannot talk to.
    fn lacks_driver(&self, hello: &Hello) -> Option<String> {
        let kinds = self.settings.artifact.endpoints.values().map(|it| it.kind().word());
        let mut lacking = kinds.filter(|kind| !hello.drivers.iter().any(|driver| driver == kind));
        lacking.next().map(|kind| format!("it has no driver for `{kind}` endpoints"))
    }

    fn place(&self, at: usize) -> (Verdict, String) {
        let member = &self.members[at];
        if let Some(why) = &member.failed {
            return (Verdict::Busy, format!("it {why}"));
        }
        if member.lost.is_some() || member.is_settled() {
            let what = "it was lost to this run, which goes on without it";
            return (Verdict::Busy, what.to_owned());
        }
        match (self.settings.seating, member.seats.as_slice()) {
            (Seating::Dealt(nodes), _) if at < nodes as usize => {
                (Verdict::Seat, "in-process node".to_owned())
            }
            (_, []) => (Verdict::Standby, "every seat is taken; standing by".to_owned()),
            (_, seats) => (Verdict::Seat, format!("seat {}", seats.join(", "))),
        }
    }

    /// Returns the seats that an agent takes: one, or none for a standby.
    fn seat_for(&self, hello: &Hello) -> Result<Vec<String>, String> {
        let artifact = &self.settings.artifact;
        if let Seating::Dealt(_) = self.settings.seating {
            return Ok(Vec::new());
        }
        let Some(group) = artifact.nodes.groups.get(&hello.group) else {
            return Err(format!("the plan has no group `{}`", hello.group));
        };
        if hello.group == COORDINATOR && hello.name != COORDINATOR {
            return Err(format!("the seat of group `{COORDINATOR}` is inside `volley run`"));
        }
        let lacking =
            group.requires.iter().find(|(key, value)| hello.labels.get(*key) != Some(*value));
        if let Some((key, value)) = lacking {
            let group = &hello.group;
            return Err(format!("group `{group}` requires the label `{key}={value}`"));
        }
        let forming = self.stage == Stage::Forming;
        Ok(self.free_seat(&hello.group).filter(|_| forming).into_iter().collect())
    }

    /// Returns the seats that nobody has.
    pub(crate) fn free_seats(&self) -> Vec<String> {
        let all = seats(&self.settings.artifact).into_iter().map(|(seat, _)| seat);
        if let Seating::Dealt(nodes) = self.settings.seating {
            let missing = (nodes as usize).saturating_sub(self.members.len());
            return all.take(missing).collect();
        }
        let mut taken: Vec<&String> =
            self.members.iter().flat_map(|member| &member.seats).collect();
        taken.sort_unstable();
        all.filter(|seat| taken.binary_search(&seat).is_err()).collect()
    }

    /// Moves on once every seat is taken, or ends the run when nobody comes.
    pub(crate) fn form(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        self.drop_silent(now, effects);
        self.seat_standbys(now, effects);
        let free = self.free_seats();
        if free.is_empty() {
            self.number_nodes(now, effects);
            self.stage = Stage::Preparing;
            self.until = now.saturating_add(self.tuning.ready_timeout_ns);
            effects.push(Effect::Hint(HintWant::Beat));
        } else if now >= self.until {
            let here: Vec<String> =
                self.members.iter().map(|member| format!("`{}`", member.name)).collect();
            let here = if here.is_empty() { "nobody".to_owned() } else { here.join(", ") };
            let waited = seconds(self.settings.join_timeout_ns);
            let free = free.join(", ");
            let mut why = format!("no agent for {free} within {waited}; here: {here}");
            for (name, reason) in &self.turned_away {
                why.push_str(&format!("; turned away: `{name}`, {reason}"));
            }
            self.end(now, Ending::ClusterFailed(why), effects);
        } else if now >= self.next_hint {
            if !self.waiting_said && !self.settings.local {
                effects.push(self.event(now, None, Happened::Waiting { seats: free }));
            }
            self.waiting_said = true;
            self.next_hint = now.saturating_add(self.tuning.beat_ns);
            effects.push(Effect::Hint(HintWant::Hello));
        }
    }

    /// Forgets agents that are not heard any more; returns whether a seat is free by that.
    fn drop_silent(&mut self, now: Ticks, effects: &mut Vec<Effect>) -> bool {
        if self.link_down.is_some() {
            return false;
        }
        let patience = self.tuning.suspect_ns.max(3 * self.tuning.beat_ns);
        let since = self.link_up;
        let silent = |member: &Member| now >= member.heard.max(since).saturating_add(patience);
        if !self.members.iter().any(silent) {
            return false;
        }
        let nodes: Vec<String> =
            self.nodes.iter().map(|at| self.members[*at].nonce.clone()).collect();
        let (gone, here): (Vec<Member>, Vec<Member>) =
            std::mem::take(&mut self.members).into_iter().partition(silent);
        self.members = here;
        let place = |nonce: &String| self.members.iter().position(|it| it.nonce == *nonce);
        self.nodes = nodes.iter().filter_map(place).collect();
        for member in &gone {
            let reason = format!("not heard for {}", seconds(patience));
            effects.push(self.event(now, Some(&member.name), Happened::Lost { reason }));
        }
        let freed = gone.iter().any(Member::is_seated);
        if freed {
            let seats = self.free_seats();
            effects.push(self.event(now, None, Happened::Waiting { seats }));
        }
        freed
    }

    /// Gives seats that have become free to agents that stand by.
    fn seat_standbys(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        if let Seating::Dealt(_) = self.settings.seating {
            return;
        }
        for at in 0..self.members.len() {
            let member = &self.members[at];
            let waits = !member.is_seated() && member.failed.is_none();
            let seat = if waits { self.free_seat(&member.group) } else { None };
            if let Some(seat) = seat {
                let member = &mut self.members[at];
                member.seats = vec![seat];
                let (name, seats) = (member.name.clone(), member.seats.clone());
                effects.push(self.event(now, Some(&name), Happened::Joined { seats }));
            }
        }
    }

    /// Returns the first free seat of a group.
    fn free_seat(&self, group: &str) -> Option<String> {
        let start = format!("{group}/");
        self.free_seats().into_iter().find(|seat| seat.starts_with(&start))
    }

    /// Numbers the nodes by name, and deals the seats of an embedded run.
    fn number_nodes(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by(|a, b| self.members[*a].name.cmp(&self.members[*b].name));
        if let Seating::Dealt(nodes) = self.settings.seating {
            order.truncate(nodes as usize);
            let all = seats(&self.settings.artifact);
            for (index, (seat, _)) in all.into_iter().enumerate() {
                let node = order[index % order.len()];
                self.members[node].seats.push(seat);
            }
            for at in &order {
                let (name, seats) = (&self.members[*at].name, self.members[*at].seats.clone());
                effects.push(self.event(now, Some(name), Happened::Joined { seats }));
            }
        }
        order.retain(|at| self.members[*at].is_seated());
        for at in &order {
            let member = &mut self.members[*at];
            // Who has it from before somebody else's seat became free again has it still.
            if member.home != member.seats {
                self.epochs += 1;
                member.home = member.seats.clone();
                member.epoch_wanted = self.epochs;
            }
        }
        let taken: Vec<Vec<String>> =
            order.iter().map(|at| self.members[*at].seats.clone()).collect();
        self.ledger = Ledger::new(&self.settings.artifact, &taken);
        self.nodes = order;
    }

    /// Agrees on a start once every node is ready, or ends the run when one is not in time.
    pub(crate) fn prepare(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        // In one process nodes fall silent together with the coordinator or not at all.
        if !self.settings.local && self.drop_silent(now, effects) {
            return self.form_again(now, effects);
        }
        let nodes = self.nodes.iter().map(|at| &self.members[*at]);
        let mut waiting = nodes.filter(|member| !member.is_ready()).peekable();
        if waiting.peek().is_none() {
            self.arm(now, effects);
        } else if now >= self.until {
            let waiting: Vec<String> = waiting.map(Member::title).collect();
            let waited = seconds(self.tuning.ready_timeout_ns);
            let why = format!("not ready within {waited}: {}", waiting.join(", "));
            self.end(now, Ending::ClusterFailed(why), effects);
        }
    }

    /// Takes a step back after a seat has become free before the load: nothing depends on who had it yet, somebody else may
    /// take it while there is time.
    pub(super) fn form_again(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        self.stage = Stage::Forming;
        self.nodes.clear();
        self.until = self.began.saturating_add(self.settings.join_timeout_ns);
        self.form(now, effects);
    }
}

/// Returns why the agent's program cannot take part.
fn incompatible(hello: &Hello) -> Option<String> {
    if let Some(why) = bounds::oversized(hello) {
        return Some(why);
    }
    if !is_token(&hello.name) {
        return Some("the name is not of [A-Za-z0-9_-], 1 to 64 characters".to_owned());
    }
    if !(hello.proto.min..=hello.proto.max).contains(&VERSION) {
        let (min, max) = (hello.proto.min, hello.proto.max);
        return Some(format!("it speaks protocol {min} to {max}, this run is {VERSION}"));
    }
    let formats = &hello.formats;
    (!formats.contains(&FORMAT))
        .then(|| format!("it reads artifact formats {formats:?}, this run's is {FORMAT}"))
}
