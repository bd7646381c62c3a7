//! Files: what is written is there, a file that grows is written anew, and one that takes nothing more says so once.

use bytes::Bytes;
use compiler::artifact::OnAgentLoss;

use super::*;
use crate::cluster::coordinator::journal::{Alive, NodeNow, WindowLine};
use crate::cluster::wire::{FinalReport, decode_window, encode_window};
use crate::metrics::{LedgerRow, SecondRow, Window};

fn head() -> Head {
    Head {
        v: Head::version(),
        cluster: "c".to_owned(),
        artifact: "{}".to_owned(),
        vars: std::collections::BTreeMap::new(),
        seed: Some(3),
        join_timeout_ns: 1,
        lease_ns: 2,
        on_agent_loss: OnAgentLoss::Fail,
    }
}

fn node(node: usize) -> Line {
    Line::Node(NodeNow {
        node,
        name: format!("n{node}"),
        process: "p".to_owned(),
        group: "default".to_owned(),
        labels: std::collections::BTreeMap::new(),
        host: "h".to_owned(),
        pid: 1,
        seats: Vec::new(),
        home: Vec::new(),
        takeovers: Vec::new(),
        handed_over: Vec::new(),
        joined: 0,
        armed: None,
        leases: None,
        fenced: false,
        left: false,
        lost: None,
        drained: None,
    })
}

fn window(node: usize, seq: u64) -> Line {
    let second = u32::try_from(seq).unwrap();
    let row = LedgerRow { lanes: 1, upto: seq, started: 1, ..LedgerRow::default() };
    let seconds = vec![SecondRow { second, started: 1, ..SecondRow::default() }];
    let (from_ms, to_ms) = (seq * 1_000 - 1_000, seq * 1_000);
    let window = Window { from_ms, to_ms, ledger: vec![row], seconds, ..Window::default() };
    Line::Window(WindowLine::new(node, seq, &encode_window(&window).unwrap()))
}

/// Returns by node: number of the last window, and the sum of all of them.
fn sums(past: &Past) -> Vec<(u64, u64, u64, usize)> {
    let of = |node: usize| {
        let windows = past.windows.iter().filter(|(of, ..)| *of == node);
        let mut sum = (0, 0, 0, 0);
        for (_, seq, body) in windows {
            let window = decode_window(Bytes::clone(body), 0).unwrap();
            let row = window.ledger[0];
            sum = (*seq, row.upto, sum.2 + row.started, sum.3 + window.seconds.len());
        }
        sum
    };
    (0..past.nodes.len()).map(of).collect()
}

#[tokio::test]
async fn a_file_that_has_grown_is_written_anew_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let mut journal = Journal::create(&path, "r", head(), 0).unwrap();
    journal.write([node(0), node(1)]).unwrap();
    for seq in 1..=50 {
        journal.write([window(0, seq), window(1, seq)]).unwrap();
    }
    journal.write([Line::Final { node: 1, report: FinalReport::default() }]).unwrap();
    let before = journal.length;
    assert_eq!(before, fs::metadata(&path).unwrap().len());
    journal.length_max = 0;
    journal.tend().await.unwrap();
    assert!(journal.renewal.is_some());
    // What comes while it is written anew is in both.
    journal.write([window(0, 51)]).unwrap();
    assert_eq!(sums(&Past::open(folder.path(), "r").unwrap())[0], (51, 51, 51, 51));
    while journal.renewal.is_some() {
        tokio::task::yield_now().await;
        journal.tend().await.unwrap();
    }
    journal.write([window(0, 52)]).unwrap();
    assert!(journal.length < before / 2 && journal.length == fs::metadata(&path).unwrap().len());
    let past = Past::open(folder.path(), "r").unwrap();
    assert_eq!(past.windows.len(), 4, "a sum for each node, and two that came later");
    assert_eq!(sums(&past), [(52, 52, 52, 52), (50, 50, 50, 50)]);
    assert!(past.reports.contains_key(&1) && past.head == head());
    assert!(!beside(&path).exists());
}

#[test]
fn a_successor_goes_on_behind_the_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let mut journal = Journal::create(&path, "r", head(), 0).unwrap();
    journal.write([node(0), window(0, 1)]).unwrap();
    let past = Past::open(folder.path(), "r").unwrap();
    let refused = Journal::resume(&path, &past, 0).unwrap_err();
    assert!(matches!(refused, JournalError::InUse(_)), "{refused}");
    drop(journal);
    let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
    torn.write_all(b"{\"run\":\"r\",\"wh").unwrap();
    let past = Past::open(folder.path(), "r").unwrap();
    Journal::resume(&path, &past, 0).unwrap().write([window(0, 2)]).unwrap();
    assert_eq!(sums(&Past::open(folder.path(), "r").unwrap()), [(2, 2, 2, 2)]);
    assert!(Journal::create(&path, "r", head(), 0).is_err(), "there is one");
    assert_eq!(run_in(folder.path()), Some("r".to_owned()));
    remove(folder.path()).unwrap();
    remove(folder.path()).unwrap();
    let missing = Past::open(folder.path(), "r").unwrap_err();
    assert!(matches!(missing, JournalError::Missing(_)));
}

#[tokio::test]
async fn a_full_disk_ends_the_journal_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(&folder.path().join(FILE), "r", head(), 0).unwrap();
    let artifact = crate::cluster::sample::artifact(&[10], 1, 1);
    let mut coordinator = crate::cluster::coordinator::tests::coordinator_of(artifact);
    journal.note(&coordinator, &[], 0, 0).await.unwrap();
    assert_eq!(
        Past::open(folder.path(), "r").unwrap().now,
        None,
        "nothing before there is a start"
    );
    coordinator.start = Some(5);
    journal.note(&coordinator, &[], 7, 8).await.unwrap();
    let past = Past::open(folder.path(), "r").unwrap();
    assert_eq!((past.now.unwrap().start, past.alive), (Some(5), Alive { at: 7, unix_ms: 8 }));
    journal.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
    coordinator.start = Some(6);
    let error = journal.note(&coordinator, &[], 7 + SECOND_NS, 9).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    journal.note(&coordinator, &[], 7 + 2 * SECOND_NS, 10).await.unwrap();
}
