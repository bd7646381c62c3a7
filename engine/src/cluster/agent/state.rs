//! (pure) The agent's decisions: what it is told and what happens goes in, what is to be done comes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::exit::Exit;

use super::enrolled::{Enrolled, Over};
use super::keep::Results;
use crate::clock::Ticks;
use crate::cluster::load::{LoadError, LoadEvent};
use crate::cluster::wire::{
    Beat, DeltaAck, FinalAck, FinalReport, Hello, Hint, HintWant, Kept, Order, Phase, Range,
    ScenarioOrder, ShareOrder, Status, V, VERSION, Verdict, Welcome,
};
use crate::ledger::Takeover;
use crate::metrics::Window;

/// An idle agent enrols this often, in case nobody hinted.
const HELLO_NS: u64 = 5_000_000_000;

/// Most runs whose kept results an agent speaks of: the latest.
pub(crate) const KEPT_MAX: usize = 64;

/// Who an agent is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Me {
    pub(crate) name: String,
    /// 128 random bits in hex, this process's own.
    pub(crate) nonce: String,
    pub(crate) group: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) once: bool,
    pub(crate) pid: u32,
    pub(crate) host: String,
    pub(crate) cores: u32,
    pub(crate) mem_bytes: u64,
    pub(crate) open_files: Option<u64>,
    pub(crate) drivers: Vec<String>,
}

/// What an agent learns.
#[derive(Debug)]
pub(crate) enum Input {
    /// Time has passed.
    Tick,
    /// The coordinator asks everyone to speak; react after the delay, which spreads the answers.
    Hint {
        hint: Hint,
        delay_ns: u64,
    },
    /// Answers.
    Welcome(Welcome),
    Order(Box<Order>),
    DeltaAck(DeltaAck),
    FinalAck(FinalAck),
    /// Preparing this share of this run has ended.
    Prepared {
        run: String,
        epoch: u64,
        outcome: Result<(), LoadError>,
    },
    /// The load reports.
    Load(LoadEvent),
    /// What was kept of a run; `None` if it is not there any more.
    Recalled {
        kept: Kept,
        results: Option<Box<Results>>,
    },
    /// The operator wants it to end; the second time at once.
    Interrupted,
}

/// What an agent does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Hello(Hello),
    Beat(Beat),
    /// Published for whoever asked who is there.
    Status(Box<Status>),
    /// Fetch, verify and prepare this share.
    Prepare {
        run: String,
        epoch: u64,
        share: Box<ShareOrder>,
    },
    /// The load may start arrivals until then.
    ExtendLease(Ticks),
    /// The load starts then.
    Start(Ticks),
    /// The lease has ended: whatever the load believes, it starts nothing more.
    Fence,
    /// This is all that the load is to do with single scenarios beside the plan.
    Direct(Vec<ScenarioOrder>),
    /// The load has taken all this over from lost agents.
    TakeOver(Vec<Takeover>),
    /// The load starts nothing more and drains.
    Stop {
        drain_ns: u64,
    },
    /// The load is cut.
    Abort,
    /// The load is thrown away.
    Unload,
    /// One window, to be sent in as many parts as it takes.
    Delta {
        run: String,
        epoch: u64,
        seq: u64,
        window: Arc<Window>,
    },
    /// The final report, to be sent in parts but those that the coordinator has.
    Final {
        run: String,
        report: FinalReport,
        parts_have: u64,
    },
    /// Keep these results until they are taken: the coordinator may be lost, and this process may end.
    Keep(Box<Results>),
    /// Give back what was kept.
    Recall(Kept),
    /// These results were taken: what was kept is of no use any more.
    Discard(Kept),
    /// Something for the operator to read.
    Say(String),
    /// The agent is at its end.
    End {
        exit: Exit,
        message: Option<String>,
    },
}

/// An agent.
#[derive(Debug)]
pub(crate) struct Agent {
    me: Me,
    enrolled: Option<Box<Enrolled>>,
    next_hello: Ticks,
    /// When it says who it is, if somebody asked.
    status_due: Option<Ticks>,
    /// Runs whose results are kept because nobody has taken them.
    kept: Vec<Kept>,
    /// Who wants results that are just being fetched.
    recalled_by: Option<Welcome>,
    /// When a coordinator that collects is told what there is; of an agent that is still enrolled.
    next_offer: Option<Ticks>,
    /// What was said last, so that a refusal that repeats is said once.
    said: String,
}

