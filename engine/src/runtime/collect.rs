//! Puts the workers' parts of a window together and hands whole windows to the node's owner.

use std::time::Duration;

use tokio::sync::mpsc;

use super::usage::{descriptors, rss_bytes};
use super::{NodeEvent, NodeSummary};
use crate::metrics::Window;

/// Longest wait for the other workers' parts once one has come, in nanoseconds: a part that is later goes into the
/// next window.
const PART_WAIT_NS: u64 = 250_000_000;

/// Parts that workers may have handed on before they must wait: two windows of each.
pub(super) const PARTS_PER_WORKER: usize = 2;

/// Windows that the owner may leave lying; further ones are merged until there is a place.
pub(super) const EVENTS_MAX: usize = 16;

/// What a worker hands on.
#[derive(Debug)]
pub(super) enum Report {
    /// What it measured in a window.
    Part {
        /// Which worker.
        lane: u32,
        /// What it measured.
        window: Window,
    },
    /// The last part: it has ended.
    Done {
        /// Which worker.
        lane: u32,
        /// What it measured since the last part.
        window: Window,
        /// From the agreed start to its own, in microseconds.
        start_error_us: i64,
        /// Tasks that broke off.
        broken: u64,
    },
    /// The node has been fenced: asks the collector to look.
    Fenced,
}

/// Collects the parts of a node's workers.
#[derive(Debug)]
pub(super) struct Collector {
    /// How far each worker's parts go, in milliseconds; `None` once it has ended.
    upto_ms: Vec<Option<u64>>,
    /// What has not been handed on yet.
    open: Option<Window>,
    /// How far windows have been handed on.
    sent_ms: u64,
    summary: NodeSummary,
}

impl Collector {
    /// Returns a collector for so many workers.
    pub(super) fn new(workers: usize) -> Collector {
        Collector {
            upto_ms: vec![Some(0); workers],
            open: None,
            sent_ms: 0,
            summary: NodeSummary::default(),
        }
    }

    /// Collects until every worker has ended, or the owner listens no more.
    pub(super) async fn run(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        events: mpsc::Sender<NodeEvent>,
        mut fenced: impl FnMut() -> bool,
    ) {
        let mut told = false;
        while self.upto_ms.iter().any(Option::is_some) {
            let report = if self.open.is_some() {
                let wait = Duration::from_nanos(PART_WAIT_NS);
                tokio::time::timeout(wait, reports.recv()).await
            } else {
                Ok(reports.recv().await)
            };
            match report {
                Ok(Some(report)) => self.take(report),
                // A worker that broke off has handed on all it ever will.
                Ok(None) => break,
                Err(_) => self.hand_on(&events, None),
            }
            if let Some(to_ms) = self.whole_ms() {
                self.hand_on(&events, Some(to_ms));
            }
            if !told && fenced() {
                told = true;
                if events.send(NodeEvent::Fenced).await.is_err() {
                    return;
                }
            }
        }
        self.summary.workers_broken = self.upto_ms.iter().flatten().count() as u64;
        if let Some(window) = self.open.take() {
            let to_ms = window.to_ms;
            let window = self.sampled(window, to_ms);
            if events.send(NodeEvent::Window(window)).await.is_err() {
                return;
            }
        }
        // The owner may have gone; then nobody wants to know.
        drop(events.send(NodeEvent::Finished(self.summary)).await);
    }

    fn take(&mut self, report: Report) {
        let (lane, window, ended) = match report {
            Report::Part { lane, window } => (lane, window, false),
            Report::Done { lane, window, start_error_us, broken } => {
                self.summary.transactions_broken += broken;
                self.summary.start_error_us = self.summary.start_error_us.max(start_error_us);
                (lane, window, true)
            }
            Report::Fenced => return,
        };
        if let Some(upto_ms) = self.upto_ms.get_mut(lane as usize) {
            *upto_ms = (!ended).then_some(window.to_ms);
        }
        match &mut self.open {
            Some(open) => open.absorb(window),
            empty @ None => *empty = Some(window),
        }
    }

    /// Returns how far the parts of every running worker go, if that is further than what was handed on.
    fn whole_ms(&self) -> Option<u64> {
        let slowest = self.upto_ms.iter().flatten().min().copied();
        slowest.filter(|slowest| self.open.is_some() && *slowest > self.sent_ms)
    }

