//! (pure) The coordinator's decisions: what agents say and what happens goes in, answers and events come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{Artifact, OnAgentLoss, Tuning};

use super::bounds;
use super::member::Member;
use super::progress::Progress;
use super::scenarios::Course;
use crate::clock::Ticks;
use crate::cluster::wire::{Beat, Delta, Final, FromCoordinator, Hello, HintWant, Phase};
use crate::cluster::{Seating, StopRequest};
use crate::event::{Happened, RunEvent};
use crate::ledger::Ledger;
use crate::metrics::{Ending, Window};

/// How often clocks are compared before an agent is ready.
const SYNC_BEATS: u32 = 8;

/// Time between beats on the in-process bus: they only renew a lease of an hour there, every change is said at once.
const LOCAL_BEAT_NS: u64 = 250_000_000;

/// What time alone decides is looked at this often while agents say nothing new: a look goes over all of them.
const LOOK_NS: u64 = 10 * MS;

pub(crate) const MS: u64 = 1_000_000;

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// 128 random bits in hex, this process's own.
    pub(crate) nonce: String,
    pub(crate) run: String,
    pub(crate) artifact: Arc<Artifact>,
    /// Digest of the text with the artifact's signatures, if it is signed.
    pub(crate) signatures: Option<String>,
    /// Digests of data and body files.
    pub(crate) files: Vec<String>,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) seed: Option<u64>,
    pub(crate) dry_run: bool,
    pub(crate) seating: Seating,
    pub(crate) join_timeout_ns: u64,
    pub(crate) lease_ns: u64,
    pub(crate) on_agent_loss: OnAgentLoss,
    /// Coordinator and agents share one clock and an in-process bus.
    pub(crate) local: bool,
    /// Number of histograms of a window.
    pub(crate) series: usize,
}

/// What the coordinator learns. Whoever speaks is named by the subject it spoke on.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Time has passed.
    Tick,
    Hello(Hello),
    Beat {
        from: String,
        beat: Beat,
    },
    Delta {
        from: String,
        head: Delta,
        part: Bytes,
    },
    Final {
        from: String,
        head: Final,
        part: Bytes,
    },
    /// Whether the broker says that somebody listens under a name.
    Reached {
        name: String,
        listens: bool,
    },
    /// The connection to the broker is there or away.
    Link(bool),
    /// The coordinator's process itself did nothing for so many nanoseconds.
    Still(u64),
    /// The run must end.
    Stop(Cause),
}

/// Why a run ends early.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Request(StopRequest),
    Threshold(String),
    Bug(String),
}

/// What the coordinator does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The answer to the message that was just taken.
    Reply(Box<FromCoordinator>),
    /// A window of node `node` counts.
    Window {
        node: usize,
        /// Its number among the node's windows.
        seq: u64,
        window: Box<Window>,
        /// The same as it came.
        body: Bytes,
    },
    /// A scenario whose start the plan leaves open starts then, counted from the run's start.
    Starts {
        scenario: usize,
        start_ns: u64,
    },
    /// Everyone is asked to speak.
    Hint(HintWant),
    /// It is asked whether somebody listens under this name.
    Ping(String),
    Event(RunEvent),
    /// The run is over.
    Done,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Seats are being taken.
    Forming,
    /// Nodes fetch and verify.
    Preparing,
    /// From the agreed start on until everything is collected.
    Running,
    /// It failed before any load; agents are told to forget it.
    Closing,
    Done,
}

/// A run that was stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stopped {
    pub(crate) at: Ticks,
    pub(crate) cut: bool,
    pub(crate) reason: String,
}

