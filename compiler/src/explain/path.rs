//! (pure) A transaction's steps as a DAG: order, needs without detours, longest path.

use std::collections::BTreeMap;

use crate::artifact::Step;

/// The steps of one transaction, with `needs` as places.
///
/// Total for any list of steps: an unknown need is left out, steps of a cycle come last in plan order (a verified artifact has neither).
#[derive(Clone, Debug)]
pub(crate) struct Dag {
    /// Places of the steps so that each comes after what it needs, plan order where that is free.
    pub(crate) order: Vec<usize>,
    /// For each step, the places it needs directly: those that no other need already implies. Ascending.
    pub(crate) needs: Vec<Vec<usize>>,
}

/// The path that takes longest, then the one with most steps.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Longest {
    /// Places of its steps.
    pub(crate) steps: Vec<usize>,
    /// How long it takes, in nanoseconds.
    pub(crate) time_ns: u64,
}

impl Dag {
    pub(crate) fn new(steps: &[Step]) -> Dag {
        let entries = steps.iter().map(|step| (step.name.as_str(), step.needs.as_slice()));
        Dag::of(&entries.collect::<Vec<_>>())
    }

    /// Takes names and needs of the entries of one list.
    pub(crate) fn of(entries: &[(&str, &[String])]) -> Dag {
        let places: BTreeMap<&str, usize> =
            entries.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        let all: Vec<Vec<usize>> = entries
            .iter()
            .map(|(_, needs)| {
                let mut needs: Vec<usize> =
                    needs.iter().filter_map(|need| places.get(need.as_str()).copied()).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            })
            .collect();
        let order = order(&all);
        let needs = without_detours(&all, &order);
        Dag { order, needs }
    }

    /// Returns the longest path for steps that take `times_ns`; the first in plan order of several.
    pub(crate) fn longest(&self, times_ns: &[u64]) -> Longest {
        let mut best: Vec<(u64, usize)> = vec![(0, 0); times_ns.len()];
        let mut before: Vec<Option<usize>> = vec![None; times_ns.len()];
        for at in self.order.iter().copied() {
            let (mut length, mut from) = ((0, 0), None);
            for need in self.needs[at].iter().copied() {
                if from.is_none() || best[need] > length {
                    (length, from) = (best[need], Some(need));
                }
            }
            best[at] = (length.0.saturating_add(times_ns[at]), length.1 + 1);
            before[at] = from;
        }
        let last = (0..times_ns.len()).max_by_key(|at| (best[*at], std::cmp::Reverse(*at)));
        let Some(last) = last else { return Longest::default() };
        // A path visits a step at most once, even if a cycle is left in `before`.
        let path = std::iter::successors(Some(last), |at| before[*at]).take(times_ns.len());
        let mut path: Vec<usize> = path.collect();
        path.reverse();
        Longest { steps: path, time_ns: best[last].0 }
    }

    /// Returns for each step how many must have ended before it on the way with most steps.
    pub(crate) fn layers(&self) -> Vec<u64> {
        let mut layers = vec![0; self.needs.len()];
        for at in self.order.iter().copied() {
            let above = self.needs[at].iter().map(|need| layers[*need] + 1);
            layers[at] = above.max().unwrap_or(0);
        }
        layers
    }
}

fn order(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    for (at, needs) in needs.iter().enumerate() {
        for need in needs {
            after[*need].push(at);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..needs.len()).filter(|at| open[*at] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for next in &after[at] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    order.extend((0..needs.len()).filter(|at| open[*at] > 0));
    order
}

/// Leaves out each need that another need of the same step comes after.
fn without_detours(needs: &[Vec<usize>], order: &[usize]) -> Vec<Vec<usize>> {
    let words = needs.len().div_ceil(64);
    let has = |set: &[u64], at: usize| set[at / 64] >> (at % 64) & 1 == 1;
    let mut ancestors: Vec<Vec<u64>> = vec![vec![0; words]; needs.len()];
    let mut direct: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for at in order.iter().copied() {
        let mut implied = vec![0u64; words];
        for need in &needs[at] {
            for (word, other) in implied.iter_mut().zip(&ancestors[*need]) {
                *word |= other;
            }
        }
        direct[at] = needs[at].iter().copied().filter(|need| !has(&implied, *need)).collect();
        for need in &needs[at] {
            implied[need / 64] |= 1 << (need % 64);
        }
        ancestors[at] = implied;
    }
    direct
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes each step's name with its needs, separated by spaces.
    fn dag(steps: &[(&str, &str)]) -> Dag {
        let needs: Vec<Vec<String>> = steps
            .iter()
            .map(|(_, needs)| needs.split_whitespace().map(str::to_owned).collect())
            .collect();
        let entries: Vec<(&str, &[String])> =
            steps.iter().zip(&needs).map(|((name, _), needs)| (*name, needs.as_slice())).collect();
        Dag::of(&entries)
    }

    #[test]
    fn a_need_that_another_implies_is_no_edge() {
        let dag = dag(&[("a", ""), ("b", "a"), ("c", "a"), ("d", "c a b")]);
        assert_eq!(dag.order, [0, 1, 2, 3]);
        assert_eq!(dag.needs, [vec![], vec![0], vec![0], vec![1, 2]]);
        assert_eq!(dag.longest(&[1, 5, 2, 1]), Longest { steps: vec![0, 1, 3], time_ns: 7 });
        assert_eq!(dag.layers(), [0, 1, 1, 2]);
    }

    #[test]
    fn without_times_the_longest_path_has_most_steps() {
        assert_eq!(dag(&[("a", ""), ("b", ""), ("c", "b")]).longest(&[0, 0, 0]).steps, [1, 2]);
        assert_eq!(dag(&[]).longest(&[]), Longest::default());
    }

    #[test]
    fn a_cycle_does_not_hang() {
        let dag = dag(&[("a", "b"), ("b", "a"), ("c", "x")]);
        assert_eq!(dag.order, [2, 0, 1]);
        assert!(dag.longest(&[1, 1, 1]).steps.len() <= 3);
        assert_eq!(dag.layers().len(), 3);
    }
}
