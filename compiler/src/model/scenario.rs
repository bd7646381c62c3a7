//! (pure) `scenarios`: a load and the transaction that each of its arrivals runs.

use crate::artifact::{Connections, Moment};
use crate::model::endpoint::Endpoint;
use crate::model::load::{self, LoadPlan};
use crate::model::lower::{Lower, too_much};
use crate::model::name::Section;
use crate::model::step::{self, Names, StepList};
use crate::model::transaction::{self, ValuePlan};
use crate::source::{Span, Spanned};
use crate::syntax::Node;
use crate::unit::SECOND_NS;

/// Most scenarios of one plan.
const SCENARIOS_MAX: u64 = 1_000;

/// How long running transactions may go on where the plan does not say.
const GRACEFUL_STOP_NS_DEFAULT: u64 = 30 * SECOND_NS;

/// One scenario with its places.
#[derive(Clone, Debug)]
pub struct ScenarioPlan {
    /// Groups that it is placed on; `None` for all.
    pub runs_on: Option<Vec<Spanned<String>>>,
    /// What it starts after.
    pub start_after: Vec<After>,
    /// Its load, of its own or a part of a traffic; `None` when that is broken.
    pub load: Option<LoadPlan>,
    /// Where its own `load` or `observe` stands.
    pub own_load: Option<Span>,
    /// Whether it says `observe`, which may be broken.
    pub observes: bool,
    /// As many failed transactions stop it.
    pub max_failures: Option<u64>,
    /// Whose connections its users have, if the plan says it.
    pub connections: Option<Spanned<Connections>>,
    /// Arrivals due before this are warm-up.
    pub warm_up: Option<Spanned<u64>>,
    /// How long running transactions may go on after the last stage.
    pub graceful_stop_ns: u64,
    /// Longest transaction; 0 for no limit.
    pub timeout_ns: u64,
    /// Steps that run once for each user.
    pub before_each_user: StepList,
    /// Where that key stands.
    pub before_each_user_span: Option<Span>,
    /// Values that are drawn once for each transaction.
    pub lets: Vec<ValuePlan>,
    /// Whether none of these was lost to an error.
    pub lets_whole: bool,
    /// Its steps.
    pub transaction: StepList,
}

/// One entry of `start_after`.
#[derive(Clone, Debug)]
pub struct After {
    /// The other scenario.
    pub scenario: Spanned<String>,
    /// Which moment of it.
    pub state: Moment,
    /// Time added to that moment.
    pub delay_ns: u64,
    /// Where the entry stands.
    pub span: Span,
}

pub(super) fn lower(
    top: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Section<ScenarioPlan> {
    let mut count = 0;
    Section::lower(top, "scenarios", |_, node| {
        count += 1;
        if count == SCENARIOS_MAX + 1 {
            work.push(too_much("scenarios", SCENARIOS_MAX, node.span()));
        }
        (count <= SCENARIOS_MAX).then(|| scenario(node, endpoints, work))
    })
}

fn scenario(node: Node<'_>, endpoints: &Section<Endpoint>, work: &mut Lower<'_>) -> ScenarioPlan {
    let runs_on = node.get("runs_on").map(|groups| {
        groups.items().filter_map(|item| work.literal(item, "the name of a group")).collect()
    });
    let after = node.get("start_after");
    let start_after: Vec<After> =
        after.into_iter().flat_map(Node::items).filter_map(|item| entry(item, work)).collect();
    let (load, own_load) = own_load(node, work);
    let max_failures = node.get("max_failures").and_then(|node| work.whole(node, 1..1 << 53));
    let connections = node.get("connections").and_then(|node| {
        let words = [("pool", Connections::Pool), ("per_user", Connections::PerUser)];
        work.one_of(node, &words).map(|value| Spanned::new(value, node.span()))
    });
    let mut length = |key: &str, default_ns: u64| match node.get(key) {
        Some(node) => work.length(node).map_or(default_ns, |length| length.value),
        None => default_ns,
    };
    let graceful_stop_ns = length("graceful_stop", GRACEFUL_STOP_NS_DEFAULT);
    let timeout = node.get("timeout").and_then(|node| work.positive_length(node));
    let timeout_ns = timeout.map_or(0, |length| length.value);
    let warm_up = node.get("warm_up").and_then(|node| work.length(node));
    work.take_uses();
    let lets = node.get("let").map_or_else(Vec::new, |node| transaction::values(node, work));
    // One set of names: they are the scenario's metrics.
    let mut names = Names::new(endpoints);
    let each_user = node.entry("before_each_user");
    let before_each_user = each_user.map(|(_, steps)| step::lower(steps, &mut names, work));
    let transaction = match node.get("steps") {
        Some(steps) => step::lower(steps, &mut names, work),
        None => StepList { steps: Vec::new(), complete: false },
    };
    ScenarioPlan {
        runs_on,
        start_after,
        load,
        own_load,
        observes: node.entry("observe").is_some(),
        max_failures: max_failures.map(|count| count.value),
        connections,
        warm_up,
        graceful_stop_ns,
        timeout_ns,
        before_each_user: before_each_user.unwrap_or_default(),
        before_each_user_span: each_user.map(|(entry, _)| entry.key_span),
        lets,
        lets_whole: !node.entry("let").is_some_and(|(_, values)| values.is_hole()),
        transaction,
    }
}

/// Returns the scenario's own load, if it is whole, and where it stands.
fn own_load(node: Node<'_>, work: &mut Lower<'_>) -> (Option<LoadPlan>, Option<Span>) {
    let (load, span) = match (node.entry("load"), node.entry("observe")) {
        (Some((entry, node)), _) if node.is_hole() => (None, entry.key_span),
        (Some((entry, node)), _) => (load::lower(entry.key_span, node, work), entry.key_span),
        (None, Some((entry, node))) if node.is_hole() => (None, entry.key_span),
        (None, Some((entry, node))) => (load::observe(entry.key_span, node, work), entry.key_span),
        (None, None) => return (None, None),
    };
    (load, Some(span))
}

fn entry(node: Node<'_>, work: &mut Lower<'_>) -> Option<After> {
    let scenario = work.literal(node.get("scenario")?, "the name of a scenario");
    let state = match node.get("state") {
        Some(state) => {
            let words = [
                ("started", Moment::Started),
                ("finished", Moment::Finished),
                ("drained", Moment::Drained),
            ];
            work.one_of(state, &words)
        }
        None => Some(Moment::Finished),
    };
    let delay_ns = match node.get("delay") {
        Some(delay) => work.length(delay)?.value,
        None => 0,
    };
    Some(After { scenario: scenario?, state: state?, delay_ns, span: node.span() })
}
