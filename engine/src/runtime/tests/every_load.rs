//! The loads of `plans/every-load.yaml`: nodes and workers together start exactly what the schedule says.

use std::collections::BTreeMap;

use compiler::artifact::{Action, ClosedLoad, Connections};
use compiler::diagnostic::Diagnostics;
use compiler::schedule::{Closed, slot_in};
use compiler::source::{FileId, Files, Source};
use compiler::{Overrides, compile};

use super::*;

/// Returns the plan's loads on its own groups; each transaction is one request, named as its scenario.
fn every_load() -> Artifact {
    let text = include_str!("../../../../plans/every-load.yaml");
    let files = Files::new(Source::new(FileId(0), "every-load.yaml", text));
    let compiled = compile(&files, &Overrides::default(), &mut Diagnostics::new()).unwrap();
    let mut artifact = plan(scenario(Load::Open(constant("1/s", SECOND)), vec![]));
    artifact.seed = compiled.seed;
    artifact.nodes.groups = compiled.nodes.groups;
    artifact.scenarios = compiled.scenarios;
    artifact.scenarios.retain(|_, scenario| !matches!(scenario.load, Load::Observe { .. }));
    for (name, scenario) in &mut artifact.scenarios {
        scenario.steps = vec![get(name, &[])];
        scenario.connections = Connections::Pool;
        assert!(matches!(scenario.steps[0].action, Action::Http(_)));
    }
    artifact
}

/// Returns what nodes with these seats sent: by scenario, when each number was sent.
fn sent(
    artifact: &Artifact,
    nodes: &[&[&str]],
    workers: usize,
) -> BTreeMap<String, BTreeMap<u64, Ticks>> {
    let mut all: BTreeMap<String, BTreeMap<u64, Ticks>> = BTreeMap::new();
    for seats in nodes {
        let seats: Vec<String> = seats.iter().map(|seat| (*seat).to_owned()).collect();
        let answer = |_: &Request| Answer::new(200, 150 * MS);
        let seen =
            simulate_on(artifact, seats.clone(), workers, answer, |node, clock| async move {
                node.extend_lease(u64::MAX);
                node.start(clock.now());
                Some(node)
            });
        for (name, number, at) in seen.sent_at {
            let scenario = &artifact.scenarios[&name];
            let slot = slot_in(scenario, number);
            let owned = seats
                .iter()
                .any(|seat| scenario.seats.get(seat).is_some_and(|it| it.contains(slot)));
            assert!(owned, "{number} of {name} on {seats:?}");
            assert_eq!(
                all.entry(name.clone()).or_default().insert(number, at),
                None,
                "{number} of {name}"
            );
        }
        let rows = seen.windows.iter().flat_map(|window| &window.ledger);
        assert_eq!(rows.map(|row| row.dropped_late + row.dropped_full).sum::<u64>(), 0);
    }
    all
}

#[test]
fn nodes_and_workers_together_start_what_the_schedule_says() {
    let artifact = every_load();
    let one: &[&[&str]] = &[&["eu/0", "eu/1", "us/0"]];
    let two: &[&[&str]] = &[&["eu/0", "us/0"], &["eu/1"]];
    let three: &[&[&str]] = &[&["eu/0"], &["eu/1"], &["us/0"]];
    for (nodes, workers) in
        [(one, 1), (one, 2), (one, 3), (two, 1), (two, 3), (three, 1), (three, 2)]
    {
        let sent = sent(&artifact, nodes, workers);
        assert_eq!(sent.len(), artifact.scenarios.len(), "all have a load");
        for (name, scenario) in &artifact.scenarios {
            let begin =
                scenario.late_start.as_ref().map_or(scenario.start_ns, |late| late.latest_ns);
            let sent = &sent[name];
            match &scenario.load {
                Load::Open(load) => {
                    let open = Open::of(artifact.seed, name, load);
                    assert!(sent.keys().copied().eq(0..open.count()), "{name}: every number, once");
                    for (number, at) in sent {
                        let due = begin + open.due_ns(*number).unwrap();
                        assert!(
                            (due..due + 3 * MS).contains(at),
                            "{name} {number}: {at}, due {due}"
                        );
                    }
                }
                Load::Closed(load) => check_closed(name, load, begin, sent),
                Load::Observe { .. } => panic!("left out"),
            }
        }
    }
}

/// Counts are used up, and each user works in its spans alone, one iteration after the other.
fn check_closed(name: &str, load: &ClosedLoad, begin: Ticks, sent: &BTreeMap<u64, Ticks>) {
    let closed = Closed::new(load);
    if let Some(count) = closed.count() {
        assert!(sent.keys().copied().eq(0..count), "{name}: every number, once");
        return;
    }
    let users = u64::from(closed.users_max());
    for user in 0..closed.users_max() {
        let mine = sent.iter().filter(|(number, _)| *number % users == u64::from(user));
        let mine: Vec<(u64, Ticks)> = mine.map(|(number, at)| (number / users, *at)).collect();
        assert!(mine.iter().map(|(k, _)| *k).eq(0..mine.len() as u64), "{name}: user {user}");
        let spans = closed.user_spans(user);
        let within =
            |at: Ticks| spans.iter().any(|(from, to)| (begin + from..begin + to).contains(&at));
        assert!(mine.iter().all(|(_, at)| within(*at)), "{name}: user {user} outside its spans");
        // 150 ms an iteration, so many fit into its time.
        let time: u64 = spans.iter().map(|(from, to)| to - from).sum();
        let most = spans.iter().map(|(from, to)| (to - from).div_ceil(150 * MS)).sum::<u64>();
        let iterations = mine.len() as u64;
        assert!(iterations <= most && iterations * 152 * MS + 200 * MS >= time, "{name}: {user}");
    }
}