/// A coordinator.
#[derive(Debug)]
pub(crate) struct Coordinator {
    pub(crate) settings: Settings,
    pub(crate) tuning: Tuning,
    pub(crate) began: Ticks,
    /// When it last looked at what time alone decides.
    looked: Ticks,
    pub(crate) stage: Stage,
    /// When the stage ends by itself.
    pub(crate) until: Ticks,
    pub(crate) next_hint: Ticks,
    pub(crate) waiting_said: bool,
    pub(crate) members: Vec<Member>,
    /// Agents that have no place in this run, with the reason; the first few.
    pub(crate) turned_away: BTreeMap<String, String>,
    /// By node: place among the members. Empty until the cluster is formed.
    pub(crate) nodes: Vec<usize>,
    pub(crate) start: Option<Ticks>,
    pub(crate) started_said: bool,
    pub(crate) stopped: Option<Stopped>,
    pub(crate) ending: Ending,
    pub(crate) link_down: Option<Ticks>,
    /// Since when agents can be heard: the broker came back or the coordinator itself woke up; 0 from the start.
    pub(crate) link_up: Ticks,
    pub(crate) ledger: Ledger,
    /// Takeovers so far.
    pub(crate) takeovers: u32,
    /// Shares so far: no two have the same number, so that none is taken for another that its agent had before.
    pub(crate) epochs: u64,
    /// By scenario, in the artifact's order.
    pub(crate) courses: Vec<Course>,
    pub(crate) progress: Progress,
    pub(crate) warnings: Vec<(String, String)>,
    /// Of a run whose coordinator was lost: when that was. Nothing is started, only collected.
    pub(crate) resumed: Option<Ticks>,
    #[cfg(test)]
    pub(crate) deviation: Option<Deviation>,
}

/// Breaches of the rules of loss that a simulation must catch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deviation {
    /// Clocks are taken to agree.
    NoGuard,
    /// Slots go over when an agent is declared lost, not when its lease has certainly ended.
    EarlyTakeover,
    /// A lost agent that comes back gets leases again.
    Forgiving,
}

impl Coordinator {
    pub(crate) fn new(now: Ticks, settings: Settings) -> Coordinator {
        let mut tuning = settings.artifact.nodes.tuning;
        if settings.local {
            tuning.start_delay_ns = 0;
            tuning.beat_ns = tuning.beat_ns.min(LOCAL_BEAT_NS);
        }
        Coordinator {
            tuning,
            began: now,
            looked: now,
            stage: Stage::Forming,
            until: now.saturating_add(settings.join_timeout_ns),
            next_hint: now,
            waiting_said: false,
            members: Vec::new(),
            turned_away: BTreeMap::new(),
            nodes: Vec::new(),
            start: None,
            started_said: false,
            stopped: None,
            ending: Ending::Complete,
            link_down: None,
            link_up: 0,
            ledger: Ledger::new(&settings.artifact, &[]),
            takeovers: 0,
            epochs: 0,
            courses: Course::of(&settings.artifact),
            progress: Progress::default(),
            warnings: Vec::new(),
            resumed: None,
            #[cfg(test)]
            deviation: None,
            settings,
        }
    }

    /// Returns whether a test wants this rule broken.
    #[cfg(test)]
    pub(crate) fn deviates(&self, how: Deviation) -> bool {
        self.deviation == Some(how)
    }

    /// Returns whether a test wants this rule broken: never.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests ask the coordinator")]
    pub(crate) fn deviates(&self, _: Deviation) -> bool {
        false
    }

    /// Takes `input` at `now` and returns what is to be done, in order; at most one reply.
    pub(crate) fn on(&mut self, now: Ticks, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut news = true;
        match input {
            Input::Tick => {}
            Input::Hello(hello) => self.hello(now, hello, &mut effects),
            Input::Beat { from, beat } => news = self.beat(now, &from, &beat, &mut effects),
            Input::Delta { from, head, part } => {
                self.delta(now, &from, &head, part, &mut effects);
                news = false;
            }
            Input::Final { from, head, part } => {
                self.final_part(now, &from, &head, part, &mut effects);
            }
            Input::Reached { name, listens } => self.reached(&name, listens),
            Input::Link(up) => self.link(now, up, &mut effects),
            Input::Still(still_ns) => self.wake_up(now, still_ns, &mut effects),
            Input::Stop(cause) => self.stop_for(now, cause, &mut effects),
        }
        if news || now >= self.looked.saturating_add(LOOK_NS) {
            self.looked = now;
            self.advance(now, &mut effects);
        }
        effects
    }

