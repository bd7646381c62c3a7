//! [pure] Cycles of a directed graph, each as its shortest closing path, in source order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::source::Span;

/// Largest component in which the shortest cycle is searched from every node; beyond, from the first.
const SEARCH_MAX: usize = 64;

/// `from` needs `to`, and where the plan says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Edge {
    /// The one that needs.
    pub(super) from: usize,
    /// What is needed.
    pub(super) to: usize,
    /// Where it is said.
    pub(super) span: Span,
    /// What is said, for a label.
    pub(super) message: String,
}

/// Returns one cycle for each strongly connected component, as its edges in turn, by source position.
pub(super) fn find(nodes: usize, edges: &[Edge]) -> Vec<Vec<Edge>> {
    let pairs = edges.iter().map(|edge| (edge.from, edge.to));
    let graph = build(nodes, pairs);
    let mut cycles = Vec::new();
    for component in tarjan_scc(&graph) {
        let inside: BTreeSet<usize> = component.iter().map(|node| node.index()).collect();
        let within: Vec<&Edge> = edges
            .iter()
            .filter(|edge| inside.contains(&edge.from) && inside.contains(&edge.to))
            .collect();
        if within.is_empty() {
            continue;
        }
        let from_each = if inside.len() <= SEARCH_MAX { inside.len() } else { 1 };
        let closing =
            inside.iter().take(from_each).filter_map(|start| closing_path(*start, &within));
        if let Some(shortest) = closing.min_by_key(Vec::len) {
            cycles.push(shortest);
        }
    }
    cycles.sort_by_key(|cycle| cycle.iter().map(|edge| edge.span).min());
    cycles
}

/// Returns all nodes, each after what it needs, otherwise in order of number; `None` if there is a cycle.
pub(super) fn order(nodes: usize, needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    let pairs =
        needs.iter().enumerate().flat_map(|(at, own)| own.iter().map(move |need| (at, *need)));
    // The library answers whether there is an order; the one that we use goes by number, so that it is stable.
    toposort(&build(nodes, pairs), None).ok()?;
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut wanted_by = vec![Vec::new(); nodes];
    for (at, own) in needs.iter().enumerate() {
        for need in own {
            wanted_by[*need].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes).filter(|at| missing[*at] == 0).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for next in &wanted_by[at] {
            missing[*next] -= 1;
            if missing[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    Some(order)
}

fn build(nodes: usize, pairs: impl Iterator<Item = (usize, usize)>) -> DiGraph<(), ()> {
    let mut graph = DiGraph::new();
    let ids: Vec<NodeIndex> = (0..nodes).map(|_| graph.add_node(())).collect();
    for (from, to) in pairs {
        graph.add_edge(ids[from], ids[to], ());
    }
    graph
}

/// Returns the shortest way from `start` back to itself, breadth first.
fn closing_path(start: usize, edges: &[&Edge]) -> Option<Vec<Edge>> {
    let mut leaving: BTreeMap<usize, Vec<&Edge>> = BTreeMap::new();
    for edge in edges {
        leaving.entry(edge.from).or_default().push(edge);
    }
    let mut reached_by: BTreeMap<usize, &Edge> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for edge in leaving.get(&at).into_iter().flatten() {
            if reached_by.contains_key(&edge.to) {
                continue;
            }
            reached_by.insert(edge.to, edge);
            if edge.to == start {
                return Some(walk_back(start, &reached_by));
            }
            queue.push_back(edge.to);
        }
    }
    None
}

fn walk_back(start: usize, reached_by: &BTreeMap<usize, &Edge>) -> Vec<Edge> {
    let mut path = Vec::new();
    let mut at = start;
    while let Some(edge) = reached_by.get(&at) {
        path.push((*edge).clone());
        at = edge.from;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn edge(from: usize, to: usize) -> Edge {
        let lo = u32::try_from(from * 10 + to).unwrap();
        Edge { from, to, span: Span { file: FileId(0), lo, hi: lo + 1 }, message: String::new() }
    }

    fn paths(nodes: usize, pairs: &[(usize, usize)]) -> Vec<Vec<(usize, usize)>> {
        let edges: Vec<Edge> = pairs.iter().map(|(from, to)| edge(*from, *to)).collect();
        let cycles = find(nodes, &edges);
        cycles.iter().map(|cycle| cycle.iter().map(|e| (e.from, e.to)).collect()).collect()
    }

    #[test]
    fn each_component_gives_its_shortest_cycle() {
        assert_eq!(paths(3, &[(1, 0), (2, 1)]), Vec::<Vec<_>>::new());
        assert_eq!(paths(2, &[(1, 1)]), [[(1, 1)]]);
        // A long way round and a short one.
        let pairs = [(0, 1), (1, 2), (2, 0), (1, 0), (5, 4), (4, 5)];
        assert_eq!(paths(6, &pairs), [[(0, 1), (1, 0)], [(4, 5), (5, 4)]]);
    }

    #[test]
    fn order_is_by_number_where_needs_allow() {
        assert_eq!(order(4, &[vec![3], vec![], vec![1], vec![]]).unwrap(), [1, 2, 3, 0]);
        assert_eq!(order(2, &[vec![1], vec![0]]), None);
    }
}
