//! A recorder on its own.

use super::*;
use crate::runtime::tests::{SECOND, constant, get, plan, scenario};

const OF: Place = Place { scenario: 0, row: 0 };

fn recorder() -> Recorder {
    let load = compiler::artifact::Load::Open(constant("1/s", SECOND));
    let artifact = plan(scenario(load, vec![get("a", &[])]));
    let mut recorder = Recorder::new(&artifact, 0, 1);
    assert_eq!(recorder.add_row(0, 0), 0);
    recorder
}

#[test]
fn what_is_cut_is_counted_once() {
    let mut recorder = recorder();
    recorder.start_at(1_000);
    recorder.started(OF, 1_000 + SECOND, false, 7);
    let dropped = Dropped { why: Drop::Late, warm_up: true, second: 0, count: 1 };
    recorder.dropped(OF, dropped, 9);
    recorder.active(0, 1_500);
    recorder.active(0, 700);
    recorder.step_ended(0, 0, true, Some(&Failure::new(FailureKind::Expect, "first")));
    recorder.step_ended(0, 0, true, Some(&Failure::new(FailureKind::Expect, "second")));
    let first = recorder.cut(1_000);
    let row = first.ledger[0];
    assert_eq!((row.started, row.dropped_late, row.upto, row.active_us), (1, 1, 9, 2));
    assert_eq!((row.warm_up_dropped, first.steps[0].warm_up_failed), (1, 2));
    assert_eq!((first.errors[0].count, first.errors[0].sample.as_str()), (2, "first"));
    let seconds: Vec<_> = first.seconds.iter().map(|row| (row.second, row.started)).collect();
    assert_eq!(seconds, [(0, 0), (1, 1)]);
    recorder.active(0, 800);
    let second = recorder.cut(2_000);
    let row = second.ledger[0];
    assert_eq!((second.from_ms, second.to_ms), (1_000, 2_000));
    assert_eq!((row.started, row.dropped_late, row.upto, row.active_us), (0, 0, 9, 1));
    assert!(second.steps.is_empty() && second.errors.is_empty() && second.seconds.is_empty());
}

#[test]
fn phases_and_redirects_of_a_request_are_kept_apart() {
    let mut recorder = recorder();
    let phases =
        Phases { dns: None, connect: Some(3_000), first_byte: Some(9_000), ..Phases::default() };
    let hops = vec![302, 307];
    let outcome = Outcome { status: Some(200), hops, phases, ended: 20_000, ..Outcome::default() };
    recorder.answered(0, 0, false, &outcome);
    recorder.answered(0, 0, true, &outcome);
    let window = recorder.cut(1);
    assert_eq!(window.steps[0].status, [(200, 2), (302, 2), (307, 2)].into());
    assert_eq!(window.steps[0].redirects, 4);
    // Response and service of the transaction, then the step's service, then its phases.
    let values: Vec<_> =
        window.histograms.iter().map(|(at, it)| (*at, it.len(), it.max())).collect();
    assert_eq!(values, [(2, 1, 20), (4, 1, 3), (6, 1, 9)]);
}

#[test]
fn odd_status_codes_and_scenarios_of_others_do_no_harm() {
    let mut recorder = recorder();
    for status in [99, 200, 999, 1_000] {
        let outcome = Outcome { status: Some(status), ..Outcome::default() };
        recorder.answered(0, 0, false, &outcome);
    }
    recorder.started(Place { scenario: 5, row: 0 }, 0, false, 1);
    recorder.step_ended(0, 9, false, None);
    let window = recorder.cut(1);
    assert_eq!(window.steps[0].status, [(200, 1), (999, 1)].into());
    assert_eq!((window.ledger.len(), window.ledger[0].started), (1, 0));
}
