//! (pure) What one agent can make a coordinator keep and count. No honest agent meets these limits.

use compiler::artifact::Artifact;

use super::due::run_length_ns;
use crate::cluster::wire::Hello;
use crate::metrics::{LedgerRow, SecondRow, StepRow, Window};

/// Longest text of one field of a hello, in bytes.
const FIELD_LEN_MAX: usize = 256;

/// Most labels of an agent, artifact formats that it reads, drivers that it has and runs that it keeps results of.
const LIST_LEN_MAX: usize = 64;

/// Longest reason of an agent that is repeated to people, in characters.
const REASON_LEN_MAX: usize = 1_000;

/// Largest counter of one window: sums of 130 000 such windows do not overflow.
const COUNT_MAX: u64 = 1 << 46;

/// How much longer than its plan a run may take, in seconds, before its windows are not believed.
const OVERTIME_S: u64 = 3_600;

const SECOND_NS: u64 = 1_000_000_000;

/// Returns why a hello is more than is remembered of an agent.
pub(super) fn oversized(hello: &Hello) -> Option<String> {
    let Hello {
        v: _,
        nonce,
        name,
        group,
        labels,
        proto: _,
        formats,
        build,
        pid: _,
        host,
        cores: _,
        mem_bytes: _,
        open_files: _,
        drivers,
        resume,
    } = hello;
    let labelled = labels.iter().flat_map(|(key, value)| [key, value]);
    let kept = resume.iter().flat_map(|kept| [&kept.run, &kept.process]);
    let others = labelled.chain(drivers).chain(kept);
    let longest = [nonce, name, group, build, host].into_iter().chain(others);
    if longest.map(String::len).max().unwrap_or(0) > FIELD_LEN_MAX {
        return Some(format!("a field of its hello is longer than {FIELD_LEN_MAX} bytes"));
    }
    let most = labels.len().max(formats.len()).max(drivers.len()).max(resume.len());
    (most > LIST_LEN_MAX).then(|| {
        format!("it has {most} labels, formats, drivers or kept runs, at most {LIST_LEN_MAX}")
    })
}

/// Returns what an agent says to people, no longer than they read.
pub(super) fn told(reason: Option<&str>) -> String {
    let reason = reason.unwrap_or("no reason given");
    reason.chars().filter(|c| !c.is_control()).take(REASON_LEN_MAX).collect()
}

/// Returns whether a window is of the time of a run of `artifact`, and its counters are such that sums do not overflow.
pub(super) fn believable(artifact: &Artifact, window: &Window) -> bool {
    let until_s = run_length_ns(artifact) / SECOND_NS + OVERTIME_S;
    let in_time = window.from_ms <= window.to_ms
        && window.to_ms / 1_000 <= until_s
        && window.seconds.iter().all(|row| u64::from(row.second) <= until_s);
    let counts = |counts: &[u64]| counts.iter().all(|count| *count <= COUNT_MAX);
    in_time
        && window.clamped <= COUNT_MAX
        && window.ledger.iter().all(|row| counts(&ledger_counts(row)))
        && window.steps.iter().all(|row| {
            counts(&step_counts(row)) && row.status.values().all(|count| *count <= COUNT_MAX)
        })
        && window.errors.iter().all(|row| row.count <= COUNT_MAX)
        && window.seconds.iter().all(|row| counts(&second_counts(row)))
}

fn ledger_counts(row: &LedgerRow) -> [u64; 10] {
    [
        row.started,
        row.succeeded,
        row.failed,
        row.dropped_late,
        row.dropped_full,
        row.warm_up,
        row.warm_up_succeeded,
        row.warm_up_failed,
        row.warm_up_dropped,
        row.active_us,
    ]
}

fn step_counts(row: &StepRow) -> [u64; 11] {
    [
        row.ok,
        row.failed,
        row.warm_up_ok,
        row.warm_up_failed,
        row.skipped,
        row.warm_up_skipped,
        row.attempts,
        row.redirects,
        row.bytes_sent,
        row.bytes_received,
        row.critical_us,
    ]
}

fn second_counts(row: &SecondRow) -> [u64; 5] {
    [row.started, row.succeeded, row.failed, row.dropped, row.in_flight]
}
