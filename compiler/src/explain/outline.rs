//! (pure) A transaction's steps as a tree of lists, each step after what it needs.

use serde::Serialize;

use super::effort::{Assumed, Block, Shape};
use super::label;
use super::scenario::Requests;
use crate::artifact::Step;

/// Blocks and calls inside of one another that are drawn.
const DEPTH_MAX: u32 = 16;

/// A step.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// Name.
    pub name: String,
    /// Kind of its action, such as `http`, `wait`, `for_each`.
    pub kind: &'static str,
    /// What it does, for people.
    pub action: String,
    /// Steps it waits for, without those that others imply.
    pub after: Vec<String>,
    /// What else the plan says of it, such as `when list.total > 100`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many steps must have ended before it on the way with most steps.
    pub layer: u64,
    /// Whether it is on the longest path of its list.
    pub longest: bool,
    /// Requests that it sends if it succeeds.
    pub requests: Requests,
    /// Time it takes under the assumptions, in microseconds.
    pub time_us: u64,
    /// Lists of steps inside of it; each turn runs one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<BodyView>,
}

/// A list of steps inside of a step.
#[derive(Clone, Debug, Serialize)]
pub struct BodyView {
    /// When it runs, such as `70%`; empty if it always does.
    pub label: String,
    /// Its steps.
    pub steps: Vec<StepView>,
}

/// Returns the views of `steps`.
pub(crate) fn outline(assumed: Assumed<'_>, steps: &[Step]) -> Vec<StepView> {
    nested(assumed, steps, 0)
}

fn nested(assumed: Assumed<'_>, steps: &[Step], depth: u32) -> Vec<StepView> {
    let (_, dag, longest) = assumed.steps(steps);
    let layers = dag.layers();
    let view = |at: usize| {
        let step = &steps[at];
        let effort = assumed.step(step);
        StepView {
            name: step.name.clone(),
            kind: label::kind(step),
            action: label::action(step),
            after: dag.needs[at].iter().map(|need| steps[*need].name.clone()).collect(),
            notes: label::notes(step),
            layer: layers[at],
            longest: longest.steps.contains(&at),
            requests: Requests { min: effort.requests_min, max: effort.requests_max },
            time_us: effort.time_ns / 1_000,
            bodies: match assumed.shape(step) {
                Shape::Block(block) if depth < DEPTH_MAX => bodies(assumed, &block, depth + 1),
                Shape::Block(_) | Shape::Leaf { .. } => Vec::new(),
            },
        }
    };
    dag.order.iter().map(|at| view(*at)).collect()
}

fn bodies(assumed: Assumed<'_>, block: &Block<'_>, depth: u32) -> Vec<BodyView> {
    let view = |(label, steps): (&String, &[Step])| BodyView {
        label: label.clone(),
        steps: nested(assumed, steps, depth),
    };
    block.bodies.iter().map(|body| view((&body.label, body.steps))).collect()
}
