//! (pure) What a transaction takes: requests, waits, and time under the assumption that a request takes some.

use std::collections::BTreeSet;

use super::label;
use super::path::{Dag, Longest};
use crate::artifact::{
    Action, Artifact, AwaitAction, AwaitSource, Branch, BrowserAct, BrowserAction, ForEach, Json,
    OwnKind, SlotSource, Step, WaitAction, WebsocketAct, WebsocketAction,
};

/// Calls and blocks inside of one another that are followed; a verified artifact has fewer.
const DEPTH_MAX: u32 = 64;

/// What a step is made of.
pub(crate) enum Shape<'a> {
    /// It does something itself; `measured` unless it only lets time pass.
    Leaf {
        /// What it takes.
        effort: Effort,
        /// Whether it has a latency.
        measured: bool,
    },
    /// It runs other steps.
    Block(Block<'a>),
}

/// Steps inside of a step.
pub(crate) struct Block<'a> {
    /// Fewest turns.
    pub(crate) turns_min: u64,
    /// Most turns; `None` if only the run knows.
    pub(crate) turns_max: Option<u64>,
    /// Lists of steps, of which each turn runs one.
    pub(crate) bodies: Vec<Body<'a>>,
}

/// A list of steps inside of a step.
pub(crate) struct Body<'a> {
    /// When it runs, such as `70%`; empty if it always does.
    pub(crate) label: String,
    /// The steps.
    pub(crate) steps: &'a [Step],
}

/// What some steps take if all of them succeed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Effort {
    /// Fewest requests.
    pub(crate) requests_min: u64,
    /// Most requests, retries included; `None` if only the run knows.
    pub(crate) requests_max: Option<u64>,
    /// Time along the longest path with the most turns, in nanoseconds; a list of unknown length counts once.
    pub(crate) time_ns: u64,
    /// The part of it that is known waits.
    pub(crate) wait_ns: u64,
}

/// What efforts are counted under.
#[derive(Clone, Copy)]
pub(crate) struct Assumed<'a> {
    /// Where called transactions are.
    pub(crate) artifact: &'a Artifact,
    /// How long each request takes, in nanoseconds.
    pub(crate) service_ns: u64,
    depth: u32,
}

impl<'a> Assumed<'a> {
    /// Assumes that each request takes `service_ns`.
    pub(crate) fn new(artifact: &'a Artifact, service_ns: u64) -> Assumed<'a> {
        Assumed { artifact, service_ns, depth: 0 }
    }

    /// Returns what a step is made of.
    pub(crate) fn shape(&self, step: &'a Step) -> Shape<'a> {
        match &step.action {
            Action::Http(_)
            | Action::Publish(_)
            | Action::Sse(_)
            | Action::Grpc(_)
            | Action::Sql(_)
            | Action::Tcp(_) => self.sends(1, Some(1)),
            // What programs send, they do not tell.
            Action::Exec(_) | Action::Wasm(_) => self.sends(0, Some(0)),
            Action::Await(wait) => self.awaits(wait),
            Action::Browser(browser) => self.browses(browser),
            Action::Websocket(socket) => self.talks(socket),
            Action::Wait(WaitAction::Constant { length_ns }) => waits(*length_ns),
            Action::Wait(WaitAction::Uniform { min_ns, max_ns }) => waits(min_ns.midpoint(*max_ns)),
            Action::ForEach(block) => {
                let turns = self.items(block);
                let bodies = vec![Body { label: String::new(), steps: &block.steps }];
                Shape::Block(Block { turns_min: turns.unwrap_or(0), turns_max: turns, bodies })
            }
            Action::Repeat(block) => {
                let turns_min = if block.until.is_some() { 1 } else { block.at_most };
                let bodies = vec![Body { label: String::new(), steps: &block.steps }];
                Shape::Block(Block { turns_min, turns_max: Some(block.at_most), bodies })
            }
            Action::Choose(choose) => {
                let bodies = branches(&choose.branches);
                Shape::Block(Block { turns_min: 1, turns_max: Some(1), bodies })
            }
            Action::Call(call) => {
                let called = self.artifact.transactions.get(&call.transaction);
                let steps = called.map_or(&[][..], |called| &called.steps);
                let bodies = vec![Body { label: String::new(), steps }];
                Shape::Block(Block { turns_min: 1, turns_max: Some(1), bodies })
            }
        }
    }

    /// Returns the shape of what sends so many requests, one after the other.
    fn sends(&self, requests_min: u64, requests_max: Option<u64>) -> Shape<'a> {
        let time_ns = self.service_ns.saturating_mul(requests_min.max(1));
        let effort = Effort { requests_min, requests_max, time_ns, wait_ns: 0 };
        Shape::Leaf { effort, measured: true }
    }

    /// An event comes by itself; a poll asks until it has an answer.
    fn awaits(&self, wait: &AwaitAction) -> Shape<'a> {
        match &wait.source {
            AwaitSource::Message { .. } => self.sends(0, Some(0)),
            AwaitSource::Poll { every_ns, .. } => {
                let more = wait.within_ns.checked_div(*every_ns).unwrap_or(0);
                self.sends(1, Some(more.saturating_add(1)))
            }
        }
    }