impl Agent {
    /// Returns an agent that is idle and keeps the results of runs `kept`.
    pub(crate) fn new(me: Me, now: Ticks, kept: Vec<Kept>) -> Agent {
        Agent {
            me,
            enrolled: None,
            next_hello: now,
            kept,
            recalled_by: None,
            next_offer: None,
            status_due: None,
            said: String::new(),
        }
    }

    /// Returns when the agent wants to be called, at the latest.
    pub(crate) fn wake(&self) -> Ticks {
        let enrolled = self.enrolled.as_ref();
        let wake = enrolled.map_or(self.next_hello, |enrolled| enrolled.wake());
        let offer = self.next_offer.unwrap_or(u64::MAX);
        wake.min(offer).min(self.status_due.unwrap_or(u64::MAX))
    }

    /// Returns whether it waits for this share to be prepared.
    pub(crate) fn awaits(&self, run: &str, epoch: u64) -> bool {
        self.enrolled.as_ref().is_some_and(|enrolled| enrolled.awaits(run, epoch))
    }

    /// Returns whether it serves no run.
    pub(crate) fn is_idle(&self) -> bool {
        self.enrolled.is_none()
    }

    /// Takes `input` at `now` and returns what is to be done, in order.
    pub(crate) fn on(&mut self, now: Ticks, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match (input, &mut self.enrolled) {
            (Input::Hint { hint, delay_ns }, _) if hint.want == HintWant::Status => {
                self.status_due.get_or_insert(now.saturating_add(delay_ns));
            }
            (Input::Welcome(welcome), None) => self.welcome(now, welcome, &mut effects),
            (Input::Welcome(welcome), Some(enrolled)) => {
                if welcome.to == self.me.nonce && welcome.verdict == Verdict::Resume {
                    enrolled.adopt(now, &welcome, &mut effects);
                }
            }
            (Input::Recalled { kept, results }, None) => {
                self.recalled(now, &kept, results, &mut effects);
            }
            (Input::Hint { hint, delay_ns }, Some(enrolled)) if enrolled.heeds(now, &hint) => {
                self.next_offer = Some(now.saturating_add(delay_ns));
            }
            (Input::Hint { hint, delay_ns }, None) => {
                if hint.want == HintWant::Hello {
                    self.next_hello = self.next_hello.min(now.saturating_add(delay_ns));
                }
            }
            (Input::Interrupted, None) => effects.push(end_interrupted()),
            (Input::Interrupted, Some(enrolled)) => {
                if !enrolled.leave(now, &self.me, &mut effects) {
                    effects.extend([Effect::Unload, end_interrupted()]);
                }
            }
            (input, Some(enrolled)) => enrolled.on(now, &self.me, input, &mut effects),
            (_, None) => {}
        }
        self.offer(now, &mut effects);
        if let Some(enrolled) = &mut self.enrolled {
            enrolled.act(now, &self.me, &mut effects);
            if let Some(over) = enrolled.over.take() {
                self.enrolled = None;
                self.next_hello = now.saturating_add(HELLO_NS);
                self.over(over, &mut effects);
            }
        } else if now >= self.next_hello {
            self.next_hello = now.saturating_add(HELLO_NS);
            effects.push(Effect::Hello(self.hello(self.kept.clone())));
        }
        if self.status_due.is_some_and(|due| now >= due) {
            self.status_due = None;
            effects.push(Effect::Status(Box::new(self.status())));
        }
        self.note_kept(&effects);
        effects
    }

    /// Tells a coordinator that collects what an agent has that has not given its run up yet.
    fn offer(&mut self, now: Ticks, effects: &mut Vec<Effect>) {
        let Some(enrolled) = &self.enrolled else {
            self.next_offer = None;
            return;
        };
        if self.next_offer.take_if(|due| now >= *due).is_some() {
            let kept = enrolled.kept();
            effects.push(Effect::Hello(self.hello(vec![kept])));
        }
    }

