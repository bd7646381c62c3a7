//! (pure) The DAG of a transaction's steps, by place instead of by name.

use compiler::artifact::{Action, Scenario};

/// What must end before what.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Shape {
    /// For each step, those that must have ended before it.
    pub(super) needs: Vec<Vec<usize>>,
    /// For each step, those that need it.
    pub(super) needed_by: Vec<Vec<usize>>,
    /// Whether each step sends nothing.
    pub(super) waits: Vec<bool>,
    /// Whether each step needs the one before it: one after the other, in plan order.
    pub(super) sequence: bool,
}

impl Shape {
    /// Takes the steps of a scenario. A need that names no step is left out: a verified artifact has none.
    pub(super) fn new(scenario: &Scenario) -> Shape {
        let place = |name: &String| scenario.steps.iter().position(|step| step.name == *name);
        let needs: Vec<Vec<usize>> = scenario
            .steps
            .iter()
            .map(|step| {
                let mut needs: Vec<usize> = step.needs.iter().filter_map(place).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            })
            .collect();
        let mut needed_by = vec![Vec::new(); needs.len()];
        for (step, needs) in needs.iter().enumerate() {
            for need in needs {
                needed_by[*need].push(step);
            }
        }
        let waits = scenario.steps.iter().map(|step| match step.action {
            Action::Wait(_) => true,
            // The rest is refused before a run: `user::unbuilt`.
            _ => false,
        });
        let sequence = needs.iter().enumerate().all(|(step, needs)| match step.checked_sub(1) {
            Some(before) => needs.last() == Some(&before),
            None => needs.is_empty(),
        });
        Shape { waits: waits.collect(), needed_by, sequence, needs }
    }

    /// Returns how many steps there are.
    pub(super) fn len(&self) -> usize {
        self.needs.len()
    }
}