    /// A page loads what it likes: only the visits are counted.
    fn browses(&self, browser: &BrowserAction) -> Shape<'a> {
        let (mut visits, mut wait_ns) = (0u64, 0u64);
        for act in &browser.actions {
            match act {
                BrowserAct::Goto(_) => visits += 1,
                BrowserAct::Wait { length_ns } => wait_ns = wait_ns.saturating_add(*length_ns),
                BrowserAct::Click(_)
                | BrowserAct::Fill { .. }
                | BrowserAct::Press { .. }
                | BrowserAct::Select { .. }
                | BrowserAct::WaitFor(_)
                | BrowserAct::Screenshot(_)
                | BrowserAct::Evaluate(_) => {}
            }
        }
        with_waits(self.sends(visits, None), wait_ns)
    }

    /// The handshake and each message that is sent are a request.
    fn talks(&self, socket: &WebsocketAction) -> Shape<'a> {
        let (mut requests, mut wait_ns) = (1u64, 0u64);
        for act in &socket.actions {
            match act {
                WebsocketAct::Send(_) => requests += 1,
                WebsocketAct::Wait { length_ns } => wait_ns = wait_ns.saturating_add(*length_ns),
                WebsocketAct::Await { .. } | WebsocketAct::Close => {}
            }
        }
        with_waits(self.sends(requests, Some(requests)), wait_ns)
    }

    /// Returns how many items a loop's list has where the plan says so.
    fn items(&self, block: &ForEach) -> Option<u64> {
        let list = match &block.list {
            Json::Slot(slot) if slot.filters.is_empty() => {
                let SlotSource::Var(name) = &slot.from else { return None };
                &self.artifact.vars.get(name)?.value
            }
            list => list,
        };
        match list {
            Json::List(items) => Some(items.len() as u64),
            Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::Text(_)
            | Json::Slot(_)
            | Json::Object(_) => None,
        }
    }

    /// Returns what one step takes; retries and a `when` count for the fewest and most requests, not for the time.
    pub(crate) fn step(&self, step: &'a Step) -> Effort {
        let mut effort = self.once(step);
        if let Some(retry) = &step.retry {
            let attempts = u64::from(retry.attempts);
            effort.requests_max = effort.requests_max.map(|max| max.saturating_mul(attempts));
        }
        if step.when.is_some() {
            effort.requests_min = 0;
        }
        effort
    }

    fn once(&self, step: &'a Step) -> Effort {
        match self.shape(step) {
            Shape::Leaf { effort, measured: _ } => effort,
            Shape::Block(block) => self.block(&block),
        }
    }

    fn block(&self, block: &Block<'a>) -> Effort {
        if self.depth >= DEPTH_MAX {
            return Effort { requests_max: None, ..Effort::default() };
        }
        let inner = Assumed { depth: self.depth + 1, ..*self };
        let bodies: Vec<Effort> =
            block.bodies.iter().map(|body| inner.steps(body.steps).0).collect();
        let longest = bodies.iter().copied().max_by_key(|body| body.time_ns).unwrap_or_default();
        let least = bodies.iter().map(|body| body.requests_min).min().unwrap_or(0);
        let most = bodies.iter().try_fold(0u64, |most, body| Some(most.max(body.requests_max?)));
        let turns = block.turns_max.unwrap_or(block.turns_min.max(1));
        Effort {
            requests_min: least.saturating_mul(block.turns_min),
            requests_max: match (most, block.turns_max) {
                (Some(0), _) | (_, Some(0)) => Some(0),
                (Some(most), Some(turns)) => Some(most.saturating_mul(turns)),
                (None, _) | (_, None) => None,
            },
            time_ns: longest.time_ns.saturating_mul(turns),
            wait_ns: longest.wait_ns.saturating_mul(turns),
        }
    }

    /// Returns how many latency histograms some steps have: one for each that sends, and `split` more if it is split.
    pub(crate) fn series(&self, steps: &'a [Step], split: u64) -> u64 {
        if self.depth >= DEPTH_MAX {
            return 0;
        }
        let inner = Assumed { depth: self.depth + 1, ..*self };
        let each = |step: &'a Step| match self.shape(step) {
            Shape::Leaf { effort: _, measured: false } => 0,
            Shape::Leaf { effort: _, measured: true } => match &step.split_by {
                Some(_) => split.saturating_add(1),
                None => 1,
            },
            Shape::Block(block) => {
                let bodies = block.bodies.iter().map(|body| inner.series(body.steps, split));
                bodies.fold(0, u64::saturating_add)
            }
        };
        steps.iter().map(each).fold(0, u64::saturating_add)
    }

    /// Adds the names of the plan's own distributions in some steps; the same name is the same distribution.
    pub(crate) fn trends(&self, steps: &'a [Step], names: &mut BTreeSet<&'a str>) {
        if self.depth >= DEPTH_MAX {
            return;
        }
        let inner = Assumed { depth: self.depth + 1, ..*self };
        for step in steps {
            let trends = step.metrics.iter().filter(|metric| metric.kind == OwnKind::Trend);
            names.extend(trends.map(|metric| metric.name.as_str()));
            if let Shape::Block(block) = self.shape(step) {
                block.bodies.iter().for_each(|body| inner.trends(body.steps, names));
            }
        }
    }

    /// Returns what a list of steps takes, with its longest path.
    pub(crate) fn steps(&self, steps: &'a [Step]) -> (Effort, Dag, Longest) {
        let dag = Dag::new(steps);
        let each: Vec<Effort> = steps.iter().map(|step| self.step(step)).collect();
        let longest = dag.longest(&each.iter().map(|effort| effort.time_ns).collect::<Vec<_>>());
        let waits = longest.steps.iter().map(|at| each[*at].wait_ns);
        let effort = Effort {
            requests_min: each.iter().map(|each| each.requests_min).fold(0, u64::saturating_add),
            requests_max: each
                .iter()
                .try_fold(0u64, |sum, each| Some(sum.saturating_add(each.requests_max?))),
            time_ns: longest.time_ns,
            wait_ns: waits.fold(0, u64::saturating_add),
        };
        (effort, dag, longest)
    }
}

