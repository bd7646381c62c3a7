//! Messages survive the wire, and no bytes do harm.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::exchange::FailureKind;
use crate::metrics::{ErrorRow, LedgerRow, SecondRow, StepRow, Window, latency};

fn beat() -> FromAgent {
    FromAgent::Beat(Beat {
        v: V,
        nonce: "ab".to_owned(),
        seq: 7,
        run: "k3v9x0q2ab".to_owned(),
        epoch: 1,
        phase: Phase::Running,
        sent_ns: u64::MAX,
        reason: None,
        backlog: 0,
        delta_unacked: 2,
        armed: Some(Armed { start_ns: 5, offset_ns: -3, err_ns: 1 }),
    })
}

fn window() -> Window {
    let mut histogram = latency::new_histogram();
    latency::record(&mut histogram, 1_234);
    Window {
        from_ms: 1_000,
        to_ms: 2_000,
        ledger: vec![LedgerRow { upto: 40, started: 39, dropped_late: 1, ..LedgerRow::default() }],
        steps: vec![StepRow { ok: 3, status: BTreeMap::from([(200, 3)]), ..StepRow::default() }],
        errors: vec![ErrorRow {
            scenario: 0,
            step: 1,
            kind: FailureKind::Timeout,
            count: 2,
            sample: "no answer\nwithin 1s".to_owned(),
        }],
        seconds: vec![SecondRow { second: 1, started: 39, ..SecondRow::default() }],
        histograms: BTreeMap::from([(3, histogram.clone())]),
        lateness: Some(histogram.clone()),
        lag: Some(histogram),
        clamped: 1,
        cpu_percent: 12,
        rss_bytes: 1 << 30,
        descriptors: 77,
    }
}

