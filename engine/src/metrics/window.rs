//! What one node measured in one window: counters, histograms and the arrival ledger, always together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::FailureKind;

/// Latencies in microseconds: 1 µs to 1 h, three digits; the same everywhere, so that any two can be merged.
pub type Histogram = hdrhistogram::Histogram<u32>;

/// What one node measured from `from_ms` to `to_ms` on the run's clock. Counters are increments.
///
/// Invariant: the counters of a ledger row speak of exactly the arrivals that its frontier passed in this window,
/// so that whatever prefix of a node's windows arrives is a consistent state.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Start, in milliseconds since the run's start.
    pub from_ms: u64,
    /// End, exclusive.
    pub to_ms: u64,
    /// Arrivals, one row for each scenario and lane that the node serves.
    pub ledger: Vec<LedgerRow>,
    /// Steps that ended.
    pub steps: Vec<StepRow>,
    /// Failures that happened, grouped.
    pub errors: Vec<ErrorRow>,
    /// What happened by second of the run; a window that was held back may hold more than one second.
    pub seconds: Vec<SecondRow>,
    /// Latencies by series; see [`crate::metrics::series`].
    pub histograms: BTreeMap<u32, Histogram>,
    /// How late arrivals were sent, in microseconds.
    pub lateness: Option<Histogram>,
    /// How late the workers' own timers woke them, in microseconds.
    pub lag: Option<Histogram>,
    /// Latencies beyond the histograms' range, clamped into it.
    pub clamped: u64,
    /// Highest share of one core that the generator used, in percent, since the last window.
    pub cpu_percent: u32,
    /// Resident memory of the generator's process, in bytes.
    pub rss_bytes: u64,
    /// Descriptors that the generator's process has open, sockets and files.
    pub descriptors: u64,
}

/// Arrivals of one scenario on one lane (worker) of one node.
///
/// Lane *l* of *m* owns, of the slots of the node's seats (or of a takeover) in ascending order, those whose place is *l*
/// modulo *m*.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// Scenario, by its place in the artifact (ordered by name).
    pub scenario: u32,
    /// Number of the takeover that the arrivals belong to; 0 for those of the node's own seats.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub takeover: u32,
    /// Lane.
    pub lane: u32,
    /// How many lanes the node has.
    pub lanes: u32,
    /// Every owned arrival below this number has been decided. Stays 0 for timed closed loads and for `count_each`,
    /// whose users go on at their own speed: of those the sums alone say how many are decided.
    pub upto: u64,
    /// When the lane came to its end of the scenario, in milliseconds since the run's start: it starts nothing more of
    /// it, and of a count the last iteration has ended or its time is over. `None` while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_ms: Option<u64>,
    /// Arrivals sent.
    pub started: u64,
    /// Transactions that ended well.
    pub succeeded: u64,
    /// Transactions that ended badly.
    pub failed: u64,
    /// Arrivals not sent: due longer ago than `late_after`.
    pub dropped_late: u64,
    /// Arrivals not sent: `max_in_flight` reached.
    pub dropped_full: u64,
    /// Of `started`, those within the warm-up.
    pub warm_up: u64,
    /// Of `succeeded`, those within the warm-up.
    #[serde(default)]
    pub warm_up_succeeded: u64,
    /// Of `failed`, those within the warm-up.
    #[serde(default)]
    pub warm_up_failed: u64,
    /// Of `dropped_late` and `dropped_full`, those within the warm-up.
    #[serde(default)]
    pub warm_up_dropped: u64,
    /// Closed loads: time users were active, in microseconds.
    pub active_us: u64,
}

/// What a step did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// Step, by its place in the scenario.
    pub step: u32,
    /// Ended well.
    pub ok: u64,
    /// Ended badly.
    pub failed: u64,
    /// Of `ok`, those of arrivals within the warm-up.
    #[serde(default)]
    pub warm_up_ok: u64,
    /// Of `failed`, those of arrivals within the warm-up.
    #[serde(default)]
    pub warm_up_failed: u64,
    /// Not run because the transaction ended before.
    pub skipped: u64,
    /// Of `skipped`, those of arrivals within the warm-up.
    #[serde(default)]
    pub warm_up_skipped: u64,
    /// Requests sent.
    pub attempts: u64,
    /// Redirects that were followed, each a further request.
    #[serde(default)]
    pub redirects: u64,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of responses.
    pub bytes_received: u64,
    /// Time by which this step made its transactions longer, in microseconds: it was on the critical path.
    pub critical_us: u64,
}

