//! Runs the steps of one arrival, each once what it needs has ended well, and records what came of them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::context::Context;
use super::recorder::{Ended, Recorder};
use super::shape::Shape;
use crate::clock::Ticks;
use crate::driver::Pool;
use crate::exchange::{Failure, FailureKind, Outcome, Request};
use crate::user::{Arrival, Values};

/// One arrival on its way.
pub(super) struct Transaction<'a> {
    /// What the worker's tasks share.
    pub(super) context: &'a Context,
    /// Which arrival it is.
    pub(super) arrival: Arrival,
    /// Place of its share's counts.
    pub(super) row: usize,
    /// Whether it belongs to the warm-up.
    pub(super) warm_up: bool,
    /// When it was due; open loads only.
    pub(super) due: Option<Ticks>,
    /// Connections it may use.
    pub(super) pool: &'a Pool,
}

/// How far a transaction has come.
struct Progress {
    values: Values,
    /// Where the requests of a sequence are rendered, one after the other.
    request: Request,
    steps: Steps,
    /// When the present moment was last known: the start, or the end of the last step that ended.
    at: Ticks,
    /// When the first request was sent.
    sent: Option<Ticks>,
    /// Time in which only waits ran, in nanoseconds.
    waited_ns: u64,
    /// The same, since the first send.
    waited_since_sent_ns: u64,
}

/// Which steps have begun and ended.
enum Steps {
    /// One after the other: all before `current` have ended, it itself began at `Progress::at` if it is below the number of steps.
    Sequence { current: usize },
    /// Any DAG.
    Graph(Vec<State>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Idle,
    Running { begun: Ticks },
    Ended { begun: Ticks, ended: Ticks },
}

/// The transaction is over because a step failed.
struct Failed;

impl Transaction<'_> {
    /// Runs the transaction to its end and records it. Dropping the future leaves it unrecorded: unfinished.
    pub(super) async fn run(&self) {
        let context = self.context;
        let begun = context.clock.now();
        let shape = context.shape(self.arrival.scenario);
        let steps = if shape.sequence {
            Steps::Sequence { current: 0 }
        } else {
            Steps::Graph(vec![State::Idle; shape.len()])
        };
        let mut progress = Progress {
            values: context.program.values(self.arrival.scenario),
            request: Request::default(),
            steps,
            at: begun,
            sent: None,
            waited_ns: 0,
            waited_since_sent_ns: 0,
        };
        let limit_ns = context.timeout_ns(self.arrival.scenario);
        let result = if limit_ns == 0 {
            self.steps(shape, &mut progress).await
        } else {
            // Boxed, so that the many without a limit have no room for one: a task is moved a few times before it runs.
            let limited = Box::pin(self.steps(shape, &mut progress));
            let limit = Duration::from_nanos(limit_ns);
            tokio::time::timeout(limit, limited).await.unwrap_or_else(|_| {
                self.time_out(&mut progress, limit_ns);
                Err(Failed)
            })
        };
        self.finish(&progress, result.is_ok(), begun);
    }

    async fn steps(&self, shape: &Shape, progress: &mut Progress) -> Result<(), Failed> {
        if shape.sequence {
            self.sequence(shape, progress).await
        } else {
            Box::pin(self.graph(shape, progress)).await
        }
    }

    /// Runs one step after the other, without a box or a list.
    async fn sequence(&self, shape: &Shape, progress: &mut Progress) -> Result<(), Failed> {
        for step in 0..shape.len() {
            progress.steps = Steps::Sequence { current: step };
            if let Some(wait_ns) = self.wait_ns(step) {
                tokio::time::sleep(Duration::from_nanos(wait_ns)).await;
                let now = self.context.clock.now();
                progress.waited(progress.at, now);
                progress.at = now;
                self.step_ended(step, None);
                continue;
            }
            self.render(step, &progress.values, &mut progress.request)?;
            let outcome = self.pool.send(&progress.request).await;
            self.judge(step, &outcome, progress, progress.at)?;
        }
        progress.steps = Steps::Sequence { current: shape.len() };
        Ok(())
    }

