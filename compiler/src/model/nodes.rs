//! (pure) `nodes`: the cluster that the plan is dealt to.

use std::collections::BTreeMap;

use crate::artifact::limits::WAIT_NS_MAX;
use crate::artifact::{COORDINATOR, Group, Json, OnAgentLoss, Tuning};
use crate::model::lower::Lower;
use crate::model::name::{Named, Section};
use crate::model::vars;
use crate::source::Span;
use crate::syntax::Node;
use crate::unit::{Length, SECOND_NS};

/// Most seats of one group; more than slots can be dealt to.
const AGENTS_MAX: u64 = 65_536;

/// The group of a plan without `nodes`.
const GROUP_DEFAULT: &str = "default";

/// The cluster.
#[derive(Clone, Debug)]
pub struct Nodes {
    /// Groups in plan order; one named `default` if the plan has none.
    pub groups: Section<Group>,
    /// Places of the vars that groups overlay: group, var.
    pub overlays: Vec<(String, String, Span)>,
    /// How long to wait for every seat.
    pub join_timeout_ns: u64,
    /// How long an agent may send load after its last answered beat.
    pub lease_ns: u64,
    /// What happens when an agent is lost.
    pub on_agent_loss: OnAgentLoss,
    /// Times of the protocol.
    pub tuning: Tuning,
}

pub(super) fn lower(top: Node<'_>, declared: &Section<Json>, work: &mut Lower<'_>) -> Nodes {
    let mut overlays = Vec::new();
    let nodes = top.get("nodes");
    let mut groups = match nodes {
        Some(node) => Section::lower(node, "groups", |name, node| {
            group(name, node, work, &mut overlays, declared)
        }),
        None => Section { complete: top.entry("nodes").is_none(), ..Section::default() },
    };
    let coordinator = placed_on_coordinator(top);
    if groups.items.is_empty() && groups.complete && coordinator != Placed::All {
        let span = nodes.map_or(top.span(), Node::span);
        groups.push(single(GROUP_DEFAULT, span));
    }
    if coordinator != Placed::None {
        groups.push(single(COORDINATOR, top.span()));
    }
    let mut length = |key: &str, default_ns: u64| match nodes.and_then(|node| node.get(key)) {
        Some(node) => cluster_wait(node, work).unwrap_or(default_ns),
        None => default_ns,
    };
    let join_timeout_ns = length("join_timeout", 30 * SECOND_NS);
    let lease_ns = length("lease", 10 * SECOND_NS);
    let policies = [
        ("fail", OnAgentLoss::Fail),
        ("continue", OnAgentLoss::Continue),
        ("redistribute", OnAgentLoss::Redistribute),
    ];
    let policy = nodes.and_then(|node| node.get("on_agent_loss"));
    let policy = policy.and_then(|node| work.one_of(node, &policies));
    let on_agent_loss = policy.unwrap_or(OnAgentLoss::Fail);
    let tuning = tuning(nodes.and_then(|node| node.get("tuning")), work);
    if lease_ns < tuning.beat_ns.saturating_mul(2) {
        let place = nodes.and_then(|node| node.get("lease").or_else(|| node.get("tuning")));
        let span = place.map_or(top.span(), Node::span);
        let message =
            "the lease is shorter than two beats, so every agent would lose it".to_owned();
        work.out_of_range(span, message, "make the lease several beats long");
    }
    Nodes { groups, overlays, join_timeout_ns, lease_ns, on_agent_loss, tuning }
}

/// Which scenarios name the coordinator's group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Placed {
    None,
    Some,
    /// All of them, and no other group.
    All,
}

fn placed_on_coordinator(top: Node<'_>) -> Placed {
    let mut some = false;
    let mut all = true;
    for (_, scenario) in top.get("scenarios").into_iter().flat_map(Node::entries) {
        let groups = || scenario.get("runs_on").into_iter().flat_map(Node::items);
        let named = groups().any(|group| group.as_str() == Some(COORDINATOR));
        some |= named;
        all &= named && groups().count() == 1;
    }
    match (some, all) {
        (false, _) => Placed::None,
        (true, false) => Placed::Some,
        (true, true) => Placed::All,
    }
}

/// Returns a group of one seat.
fn single(name: &str, span: Span) -> Named<Group> {
    let group = Group { agents: 1, weight: 1, requires: BTreeMap::new(), vars: BTreeMap::new() };
    Named { name: name.to_owned(), span, value: Some(group) }
}

fn group(
    name: &str,
    node: Node<'_>,
    work: &mut Lower<'_>,
    overlays: &mut Vec<(String, String, Span)>,
    declared: &Section<Json>,
) -> Option<Group> {
    let agents = match node.get("agents") {
        Some(node) => work.whole(node, 1..AGENTS_MAX + 1).map(|n| n.value),
        None => Some(1),
    };
    let weight = match node.get("weight") {
        Some(node) => work.whole(node, 1..1_000_001).map(|n| n.value),
        None => agents,
    };
    let mut requires = BTreeMap::new();
    for (entry, value) in node.get("requires").into_iter().flat_map(Node::entries) {
        if let Some(text) = work.word(value, "a text") {
            requires.insert(entry.key.clone(), text.value);
        }
    }
    let mut own = BTreeMap::new();
    for (entry, value) in node.get("vars").into_iter().flat_map(Node::entries) {
        overlays.push((name.to_owned(), entry.key.clone(), entry.key_span));
        if let Some(json) = vars::constant(work, value) {
            let bad = vars::refused(declared, &format!("the group `{name}`"), entry, &json);
            work.sink.extend(bad);
            own.insert(entry.key.clone(), json);
        }
    }
    let narrow = |n: u64| u32::try_from(n).ok();
    Some(Group { agents: narrow(agents?)?, weight: narrow(weight?)?, requires, vars: own })
}

fn tuning(node: Option<Node<'_>>, work: &mut Lower<'_>) -> Tuning {
    let mut tuning = Tuning::default();
    let fields: [(&str, &mut u64); 10] = [
        ("ready_timeout", &mut tuning.ready_timeout_ns),
        ("beat", &mut tuning.beat_ns),
        ("suspect", &mut tuning.suspect_ns),
        ("start_delay", &mut tuning.start_delay_ns),
        ("delta", &mut tuning.delta_ns),
        ("retry", &mut tuning.retry_ns),
        ("final_wait", &mut tuning.final_wait_ns),
        ("get_timeout", &mut tuning.get_timeout_ns),
        ("guard", &mut tuning.guard_ns),
        ("notice", &mut tuning.notice_ns),
    ];
    for (key, field) in fields {
        if let Some(node) = node.and_then(|node| node.get(key))
            && let Some(wait_ns) = cluster_wait(node, work)
        {
            *field = wait_ns;
        }
    }
    tuning
}

/// Returns a wait of the cluster, in nanoseconds.
fn cluster_wait(node: Node<'_>, work: &mut Lower<'_>) -> Option<u64> {
    let wait = work.positive_length(node)?;
    if wait.value > WAIT_NS_MAX {
        let message = format!("{} is longer than the cluster waits", Length(wait.value));
        let help = format!("write at most `{}`", Length(WAIT_NS_MAX));
        work.out_of_range(wait.span, message, &help);
        return None;
    }
    Some(wait.value)
}