/// Failures of one kind at one step.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// Step, by its place in the scenario.
    pub step: u32,
    /// Kind.
    pub kind: FailureKind,
    /// How many.
    pub count: u64,
    /// The first one's detail.
    pub sample: String,
}

/// What happened in one second of the run, for one scenario.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct SecondRow {
    /// Second, from 0, counted from the run's start on this node.
    pub second: u32,
    /// Scenario, by its place in the artifact.
    pub scenario: u32,
    /// Sent in it.
    pub started: u64,
    /// Ended well in it.
    pub succeeded: u64,
    /// Ended badly in it.
    pub failed: u64,
    /// Due in it, and dropped.
    pub dropped: u64,
    /// Running at its end; the sum over lanes and nodes.
    pub in_flight: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl LedgerRow {
    /// Returns what tells rows of one node apart: scenario, takeover, lane.
    pub fn key(&self) -> (u32, u32, u32) {
        (self.scenario, self.takeover, self.lane)
    }

    /// Returns the row of the same lane with nothing decided.
    #[must_use]
    pub fn emptied(&self) -> LedgerRow {
        let LedgerRow { scenario, takeover, lane, lanes, .. } = *self;
        LedgerRow { scenario, takeover, lane, lanes, ..LedgerRow::default() }
    }

    /// Adds what the same lane decided in another window; `None` if a counter overflows.
    pub fn add(&mut self, more: &LedgerRow) -> Option<()> {
        // Taken apart, so that a new field cannot be forgotten here.
        let LedgerRow {
            scenario: _,
            takeover: _,
            lane: _,
            lanes: _,
            upto,
            over_ms,
            started,
            succeeded,
            failed,
            dropped_late,
            dropped_full,
            warm_up,
            warm_up_succeeded,
            warm_up_failed,
            warm_up_dropped,
            active_us,
        } = more;
        self.upto = self.upto.max(*upto);
        self.over_ms = self.over_ms.or(*over_ms);
        let sums = [
            (&mut self.started, started),
            (&mut self.succeeded, succeeded),
            (&mut self.failed, failed),
            (&mut self.dropped_late, dropped_late),
            (&mut self.dropped_full, dropped_full),
            (&mut self.warm_up, warm_up),
            (&mut self.warm_up_succeeded, warm_up_succeeded),
            (&mut self.warm_up_failed, warm_up_failed),
            (&mut self.warm_up_dropped, warm_up_dropped),
            (&mut self.active_us, active_us),
        ];
        for (sum, more) in sums {
            *sum = sum.checked_add(*more)?;
        }
        Some(())
    }
}

impl StepRow {
    /// Adds what the same step did elsewhere, or later.
    pub fn add(&mut self, more: &StepRow) {
        // Taken apart, so that a new field cannot be forgotten here.
        let StepRow {
            scenario: _,
            step: _,
            ok,
            failed,
            warm_up_ok,
            warm_up_failed,
            skipped,
            warm_up_skipped,
            attempts,
            redirects,
            status,
            bytes_sent,
            bytes_received,
            critical_us,
        } = more;
        self.ok += ok;
        self.failed += failed;
        self.warm_up_ok += warm_up_ok;
        self.warm_up_failed += warm_up_failed;
        self.skipped += skipped;
        self.warm_up_skipped += warm_up_skipped;
        self.attempts += attempts;
        self.redirects += redirects;
        self.bytes_sent += bytes_sent;
        self.bytes_received += bytes_received;
        self.critical_us += critical_us;
        for (code, count) in status {
            *self.status.entry(*code).or_default() += count;
        }
    }
}

impl SecondRow {
    /// Adds what happened in the same second elsewhere.
    pub fn add(&mut self, more: &SecondRow) {
        let SecondRow { second: _, scenario: _, started, succeeded, failed, dropped, in_flight } =
            more;
        self.started += started;
        self.succeeded += succeeded;
        self.failed += failed;
        self.dropped += dropped;
        self.in_flight += in_flight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_nothing_is_itself() {
        let row = StepRow {
            scenario: 0,
            step: 0,
            ok: 1,
            failed: 2,
            warm_up_ok: 3,
            warm_up_failed: 4,
            skipped: 5,
            warm_up_skipped: 6,
            attempts: 7,
            redirects: 8,
            status: [(200, 9), (302, 10)].into(),
            bytes_sent: 11,
            bytes_received: 12,
            critical_us: 13,
        };
        let mut sum = StepRow::default();
        sum.add(&row);
        assert_eq!(sum, row);
        sum.add(&row);
        assert_eq!((sum.redirects, sum.status[&302]), (16, 20));
    }
}
