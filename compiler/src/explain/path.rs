//! (pure) A transaction's steps as a DAG: order, needs without detours, longest path.

use std::collections::BTreeMap;

use crate::artifact::{Action, Json, Step, WaitAction};

/// The steps of one transaction, with `needs` as places.
///
/// Total for any list of steps: an unknown need is left out, steps of a cycle come last in plan order (a verified artifact has neither).
#[derive(Clone, Debug)]
pub(super) struct Dag {
    /// Places of the steps so that each comes after what it needs, plan order where that is free.
    pub(super) order: Vec<usize>,
    /// For each step, the places it needs directly: those that no other need already implies. Ascending.
    pub(super) needs: Vec<Vec<usize>>,
}

/// The path that takes longest by the waits that are known, then by number of steps.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Longest {
    /// Places of its steps.
    pub(super) steps: Vec<usize>,
    /// Mean of its waits, in nanoseconds.
    pub(super) wait_ns: u64,
}

impl Dag {
    pub(super) fn new(steps: &[Step]) -> Dag {
        let places: BTreeMap<&str, usize> =
            steps.iter().enumerate().map(|(at, step)| (step.name.as_str(), at)).collect();
        let all: Vec<Vec<usize>> = steps
            .iter()
            .map(|step| {
                let mut needs: Vec<usize> = step
                    .needs
                    .iter()
                    .filter_map(|need| places.get(need.as_str()).copied())
                    .collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            })
            .collect();
        let order = order(&all);
        let needs = without_detours(&all, &order);
        Dag { order, needs }
    }

    /// Returns the longest path; the first in plan order of several.
    pub(super) fn longest(&self, steps: &[Step]) -> Longest {
        let mut best: Vec<(u64, usize)> = vec![(0, 0); steps.len()];
        let mut before: Vec<Option<usize>> = vec![None; steps.len()];
        for at in self.order.iter().copied() {
            let (mut length, mut from) = ((0, 0), None);
            for need in self.needs[at].iter().copied() {
                if from.is_none() || best[need] > length {
                    (length, from) = (best[need], Some(need));
                }
            }
            best[at] = (length.0.saturating_add(mean_wait_ns(&steps[at])), length.1 + 1);
            before[at] = from;
        }
        let last = (0..steps.len()).max_by_key(|at| (best[*at], std::cmp::Reverse(*at)));
        let Some(last) = last else { return Longest::default() };
        // A path visits a step at most once, even if a cycle is left in `before`.
        let path = std::iter::successors(Some(last), |at| before[*at]).take(steps.len());
        let mut path: Vec<usize> = path.collect();
        path.reverse();
        Longest { steps: path, wait_ns: best[last].0 }
    }
}

/// Returns the mean length of the waits of a step, in nanoseconds; 0 for what sends, whose time is not known.
///
/// A loop counts with all its turns, a list whose length is not known with one item, a choice with its longest branch.
pub(super) fn mean_wait_ns(step: &Step) -> u64 {
    let inner = |steps: &[Step]| Dag::new(steps).longest(steps).wait_ns;
    match &step.action {
        Action::ForEach(block) => {
            let items = match &block.list {
                Json::List(items) => items.len() as u64,
                _ => 1,
            };
            inner(&block.steps).saturating_mul(items)
        }
        Action::Repeat(block) => inner(&block.steps).saturating_mul(block.at_most),
        Action::Choose(choose) => {
            choose.branches.iter().map(|branch| inner(&branch.steps)).max().unwrap_or(0)
        }
        Action::Wait(WaitAction::Constant { length_ns }) => *length_ns,
        Action::Wait(WaitAction::Uniform { min_ns, max_ns }) => min_ns.midpoint(*max_ns),
        _ => 0,
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

    fn wait(name: &str, needs: &[&str], length_ns: u64) -> Step {
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        Step { needs, ..Step::new(name, Action::Wait(WaitAction::Constant { length_ns })) }
    }

    #[test]
    fn a_need_that_another_implies_is_no_edge() {
        let steps = [
            wait("a", &[], 1),
            wait("b", &["a"], 5),
            wait("c", &["a"], 2),
            wait("d", &["c", "a", "b"], 1),
        ];
        let dag = Dag::new(&steps);
        assert_eq!(dag.order, [0, 1, 2, 3]);
        assert_eq!(dag.needs, [vec![], vec![0], vec![0], vec![1, 2]]);
        assert_eq!(dag.longest(&steps), Longest { steps: vec![0, 1, 3], wait_ns: 7 });
    }

    #[test]
    fn without_waits_the_longest_path_has_most_steps() {
        let steps = [wait("a", &[], 0), wait("b", &[], 0), wait("c", &["b"], 0)];
        assert_eq!(Dag::new(&steps).longest(&steps).steps, [1, 2]);
        assert_eq!(Dag::new(&[]).longest(&[]), Longest::default());
    }

    #[test]
    fn a_cycle_does_not_hang() {
        let steps = [wait("a", &["b"], 1), wait("b", &["a"], 1), wait("c", &["x"], 1)];
        let dag = Dag::new(&steps);
        assert_eq!(dag.order, [2, 0, 1]);
        assert!(dag.longest(&steps).steps.len() <= 3);
    }
}