    /// Returns how many beats an agent compares clocks with.
    pub(crate) fn sync_beats(&self) -> u32 {
        if self.settings.local { 0 } else { SYNC_BEATS }
    }

    pub(crate) fn event(&self, now: Ticks, node: Option<&str>, what: Happened) -> Effect {
        let at_us = now.saturating_sub(self.began) / 1_000;
        Effect::Event(RunEvent { at_us, node: node.map(str::to_owned), what })
    }

    /// Returns the place of the member of this name and process.
    pub(crate) fn find(&self, name: &str, nonce: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name && member.nonce == nonce)
    }

    /// Answers a beat; returns whether it said anything but that the agent lives.
    fn beat(&mut self, now: Ticks, from: &str, beat: &Beat, effects: &mut Vec<Effect>) -> bool {
        let Some(at) = self.find(from, &beat.nonce) else { return false };
        if beat.run != self.settings.run {
            return false;
        }
        if self.stage == Stage::Forming && beat.phase == Phase::Failed {
            // It leaves before anything depends on it: its seat is free again.
            self.members.remove(at);
            return true;
        }
        let member = &mut self.members[at];
        let known = (member.forgotten, member.epoch);
        let changed = member.beat(now, beat);
        let name = member.name.clone();
        let back = std::mem::take(&mut member.suspect) && member.lost.is_none();
        if back {
            effects.push(self.event(now, Some(&name), Happened::Back));
        }
        if changed {
            self.phase_changed(now, at, beat.reason.as_deref(), effects);
        }
        let order = self.order(now, at, beat);
        effects.push(Effect::Reply(Box::new(FromCoordinator::Order(order))));
        let member = &self.members[at];
        changed || back || (member.forgotten, member.epoch) != known
    }

    fn phase_changed(
        &mut self,
        now: Ticks,
        at: usize,
        reason: Option<&str>,
        effects: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[at];
        let (name, title) = (member.name.clone(), member.title());
        let (phase, seated) = (member.phase, member.is_seated());
        let reason = bounds::told(reason);
        match phase {
            // Nothing depends on an agent without a seat, whatever it says.
            _ if !seated => {}
            Phase::Idle | Phase::Preparing | Phase::Armed | Phase::Running => {}
            Phase::Ready => effects.push(self.event(now, Some(&name), Happened::Ready)),
            Phase::Refused if self.stage != Stage::Running => {
                let why = format!("{title} refused the artifact: {reason}");
                self.end(now, Ending::ArtifactRefused(why), effects);
            }
            Phase::Failed | Phase::Refused => {
                let why = format!("cannot take part: {reason}");
                self.drop_out(now, at, &why, effects);
            }
            Phase::Draining => {
                if self.stopped.is_none() {
                    member.left = true;
                    self.lose(now, at, &format!("it left: {reason}"), effects);
                }
            }
            Phase::Fenced => {
                member.fenced = true;
                self.lose(now, at, &format!("it stopped by itself: {reason}"), effects);
            }
            Phase::Reporting => {
                let end = self.end_of(now, at);
                self.members[at].drained.get_or_insert(end);
                effects.push(self.event(now, Some(&name), Happened::Drained));
            }
        }
    }

    /// Returns how long transactions may go on after a stop, in nanoseconds: the longest of the plan's.
    pub(crate) fn drain_ns(&self) -> u64 {
        let scenarios = self.settings.artifact.scenarios.values();
        scenarios.map(|scenario| scenario.graceful_stop_ns).max().unwrap_or(0)
    }
}
