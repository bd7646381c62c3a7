//! A load without a network for tests of the cluster: it starts arrivals on time and writes each down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compiler::artifact::Artifact;
use engine::clock::{Clock, Ticks};
use engine::cluster::Sink;
use engine::cluster::load::{Load, LoadError, LoadEvent, LoadFuture, LoadSummary, Loader, Share};
use engine::cluster::wire::ScenarioOrder;
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

#[derive(Clone, Copy, Default)]
struct Told {
    start: Option<Ticks>,
    lease_end: Ticks,
    stop: bool,
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
        let runner = Runner {
            due: Due::new(&artifact),
            owned: owned(&artifact, &share.seats),
            next: vec![0; artifact.scenarios.len()],
            from_ms: 0,
            row: BTreeMap::new(),
            loader: self.clone(),
            tell,
            sender,
        };
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

/// By scenario: the numbers that these seats own, in order.
fn owned(artifact: &Artifact, seats: &[String]) -> Vec<Vec<u64>> {
    let scenarios = artifact.scenarios.values().map(|scenario| {
        let ours = |n: &u64| {
            let slot = compiler::schedule::slot_in(scenario, *n);
            seats.iter().any(|seat| scenario.seats[seat].contains(slot))
        };
        (0..scenario.planned).filter(ours).collect()
    });
    scenarios.collect()
}

fn number(scenario: usize) -> u32 {
    u32::try_from(scenario).unwrap()
}

struct Runner {
    due: Due,
    owned: Vec<Vec<u64>>,
    /// By scenario: place in `owned` of the next undecided arrival.
    next: Vec<usize>,
    from_ms: u64,
    row: BTreeMap<usize, LedgerRow>,
    loader: ModelLoader,
    tell: watch::Receiver<Told>,
    sender: mpsc::Sender<LoadEvent>,
}

impl Runner {
    async fn run(mut self) {
        let mut fenced = false;
        loop {
            tokio::time::sleep(STEP).await;
            if self.tell.has_changed().is_err() {
                return;
            }
            let told = *self.tell.borrow();
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
            let done = self.next.iter().zip(&self.owned).all(|(next, owned)| *next == owned.len());
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
        for (scenario, owned) in self.owned.iter().enumerate() {
            while let Some(n) = owned.get(self.next[scenario]) {
                if self.due.due_ns(scenario, *n).unwrap() > elapsed {
                    break;
                }
                log.push((scenario, *n));
                self.next[scenario] += 1;
                let row = self.row.entry(scenario).or_default();
                row.upto = n + 1;
                row.started += 1;
                row.succeeded += 1;
            }
        }
    }

    async fn cut(&mut self, to_ms: u64) {
        let row = std::mem::take(&mut self.row);
        let ledger: Vec<LedgerRow> = row
            .into_iter()
            .map(|(scenario, row)| LedgerRow { scenario: number(scenario), lanes: 1, ..row })
            .collect();
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