/// Returns the shape of a wait, in nanoseconds in the mean.
fn waits<'a>(wait_ns: u64) -> Shape<'a> {
    let effort = Effort { requests_min: 0, requests_max: Some(0), time_ns: wait_ns, wait_ns };
    Shape::Leaf { effort, measured: false }
}

/// Returns a shape that takes so much longer.
fn with_waits(shape: Shape<'_>, more_ns: u64) -> Shape<'_> {
    match shape {
        Shape::Leaf { mut effort, measured } => {
            effort.time_ns = effort.time_ns.saturating_add(more_ns);
            effort.wait_ns = effort.wait_ns.saturating_add(more_ns);
            Shape::Leaf { effort, measured }
        }
        Shape::Block(block) => Shape::Block(block),
    }
}

/// Returns the lists of a choice, with an empty one if it may be that none is chosen.
fn branches(branches: &[Branch]) -> Vec<Body<'_>> {
    let weights: u64 = branches.iter().map(|branch| branch.weight).fold(0, u64::saturating_add);
    let body = |branch: &'_ Branch| -> String {
        match &branch.when {
            Some(when) => format!("when {}", label::condition(when)),
            None => {
                let share = u128::from(branch.weight) * 1_000 / u128::from(weights.max(1));
                let percent = format!("{}.{}", share / 10, share % 10);
                format!("{}%", percent.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    };
    let mut bodies: Vec<Body<'_>> =
        branches.iter().map(|branch| Body { label: body(branch), steps: &branch.steps }).collect();
    if weights == 0 {
        bodies.push(Body { label: "else nothing".to_owned(), steps: &[] });
    }
    bodies
}