#[test]
fn a_message_is_a_line_and_the_binary_behind_it() {
    let bytes = encode(&beat(), b"\n{}").unwrap();
    assert_eq!(decode::<FromAgent>(&bytes).unwrap(), (beat(), Bytes::from_static(b"\n{}")));
    assert!(bytes.starts_with(br#"{"t":"beat","v":1,"nonce":"ab""#));
}

#[test]
fn an_order_says_what_is_wanted_of_single_scenarios() {
    let order = |scenarios| {
        FromCoordinator::Order(Order {
            v: V,
            nonce: "c".to_owned(),
            to: "a".to_owned(),
            seq: 1,
            run: "k3v9x0q2ab".to_owned(),
            coord_now_ns: 7,
            lease_ms: 10_000,
            want: Want::Run,
            epoch: 1,
            share: None,
            go: None,
            stop: None,
            scenarios,
            delta_acked: 0,
            final_acked: false,
        })
    };
    let wanted = vec![
        ScenarioOrder { scenario: 0, start_ns: Some(u64::MAX), stop: false },
        ScenarioOrder { scenario: 3, start_ns: None, stop: true },
    ];
    for message in [order(Vec::new()), order(wanted)] {
        let bytes = encode(&message, &[]).unwrap();
        assert_eq!(decode::<FromCoordinator>(&bytes).unwrap().0, message);
    }
    // One that has nothing to say of them does not name them.
    let plain = encode(&order(Vec::new()), &[]).unwrap();
    assert!(!String::from_utf8_lossy(&plain).contains("scenarios"));
}

#[test]
fn the_unknown_is_refused_and_the_superfluous_ignored() {
    let good = r#"{"t":"get","v":1,"nonce":"a","digest":"d","index":0,"later":[1]}"#;
    let check = |head: &str| decode::<FromAgent>(&Bytes::from(format!("{head}\n")));
    check(good).unwrap();
    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        (r#""t":"get""#, r#""t":"git""#),
        (r#""nonce":"a","#, ""),
        (r#""index":0"#, r#""index":-1"#),
    ] {
        assert!(check(&good.replace(from, to)).is_err(), "{to}");
    }
    assert_eq!(decode::<FromAgent>(&Bytes::from(good)), Err(WireError::NoHead));
    let long = Bytes::from(vec![b' '; HEAD_BYTES_MAX + 2]);
    assert_eq!(decode::<FromAgent>(&long), Err(WireError::NoHead));
}

#[test]
fn a_window_survives() {
    let before = window();
    let after = decode_window(encode_window(&before).unwrap(), 4).unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert!(decode_window(encode_window(&before).unwrap(), 3).is_err(), "series 3 of 3");
}

#[test]
fn parts_come_together_in_any_order() {
    let body: Bytes = (0..u8::MAX).cycle().take(10_000).collect();
    let parts = split(&body, HEAD_RESERVE + 3_000).unwrap();
    assert_eq!(parts.len(), 4);
    let mut assembly = Assembly::default();
    for at in [2, 0, 2, 3] {
        assembly.put(at, 4, parts[at as usize].clone());
        assert_eq!(assembly.whole(), None);
    }
    assembly.put(1, 5, parts[1].clone());
    assembly.put(9, 4, parts[1].clone());
    assert_eq!((assembly.have(), assembly.whole()), (0b1101, None));
    assembly.put(1, 4, parts[1].clone());
    assert_eq!(assembly.whole(), Some(body));
    assert!(split(&Bytes::from(vec![0; 1 << 20]), 5_000).is_err());
}

#[test]
fn a_body_is_bounded_on_both_ends() {
    let mut assembly = Assembly::default();
    for part in 0..PARTS_MAX {
        assembly.put(part, PARTS_MAX, Bytes::from(vec![0; 1 << 20]));
    }
    assert_eq!(assembly.have().count_ones() as usize, BODY_BYTES_MAX >> 20);
    assert_eq!(assembly.whole(), None);
    let body = Bytes::from(vec![0; BODY_BYTES_MAX + 1]);
    assert_eq!(split(&body, 1 << 20), Err(WireError::TooLarge(body.len())));
    assert_eq!(split(&body.slice(1..), 1 << 20).unwrap().concat().len(), BODY_BYTES_MAX);
}

proptest! {
    #[test]
    fn parts_of_anybody_never_exceed_the_bound(
        parts in vec((any::<u32>(), 0..=PARTS_MAX + 1, 0usize..200), 0..200),
    ) {
        let mut assembly = Assembly::default();
        for (part, count, length) in parts {
            assembly.put(part % 80, count, Bytes::from(vec![7; length]));
            if let Some(whole) = assembly.whole() {
                prop_assert!(whole.len() <= BODY_BYTES_MAX);
                prop_assert_eq!(assembly.have().count_ones(), assembly.count);
            }
        }
    }

    #[test]
    fn what_is_split_comes_together(
        body in vec(any::<u8>(), 0..8_000), payload in 0usize..20_000, at in any::<u64>(),
    ) {
        let body = Bytes::from(body);
        let parts = split(&body, payload).unwrap();
        let count = u32::try_from(parts.len()).unwrap();
        let mut assembly = Assembly::default();
        for number in 0..count {
            let part = u32::try_from((u64::from(number) + at % u64::from(count)) % u64::from(count)).unwrap();
            prop_assert_eq!(assembly.whole(), None);
            assembly.put(part, count, parts[part as usize].clone());
        }
        prop_assert_eq!(assembly.whole(), Some(body));
    }

    #[test]
    fn any_head_is_read_or_refused(head in ".{0,200}", binary in vec(any::<u8>(), 0..50)) {
        let bytes = Bytes::from([head.as_bytes(), b"\n", binary.as_slice()].concat());
        drop(decode::<FromAgent>(&bytes));
        drop(decode::<FromCoordinator>(&bytes));
        drop(decode_window(bytes, 4));
    }
}

#[test]
fn no_bytes_do_harm() {
    arbtest::arbtest(|random| {
        let mut bytes: Vec<u8> = encode_window(&window()).unwrap().to_vec();
        match random.int_in_range(0..=2)? {
            0 => bytes = random.arbitrary()?,
            1 => bytes.truncate(random.int_in_range(0..=bytes.len())?),
            _ => {
                let at = random.int_in_range(0..=bytes.len() - 1)?;
                bytes[at] = random.arbitrary()?;
            }
        }
        let bytes = Bytes::from(bytes);
        drop(decode_window(bytes.clone(), 4));
        drop(decode::<FromAgent>(&bytes));
        drop(decode::<FromCoordinator>(&bytes));
        Ok(())
    })
    .budget_ms(500);
}