    /// Hands on the open window as complete up to `to_ms` (`None`: without the workers that are late) if the owner has a
    /// place for it; otherwise it goes on growing.
    fn hand_on(&mut self, events: &mpsc::Sender<NodeEvent>, to_ms: Option<u64>) {
        let Some(to_ms) = to_ms.or(self.open.as_ref().map(|open| open.to_ms)) else { return };
        if to_ms > self.sent_ms
            && let Ok(place) = events.try_reserve()
            && let Some(window) = self.open.take()
        {
            place.send(NodeEvent::Window(self.sampled(window, to_ms)));
        }
    }

    /// Adds what the process uses; windows that are handed on join without a gap or an overlap.
    fn sampled(&mut self, mut window: Window, to_ms: u64) -> Window {
        window.from_ms = self.sent_ms;
        window.to_ms = to_ms.max(self.sent_ms);
        self.sent_ms = window.to_ms;
        window.rss_bytes = rss_bytes();
        window.descriptors = descriptors();
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::LedgerRow;

    fn part(lane: u32, to_ms: u64) -> Report {
        let row = LedgerRow { lane, started: 1, ..LedgerRow::default() };
        let window = Window { to_ms, ledger: vec![row], ..Window::default() };
        Report::Part { lane, window }
    }

    fn done(lane: u32, to_ms: u64, start_error_us: i64) -> Report {
        let window = Window { to_ms, ..Window::default() };
        Report::Done { lane, window, start_error_us, broken: 1 }
    }

    /// Feeds a collector of two workers, each report after a pause in milliseconds; returns (from, to, started) of each window.
    async fn collect(reports: Vec<(u64, Report)>) -> (Vec<(u64, u64, u64)>, NodeSummary) {
        let (sender, receiver) = mpsc::channel(4);
        let (events, mut seen) = mpsc::channel(EVENTS_MAX);
        let collector = tokio::spawn(Collector::new(2).run(receiver, events, || false));
        let feeder = tokio::spawn(async move {
            for (pause_ms, report) in reports {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                sender.send(report).await.unwrap();
            }
        });
        feeder.await.unwrap();
        collector.await.unwrap();
        let mut windows = Vec::new();
        loop {
            match seen.recv().await {
                Some(NodeEvent::Window(window)) => {
                    let started = window.ledger.iter().map(|row| row.started).sum();
                    windows.push((window.from_ms, window.to_ms, started));
                }
                Some(NodeEvent::Finished(summary)) => return (windows, summary),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn parts_of_one_window_become_one() {
        let (windows, summary) = collect(vec![
            (0, part(0, 1_000)),
            (50, part(1, 1_000)),
            (900, part(1, 2_000)),
            (50, part(0, 2_000)),
            (500, done(0, 2_500, 7)),
            (200, done(1, 2_800, 5)),
        ])
        .await;
        assert_eq!(windows, [(0, 1_000, 2), (1_000, 2_000, 2), (2_000, 2_800, 0)]);
        assert_eq!(
            summary,
            NodeSummary { start_error_us: 7, workers_broken: 0, transactions_broken: 2 }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_part_goes_into_the_next_window() {
        let (windows, _) = collect(vec![
            (0, part(0, 1_000)),
            (600, part(1, 1_000)),
            (400, part(0, 2_000)),
            (10, part(1, 2_000)),
            (0, done(0, 2_001, 0)),
            (0, done(1, 2_001, 0)),
        ])
        .await;
        assert_eq!(windows, [(0, 1_000, 1), (1_000, 2_000, 3), (2_000, 2_001, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_breaks_off_is_said() {
        let (windows, summary) =
            collect(vec![(0, part(0, 1_000)), (0, part(1, 1_000)), (0, done(0, 1_500, 0))]).await;
        assert_eq!(windows, [(0, 1_000, 2), (1_000, 1_500, 0)]);
        assert_eq!(summary.workers_broken, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_owner_gets_windows_merged_and_loses_nothing() {
        let (sender, receiver) = mpsc::channel(4);
        let (events, mut seen) = mpsc::channel(1);
        let collector = tokio::spawn(Collector::new(1).run(receiver, events, || false));
        for second in 1..=10 {
            sender.send(part(0, second * 1_000)).await.unwrap();
        }
        sender.send(done(0, 10_500, 0)).await.unwrap();
        let mut windows = Vec::new();
        while let Some(event) = seen.recv().await {
            if let NodeEvent::Window(window) = event {
                windows.push((window.from_ms, window.to_ms, window.ledger[0].started));
            }
        }
        collector.await.unwrap();
        assert_eq!(windows[0], (0, 1_000, 1));
        assert_eq!(windows.iter().map(|(_, _, started)| started).sum::<u64>(), 10);
        assert!(windows.len() < 10 && windows.windows(2).all(|two| two[0].1 == two[1].0));
        assert_eq!(windows.last().unwrap().1, 10_500);
    }
}