    /// Runs each step as soon as what it needs has ended.
    async fn graph(&self, shape: &Shape, progress: &mut Progress) -> Result<(), Failed> {
        let mut missing: Vec<usize> = shape.needs.iter().map(Vec::len).collect();
        let mut running: Vec<Running<'_>> = Vec::new();
        for (step, missing) in missing.iter().enumerate() {
            if *missing == 0 {
                running.push(self.begin(step, progress)?);
            }
        }
        while !running.is_empty() {
            let only_waits = running.iter().all(|running| shape.waits[running.step]);
            let (step, begun, outcome) = next_ended(&mut running).await;
            let before = progress.at;
            match outcome {
                Some(outcome) => self.judge(step, &outcome, progress, begun)?,
                None => {
                    let ended = self.context.clock.now();
                    progress.end(step, begun, ended);
                    self.step_ended(step, None);
                }
            }
            if only_waits {
                progress.waited(before, progress.at);
            }
            for next in &shape.needed_by[step] {
                missing[*next] -= 1;
                if missing[*next] == 0 {
                    running.push(self.begin(*next, progress)?);
                }
            }
        }
        Ok(())
    }

    /// Starts a step of a graph.
    fn begin(&self, step: usize, progress: &mut Progress) -> Result<Running<'_>, Failed> {
        let begun = progress.at;
        let wait_ns = self.wait_ns(step);
        // A step that cannot be rendered has ended as soon as it began.
        progress.set(step, State::Ended { begun, ended: begun });
        let request = match wait_ns {
            None => {
                let mut request = Request::default();
                self.render(step, &progress.values, &mut request)?;
                Some(request)
            }
            Some(_) => None,
        };
        progress.set(step, State::Running { begun });
        let future = async move {
            match request {
                Some(request) => Some(self.pool.send(&request).await),
                None => {
                    tokio::time::sleep(Duration::from_nanos(wait_ns.unwrap_or(0))).await;
                    None
                }
            }
        };
        Ok(Running { step, begun, future: Box::pin(future) })
    }

    fn wait_ns(&self, step: usize) -> Option<u64> {
        self.context.program.wait_ns(&self.arrival, step)
    }

    fn render(&self, step: usize, values: &Values, request: &mut Request) -> Result<(), Failed> {
        let unix_ms = self.context.clock.unix_ms();
        let scenario = self.arrival.scenario;
        match self.context.program.request(&self.arrival, step, values, unix_ms, request) {
            Ok(()) => {
                self.record(|recorder| recorder.attempted(scenario, step));
                Ok(())
            }
            Err(failure) => {
                self.step_ended(step, Some(&failure));
                Err(Failed)
            }
        }
    }

    /// Judges and records what came of a request that was begun at `begun`.
    fn judge(
        &self,
        step: usize,
        outcome: &Outcome,
        progress: &mut Progress,
        begun: Ticks,
    ) -> Result<(), Failed> {
        progress.sent = Some(progress.sent.map_or(outcome.sent, |sent| sent.min(outcome.sent)));
        progress.end(step, begun, outcome.ended);
        let judged = self.context.program.judge(&self.arrival, step, outcome, &mut progress.values);
        self.record(|recorder| {
            recorder.answered(self.arrival.scenario, step, self.warm_up, outcome);
            let failure = judged.as_ref().err();
            recorder.step_ended(self.arrival.scenario, step, self.warm_up, failure);
            if matches!(progress.steps, Steps::Sequence { .. }) {
                let ns = outcome.ended.saturating_sub(begun);
                recorder.critical(self.arrival.scenario, step, ns);
            }
        });
        judged.map_err(|_| Failed)
    }

    /// Fails the steps that run when the transaction's time limit ends.
    fn time_out(&self, progress: &mut Progress, limit_ns: u64) {
        let (now, scenario) = (self.context.clock.now(), self.arrival.scenario);
        let shape = self.context.shape(scenario);
        let running = progress.running();
        if running.iter().all(|(step, _)| shape.waits[*step]) {
            progress.waited(progress.at, now);
        }
        let detail = format!("the transaction's time limit of {} ms ended", limit_ns / 1_000_000);
        let failure = Failure::new(FailureKind::Timeout, detail);
        let sequence = matches!(progress.steps, Steps::Sequence { .. });
        self.record(|recorder| {
            for (step, begun) in &running {
                recorder.step_ended(scenario, *step, self.warm_up, Some(&failure));
                if !shape.waits[*step] {
                    let ns = now.saturating_sub(*begun);
                    recorder.cut_after(scenario, *step, self.warm_up, ns);
                    if sequence {
                        recorder.critical(scenario, *step, ns);
                    }
                }
            }
        });
        for (step, begun) in running {
            progress.end(step, begun, now);
        }
        progress.at = now;
    }

    /// Counts what did not run, and records the transaction.
    fn finish(&self, progress: &Progress, ok: bool, begun: Ticks) {
        let (scenario, ended) = (self.arrival.scenario, progress.at);
        let shape = self.context.shape(scenario);
        self.record(|recorder| {
            match &progress.steps {
                Steps::Sequence { current } => {
                    for step in current + 1..shape.len() {
                        recorder.skipped(scenario, step, self.warm_up);
                    }
                }
                Steps::Graph(states) => {
                    self.finish_graph(shape, states, recorder);
                }
            }
            let since =
                |from: Ticks, waited_ns| ended.saturating_sub(from).saturating_sub(waited_ns);
            let service_ns = match progress.sent {
                Some(sent) => since(sent, progress.waited_since_sent_ns),
                None => since(begun, progress.waited_ns),
            };
            let response_ns = self.due.map(|due| since(due, progress.waited_ns));
            let (row, warm_up, at) = (self.row, self.warm_up, ended);
            recorder.ended(Ended { scenario, row, ok, warm_up, at, response_ns, service_ns });
        });
    }

    /// Walks the critical path back from the step that ended last: each step's last need came just before it.
    fn finish_graph(&self, shape: &Shape, states: &[State], recorder: &mut Recorder) {
        let scenario = self.arrival.scenario;
        let ended = |step: usize| match states[step] {
            State::Ended { ended, .. } => Some(ended),
            State::Idle | State::Running { .. } => None,
        };
        let last = |steps: &mut dyn Iterator<Item = usize>| {
            steps.filter_map(|step| ended(step).map(|at| (at, step))).max().map(|(_, step)| step)
        };
        let mut on_path = last(&mut (0..states.len()));
        while let Some(step) = on_path {
            if let (State::Ended { begun, ended }, false) = (states[step], shape.waits[step]) {
                recorder.critical(scenario, step, ended.saturating_sub(begun));
            }
            on_path = last(&mut shape.needs[step].iter().copied());
        }
        for step in (0..states.len()).filter(|step| ended(*step).is_none()) {
            recorder.skipped(scenario, step, self.warm_up);
        }
    }

    fn step_ended(&self, step: usize, failure: Option<&Failure>) {
        let (scenario, warm_up) = (self.arrival.scenario, self.warm_up);
        self.record(|recorder| recorder.step_ended(scenario, step, warm_up, failure));
    }

    fn record<T>(&self, record: impl FnOnce(&mut Recorder) -> T) -> T {
        record(&mut self.context.recorder.borrow_mut())
    }
}