    /// Takes note of what is kept from now on, and what is not any more.
    fn note_kept(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Keep(results) => self.kept.push(results.kept()),
                Effect::Discard(taken) => self.kept.retain(|kept| !kept.is_of(taken)),
                _ => {}
            }
        }
        let surplus = self.kept.len().saturating_sub(KEPT_MAX);
        self.kept.drain(..surplus);
    }

    fn recalled(
        &mut self,
        now: Ticks,
        kept: &Kept,
        results: Option<Box<Results>>,
        effects: &mut Vec<Effect>,
    ) {
        let wants = |it: &mut Welcome| it.run == kept.run && it.process == kept.process;
        match (self.recalled_by.take_if(wants), results) {
            (Some(welcome), Some(results)) => {
                self.enrolled = Some(Box::new(Enrolled::recalled(now, &welcome, *results)));
            }
            (_, None) => {
                self.kept.retain(|it| !it.is_of(kept));
                let text = format!("what was kept of run {} is not there any more", kept.run);
                self.say(text, effects);
            }
            (None, Some(_)) => {}
        }
    }

    fn status(&self) -> Status {
        let status = Status {
            v: V,
            nonce: self.me.nonce.clone(),
            hello: self.hello(self.kept.clone()),
            run: None,
            phase: Phase::Idle,
            seats: Vec::new(),
        };
        match &self.enrolled {
            Some(enrolled) => enrolled.status(status),
            None => status,
        }
    }

    fn hello(&self, resume: Vec<Kept>) -> Hello {
        Hello {
            v: V,
            nonce: self.me.nonce.clone(),
            name: self.me.name.clone(),
            group: self.me.group.clone(),
            labels: self.me.labels.clone(),
            proto: Range { min: VERSION, max: VERSION },
            formats: vec![compiler::artifact::FORMAT],
            build: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.me.pid,
            host: self.me.host.clone(),
            cores: self.me.cores,
            mem_bytes: self.me.mem_bytes,
            open_files: self.me.open_files,
            drivers: self.me.drivers.clone(),
            resume,
        }
    }

    fn welcome(&mut self, now: Ticks, welcome: Welcome, effects: &mut Vec<Effect>) {
        if welcome.to != self.me.nonce {
            return;
        }
        match welcome.verdict {
            Verdict::Seat | Verdict::Standby => {
                self.say(format!("enrolled for run {}: {}", welcome.run, welcome.reason), effects);
                self.enrolled = Some(Box::new(Enrolled::new(now, &welcome)));
            }
            Verdict::Conflict => effects.push(Effect::End {
                exit: Exit::ClusterFailed,
                message: Some(super::taken(&self.me.name, &welcome.reason)),
            }),
            Verdict::Resume => {
                let wanted =
                    |kept: &&Kept| kept.run == welcome.run && kept.process == welcome.process;
                if let Some(kept) = self.kept.iter().find(wanted).cloned() {
                    let text = format!("run {}: delivering what was kept of it", welcome.run);
                    self.say(text, effects);
                    effects.push(Effect::Recall(kept));
                    self.recalled_by = Some(welcome);
                }
            }
            Verdict::Refused if self.me.once => effects.push(Effect::End {
                exit: Exit::ClusterFailed,
                message: Some(format!("the coordinator refused: {}", welcome.reason)),
            }),
            Verdict::Refused | Verdict::Busy => {
                self.say(format!("run {} has no place: {}", welcome.run, welcome.reason), effects);
            }
        }
    }

    fn say(&mut self, text: String, effects: &mut Vec<Effect>) {
        if self.said != text {
            effects.push(Effect::Say(text.clone()));
            self.said = text;
        }
    }

    fn over(&mut self, over: Over, effects: &mut Vec<Effect>) {
        effects.push(Effect::Unload);
        let Over { exit, message, left, served, loaded } = over;
        if message.is_none() && !left {
            let text = if loaded {
                "run over, the results were taken"
            } else {
                "run over, nothing was started here"
            };
            self.say(text.to_owned(), effects);
        }
        if left {
            effects.push(end_interrupted());
        } else if self.me.once && served {
            effects.push(Effect::End { exit, message });
        } else if let Some(message) = message {
            self.say(message, effects);
        }
    }
}

fn end_interrupted() -> Effect {
    Effect::End { exit: Exit::Interrupted, message: Some("interrupted".to_owned()) }
}
