//! A load without a network for tests of the cluster: it starts arrivals on time and writes each down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compiler::artifact::Artifact;
use engine::clock::{Clock, Ticks};
use engine::cluster::Sink;
use engine::cluster::load::{Load, LoadError, LoadEvent, LoadFuture, LoadSummary, Loader, Share};
use engine::cluster::wire::ScenarioOrder;
use engine::ledger::{Takeover, seat_slots};
use engine::metrics::{LedgerRow, SecondRow, Window};
use tokio::sync::{mpsc, watch};

use crate::sample::Due;

/// Time between two looks at the schedule.
const STEP: Duration = Duration::from_millis(10);

/// Length of a window in milliseconds.
const WINDOW_MS: u64 = 200;

/// Makes loads that write their arrivals into `log`.
#[derive(Clone)]
pub(crate) struct ModelLoader {
    pub(crate) clock: Clock,
    /// (scenario, number) of each arrival that was started, by any node.
    pub(crate) log: Arc<Mutex<Vec<(usize, u64)>>>,
    /// Bytes of error samples in each window, to make windows large.
    pub(crate) ballast: usize,
}

impl ModelLoader {
    pub(crate) fn new() -> ModelLoader {
        ModelLoader { clock: Clock::real(), log: Arc::default(), ballast: 0 }
    }

    /// Returns the log, sorted.
    pub(crate) fn sorted(&self) -> Vec<(usize, u64)> {
        let mut log = self.log.lock().unwrap().clone();
        log.sort_unstable();
        log
    }
}

#[derive(Clone, Default)]
struct Told {
    start: Option<Ticks>,
    lease_end: Ticks,
    stop: bool,
    takeovers: Vec<Takeover>,
}

struct ModelLoad {
    told: watch::Sender<Told>,
    events: mpsc::Receiver<LoadEvent>,
}

impl Loader for ModelLoader {
    fn load(&self, share: Share) -> Result<Box<dyn Load>, LoadError> {
        let artifact: Artifact = serde_json::from_slice(&share.artifact)
            .map_err(|error| LoadError::Refused(error.to_string()))?;
        if artifact.digest != share.digest {
            return Err(LoadError::Refused("another digest".to_owned()));
        }
        let (told, tell) = watch::channel(Told::default());
        let (sender, events) = mpsc::channel(1_000);
        let mut runner = Runner {
            due: Due::new(&artifact),
            parts: Vec::new(),
            from_ms: 0,
            loader: self.clone(),
            tell,
            sender,
            artifact,
        };
        for at in 0..runner.artifact.scenarios.len() {
            let scenario = runner.artifact.scenarios.values().nth(at).unwrap();
            let slots: Vec<u32> =
                share.seats.iter().flat_map(|seat| seat_slots(scenario, seat)).collect();
            if !slots.is_empty() {
                runner.add(number(at), 0, &slots, 0);
            }
        }
        runner.take_over(&share.takeovers);
        tokio::runtime::Handle::current().spawn(runner.run());
        Ok(Box::new(ModelLoad { told, events }))
    }
}

impl Load for ModelLoad {
    fn start(&mut self, start: Ticks) {
        self.told.send_modify(|told| told.start = Some(start));
    }

    fn extend_lease(&mut self, end: Ticks) {
        self.told.send_modify(|told| told.lease_end = told.lease_end.max(end));
    }

    fn take_over(&mut self, takeovers: &[Takeover]) {
        self.told.send_modify(|told| told.takeovers = takeovers.to_vec());
    }

    fn direct(&mut self, wanted: &[ScenarioOrder]) {
        assert!(wanted.is_empty(), "the model knows open loads with a start alone");
    }

    fn stop(&mut self, _: u64) {
        self.told.send_modify(|told| told.stop = true);
    }

    fn abort(&mut self) {
        self.stop(0);
    }

    fn next(&mut self) -> LoadFuture<'_> {
        Box::pin(async {
            match self.events.recv().await {
                Some(event) => event,
                None => std::future::pending().await,
            }
        })
    }
}

fn number(scenario: usize) -> u32 {
    u32::try_from(scenario).unwrap()
}

struct Runner {
    artifact: Artifact,
    due: Due,
    parts: Vec<Part>,
    from_ms: u64,
    loader: ModelLoader,
    tell: watch::Receiver<Told>,
    sender: mpsc::Sender<LoadEvent>,
}

/// What it has of one scenario: the share of its seats, or a takeover.
struct Part {
    /// The numbers that it owns, in order.
    owned: Vec<u64>,
    /// Place in `owned` of the next undecided arrival.
    next: usize,
    row: LedgerRow,
}

