//! Steps of a transaction: order, branches, waits, failures, time limits.

use super::*;
use crate::exchange::{Failure, FailureKind};

/// Returns a plan of `count` arrivals, ten a second, with these steps.
fn steps(count: u64, steps: Vec<Step>) -> Artifact {
    plan(scenario(Load::Open(constant("10/s", count * 100 * MS)), steps))
}

/// Answers each step after the milliseconds that its path says.
fn by_path(latencies: &'static [(&'static str, u64)]) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| {
        let known = latencies.iter().find(|(path, _)| *path == request.head.path());
        Answer::new(200, known.unwrap().1 * MS)
    }
}

/// A latency, or a sum of some, in microseconds: a histogram keeps three digits, and each sleep of paused time ends up to
/// a millisecond late.
fn close(us: u64, expected_us: u64) -> bool {
    (expected_us - expected_us / 500..=expected_us + expected_us / 50 + 5_000).contains(&us)
}

#[test]
fn waits_are_taken_off_both_latencies() {
    let artifact = steps(
        10,
        vec![
            wait("before", &[], 700 * MS),
            get("a", &["before"]),
            wait("between", &["before", "a"], 900 * MS),
            get("b", &["between"]),
        ],
    );
    let seen = run(&artifact, 1, by_path(&[("/a", 30), ("/b", 50)]));
    for kind in [SeriesKind::Response, SeriesKind::Service] {
        let (count, min, max) = seen.latency(&artifact, None, kind);
        assert!(count == 10 && close(min, 80_000) && close(max, 80_000), "{kind:?} {min} {max}");
    }
    let (count, min, max) = seen.latency(&artifact, Some(1), SeriesKind::Service);
    assert!(count == 10 && close(min, 30_000) && close(max, 30_000));
    let ok: Vec<u64> = (0..4).map(|step| seen.step(step).ok).collect();
    assert_eq!(ok, [10; 4]);
    assert_eq!((seen.step(1).attempts, seen.step(0).attempts), (10, 0));
    assert_eq!(seen.step(1).status, [(200, 10)].into());
    assert!(close(seen.step(3).critical_us, 500_000));
    assert_eq!(seen.step(2).critical_us, 0);
}

#[test]
fn branches_run_beside_each_other_and_the_longest_is_critical() {
    let artifact =
        steps(10, vec![get("a", &[]), get("b", &["a"]), get("c", &["a"]), get("d", &["b", "c"])]);
    let seen = run(&artifact, 2, by_path(&[("/a", 100), ("/b", 300), ("/c", 200), ("/d", 50)]));
    let (count, min, max) = seen.latency(&artifact, None, SeriesKind::Service);
    assert!(count == 10 && close(min, 450_000) && close(max, 450_000), "{min} {max}");
    let critical: Vec<u64> = (0..4).map(|step| seen.step(step).critical_us).collect();
    assert!(close(critical[0], 1_000_000) && close(critical[3], 500_000), "{critical:?}");
    assert!(close(critical[1], 3_000_000) && critical[2] == 0, "{critical:?}");
    let order: Vec<&str> =
        seen.sent.iter().filter(|(n, _)| *n == 3).map(|(_, step)| step.as_str()).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
}

#[test]
fn only_the_time_of_lone_waits_is_taken_off() {
    let artifact = steps(5, vec![get("a", &[]), wait("w", &[], 300 * MS), get("b", &["a", "w"])]);
    let seen = run(&artifact, 1, by_path(&[("/a", 100), ("/b", 50)]));
    // The wait runs alone for 200 of its 300 ms.
    let (count, min, max) = seen.latency(&artifact, None, SeriesKind::Response);
    assert!(count == 5 && close(min, 150_000) && close(max, 150_000), "{min} {max}");
}

#[test]
fn a_failed_step_ends_the_transaction_and_skips_the_rest() {
    let sequence = vec![get("a", &[]), get("b", &["a"]), get("c", &["b"])];
    let branches = vec![get("a", &[]), get("b", &[]), get("c", &["a", "b"])];
    for (list, b_ok) in [(sequence, 0), (branches, 0)] {
        let artifact = steps(10, list);
        let seen = run(&artifact, 1, |request| match request.head.path() {
            "/a" => Answer::new(503, 10 * MS),
            _ => Answer::new(200, 500 * MS),
        });
        let row = seen.ledger(0);
        assert_eq!((row.started, row.succeeded, row.failed), (10, 0, 10));
        assert_eq!((seen.step(0).failed, seen.step(0).status[&503]), (10, 10));
        assert_eq!((seen.step(1).ok, seen.step(1).skipped), (b_ok, 10));
        assert_eq!(seen.step(2).skipped, 10);
        let errors = seen.whole().errors;
        assert_eq!(errors.len(), 1);
        assert_eq!((errors[0].kind, errors[0].count), (FailureKind::Status, 10));
        assert!(!errors[0].sample.is_empty());
        let (count, _, max) = seen.latency(&artifact, None, SeriesKind::Response);
        assert!(count == 10 && close(max, 10_000), "{max}");
    }
}

#[test]
fn kinds_of_failure_are_kept_apart() {
    let artifact = steps(10, vec![get("a", &[])]);
    let seen = run(&artifact, 1, |request| match arrival_of(request).0 {
        0..3 => Answer::failed(Failure::new(FailureKind::Connect, "refused"), 0),
        3..5 => Answer::new(200, 3_600 * SECOND),
        _ => Answer::new(200, MS),
    });
    let mut errors: Vec<_> = seen.whole().errors.iter().map(|row| (row.kind, row.count)).collect();
    errors.sort_unstable();
    assert_eq!(errors, [(FailureKind::Connect, 3)]);
    assert_eq!((seen.ledger(0).failed, seen.ledger(0).succeeded), (3, 5));
    assert_eq!(seen.whole().errors[0].sample, "refused");
}

#[test]
fn the_transactions_time_limit_fails_what_runs() {
    let sequence = vec![get("a", &[]), get("b", &["a"]), get("c", &["b"])];
    let branches = vec![get("a", &[]), get("b", &[]), get("c", &["a", "b"])];
    for list in [sequence, branches] {
        let mut artifact = steps(10, list);
        artifact.scenarios.get_mut("load").unwrap().timeout_ns = 200 * MS;
        let seen = run(&artifact, 1, by_path(&[("/a", 50), ("/b", 1_000), ("/c", 1)]));
        assert_eq!((seen.ledger(0).failed, seen.step(0).ok, seen.step(1).failed), (10, 10, 10));
        assert_eq!(seen.step(2).skipped, 10);
        assert_eq!(seen.whole().errors[0].kind, FailureKind::Timeout);
        let (count, min, max) = seen.latency(&artifact, None, SeriesKind::Service);
        assert!(count == 10 && close(min, 200_000) && close(max, 200_000), "{min} {max}");
        assert_eq!(seen.latency(&artifact, Some(1), SeriesKind::Service).0, 10);
    }
}

#[test]
fn a_transaction_that_breaks_off_is_said_and_hurts_no_other() {
    let artifact = steps(10, vec![get("a", &[])]);
    let seen = run(&artifact, 1, |request| {
        assert_ne!(arrival_of(request).0, 4, "a bug");
        Answer::new(200, MS)
    });
    assert_eq!((seen.ledger(0).started, seen.ledger(0).succeeded), (10, 9));
    assert_eq!(seen.summary.unwrap().transactions_broken, 1);
    assert!(seen.whole().seconds.iter().all(|row| row.in_flight == 0));
}
