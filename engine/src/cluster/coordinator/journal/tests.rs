//! What a journal says is read again; what is cut off, damaged or another's is not believed.

use super::*;
use crate::cluster::sample;

fn node(node: usize, name: &str) -> NodeNow {
    NodeNow {
        node,
        name: name.to_owned(),
        process: "p".to_owned(),
        group: "default".to_owned(),
        labels: BTreeMap::new(),
        host: "h".to_owned(),
        pid: 1,
        seats: vec![format!("default/{node}")],
        home: vec![format!("default/{node}")],
        takeovers: Vec::new(),
        handed_over: Vec::new(),
        joined: 5,
        armed: None,
        leases: None,
        fenced: false,
        left: false,
        lost: None,
        drained: None,
    }
}

fn head() -> Line {
    let artifact = sample::artifact(&[10], 1, 2);
    Line::Head(Head {
        v: FORMAT,
        cluster: "c".to_owned(),
        artifact: serde_json::to_string(&artifact).unwrap(),
        vars: BTreeMap::new(),
        seed: None,
        join_timeout_ns: 1,
        lease_ns: 2,
        on_agent_loss: OnAgentLoss::Fail,
    })
}

fn text(lines: impl IntoIterator<Item = Line>) -> Vec<u8> {
    let mut text = Vec::new();
    lines.into_iter().for_each(|line| put(&mut text, "r", line).unwrap());
    text
}

fn lines() -> Vec<Line> {
    let report = FinalReport { last_seq: 2, ..FinalReport::default() };
    vec![
        head(),
        Line::Node(node(0, "a")),
        Line::Node(node(1, "b")),
        Line::Window(WindowLine::new(1, 1, b"one")),
        Line::Alive(Alive { at: 1, unix_ms: 2 }),
        Line::Node(NodeNow { fenced: true, ..node(1, "b") }),
        Line::Window(WindowLine::new(1, 2, b"two")),
        Line::Final { node: 1, report },
        Line::Alive(Alive { at: 3, unix_ms: 4 }),
    ]
}

fn read(text: &[u8]) -> Result<Past, JournalError> {
    Past::read(text, Some("r"))
}

#[test]
fn the_last_word_counts_and_windows_add_up() {
    let text = text(lines());
    let past = read(&text).unwrap();
    assert_eq!((past.alive.at, past.length), (3, text.len() as u64));
    assert!(past.nodes[&1].fenced && !past.nodes[&0].fenced);
    let windows: Vec<(usize, u64, &[u8])> =
        past.windows.iter().map(|(node, seq, body)| (*node, *seq, body.as_ref())).collect();
    assert_eq!(windows, [(1, 1, &b"one"[..]), (1, 2, &b"two"[..])]);
    assert_eq!(past.reports[&1].last_seq, 2);
    let objects: Vec<serde_json::Value> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert!(objects.iter().all(|line| line["run"] == "r" && !line["what"].is_null()));
}

#[test]
fn the_same_lines_say_the_same() {
    let past = read(&text(lines())).unwrap();
    let again = read(&text(past.clone().lines())).unwrap();
    assert_eq!(again.clone().lines(), past.lines());
    assert_eq!(again.windows.len(), 2);
}

#[test]
fn a_half_written_last_line_is_left_out() {
    let whole = text(lines());
    let before = text(lines().into_iter().take(8));
    for cut in before.len()..whole.len() {
        let past = read(&whole[..cut]).unwrap();
        assert_eq!((past.length, past.alive.at), (before.len() as u64, 1), "cut at {cut}");
    }
}

#[test]
fn what_is_not_this_runs_journal_is_refused_with_the_reason() {
    let refused = |text: &[u8], says: &str| {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(b"", "no head");
    refused(&text(lines())[..20], "no head");
    refused(&text([lines().remove(1)]), "the head comes first");
    refused(&text([head(), head()]), "a second head");
    refused(b"{\"run\":\"r\",\"what\":{\"other\":1}}\n", "line 1");
    refused(&text([head(), Line::Node(node(1, "b"))]), "node 0 is missing");
    refused(&text([head(), Line::Window(WindowLine::new(0, 1, b""))]), "node 0 is missing");
    let mut damaged = text(lines());
    let second = text([head()]).len();
    damaged[second..second + 9].fill(0);
    refused(&damaged, "damaged in line 2");
    let mut other = Vec::new();
    put(&mut other, "x", head()).unwrap();
    refused(&other, "of run x, not r");
    let Line::Head(head) = head() else { unreachable!() };
    refused(&text([Line::Head(Head { v: 9, ..head })]), "format 9");
}