impl Runner {
    fn add(&mut self, at: u32, takeover: u32, slots: &[u32], from: u64) {
        let scenario = self.artifact.scenarios.values().nth(at as usize).unwrap();
        let slot = |n: u64| compiler::schedule::slot_in(scenario, n) - scenario.slot_base;
        let owned = (from..scenario.planned).filter(|n| slots.contains(&slot(*n))).collect();
        let row =
            LedgerRow { scenario: at, takeover, lanes: 1, upto: from, ..LedgerRow::default() };
        self.parts.push(Part { owned, next: 0, row });
    }

    fn take_over(&mut self, takeovers: &[Takeover]) {
        for takeover in takeovers {
            if !self.parts.iter().any(|part| part.row.takeover == takeover.number) {
                let scenario = self.artifact.scenarios.values().nth(takeover.scenario as usize);
                let slots = takeover.slots(scenario.unwrap());
                self.add(takeover.scenario, takeover.number, &slots, takeover.from);
            }
        }
    }

    async fn run(mut self) {
        let mut fenced = false;
        loop {
            tokio::time::sleep(STEP).await;
            if self.tell.has_changed().is_err() {
                return;
            }
            let told = self.tell.borrow().clone();
            self.take_over(&told.takeovers);
            let Some(start) = told.start else { continue };
            let now = self.loader.clock.now();
            if now >= told.lease_end && !fenced {
                fenced = true;
                self.say(LoadEvent::Fenced).await;
            }
            let elapsed = now.saturating_sub(start);
            if !fenced && !told.stop && now >= start {
                self.start_due(elapsed);
            }
            let done = self.parts.iter().all(|part| part.next == part.owned.len());
            let over = told.stop || done || fenced;
            if elapsed / 1_000_000 >= self.from_ms + WINDOW_MS || over {
                self.cut(elapsed / 1_000_000).await;
            }
            if over {
                let summary = LoadSummary { start_error_us: 7, broken: 0 };
                return self.say(LoadEvent::Finished(summary)).await;
            }
        }
    }

    fn start_due(&mut self, elapsed: u64) {
        let mut log = self.loader.log.lock().unwrap();
        for part in &mut self.parts {
            let scenario = part.row.scenario as usize;
            while let Some(n) = part.owned.get(part.next) {
                if self.due.due_ns(scenario, *n).unwrap() > elapsed {
                    break;
                }
                log.push((scenario, *n));
                part.next += 1;
                part.row.upto = n + 1;
                part.row.started += 1;
                part.row.succeeded += 1;
            }
        }
    }

    async fn cut(&mut self, to_ms: u64) {
        let ledger: Vec<LedgerRow> = self.parts.iter().map(|part| part.row).collect();
        for part in &mut self.parts {
            part.row = LedgerRow { upto: part.row.upto, ..part.row.emptied() };
        }
        let started = ledger.iter().map(|row| row.started).sum();
        let second = SecondRow {
            second: u32::try_from(self.from_ms / 1_000).unwrap(),
            started,
            succeeded: started,
            ..SecondRow::default()
        };
        // Rows that do not add up to anything, but have to travel.
        let ballast = vec![SecondRow { ..second }; self.loader.ballast / 100];
        let rows = ballast.iter().map(|row| SecondRow { started: 0, succeeded: 0, ..*row });
        let window = Window {
            from_ms: self.from_ms,
            to_ms,
            ledger,
            seconds: std::iter::once(second).chain(rows).collect(),
            ..Window::default()
        };
        self.from_ms = to_ms;
        self.say(LoadEvent::Window(Box::new(window))).await;
    }

    async fn say(&self, event: LoadEvent) {
        // Nobody listens any more when the agent has thrown the load away.
        drop(self.sender.send(event).await);
    }
}

/// Adds up what the coordinator gives out.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) started: BTreeMap<usize, u64>,
    pub(crate) windows: usize,
    /// Name of a threshold that is missed as soon as so many windows have come.
    pub(crate) abort_after: Option<(usize, String)>,
}

impl Sink for Sum {
    fn window(&mut self, node: usize, window: &Window) {
        self.windows += 1;
        let started: u64 = window.ledger.iter().map(|row| row.started).sum();
        *self.started.entry(node).or_default() += started;
    }

    fn starts(&mut self, _: usize, _: u64) {}

    fn missed_abort(&mut self, _: u32) -> Option<String> {
        let (after, name) = self.abort_after.as_ref()?;
        (self.windows >= *after).then(|| name.clone())
    }
}