impl Progress {
    fn set(&mut self, step: usize, state: State) {
        if let Steps::Graph(states) = &mut self.steps {
            states[step] = state;
        }
    }

    /// Returns the steps that run, and when each began.
    fn running(&self) -> Vec<(usize, Ticks)> {
        match &self.steps {
            Steps::Sequence { current } => vec![(*current, self.at)],
            Steps::Graph(states) => {
                let states = states.iter().enumerate();
                let running = states.filter_map(|(step, state)| match state {
                    State::Running { begun } => Some((step, *begun)),
                    State::Idle | State::Ended { .. } => None,
                });
                running.collect()
            }
        }
    }

    fn end(&mut self, step: usize, begun: Ticks, ended: Ticks) {
        self.set(step, State::Ended { begun, ended });
        self.at = self.at.max(ended);
    }

    /// Takes off time in which only waits ran.
    fn waited(&mut self, from: Ticks, to: Ticks) {
        let ns = to.saturating_sub(from);
        self.waited_ns += ns;
        if self.sent.is_some() {
            self.waited_since_sent_ns += ns;
        }
    }
}

/// A step of a graph that runs.
struct Running<'a> {
    step: usize,
    begun: Ticks,
    future: Pin<Box<dyn Future<Output = Option<Outcome>> + 'a>>,
}

/// Waits until one of the steps ends, and takes it out. Transactions have few steps at a time, so each is asked.
async fn next_ended(running: &mut Vec<Running<'_>>) -> (usize, Ticks, Option<Outcome>) {
    poll_fn(|context| {
        for at in 0..running.len() {
            if let Poll::Ready(outcome) = running[at].future.as_mut().poll(context) {
                let ended = running.swap_remove(at);
                return Poll::Ready((ended.step, ended.begun, outcome));
            }
        }
        Poll::Pending
    })
    .await
}
