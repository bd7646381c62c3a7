//! (pure) Tree → typed plan: one section of the language in each file, every value with its place.
//!
//! Lowering goes on after each error: what is broken is reported once and left out.

mod action;
mod block;
mod check;
mod condition;
mod control;
mod data;
mod endpoint;
mod environment;
mod header;
mod load;
mod lower;
mod name;
mod nodes;
mod quantity;
mod scenario;
mod settings;
mod sink;
mod stage;
mod step;
mod threshold;
mod traffic;
mod transaction;
mod vars;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub use self::action::AwaitPlan;
pub use self::block::{Block, BranchPlan, Handed};
pub use self::check::CapturePlan;
pub use self::condition::{ConditionPlan, Pair};
pub use self::control::{Control, MetricPlan};
pub use self::data::{DataPlan, Origin};
pub use self::endpoint::Endpoint;
pub use self::load::LoadPlan;
pub use self::lower::{Site, Use};
pub(crate) use self::lower::{misplaced, scalar, too_much};
pub use self::name::{Named, Section};
pub use self::nodes::Nodes;
pub use self::scenario::{After, ScenarioPlan};
pub use self::settings::Address;
pub use self::sink::SinkPlan;
pub use self::step::{FileUse, StepList, StepPlan};
pub use self::threshold::Threshold;
pub use self::traffic::{Portion, Traffic};
pub use self::transaction::{TransactionPlan, ValuePlan};
pub use self::vars::Overrides;
use crate::artifact::{Delivery, Json, SecretSource};
use crate::diagnostic::Diagnostics;
use crate::model::lower::Lower;
use crate::parts::Whole;
use crate::source::{FileId, Files, Span};
use crate::syntax::Node;

/// Largest seed, so that every reader of JSON keeps it exact.
const SEED_MAX: u64 = (1 << 53) - 1;

/// A plan with the place of everything that can be wrong.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name; `None` when that is broken.
    pub name: Option<String>,
    /// What it says it is for.
    pub description: String,
    /// Root of every random draw.
    pub seed: u64,
    /// Vars with the values that hold now.
    pub vars: Section<Json>,
    /// Vars that something decided now depends on.
    pub fixed: BTreeSet<String>,
    /// What reads vars when compiling; for the checks of names.
    pub fixed_uses: Vec<Use>,
    /// Names in placeholders of other tools: who wrote `${x}` meant to use `x`.
    pub placeholders: BTreeSet<String>,
    /// Secrets.
    pub secrets: Section<SecretSource>,
    /// Endpoints.
    pub endpoints: Section<Endpoint>,
    /// Data.
    pub data: Section<DataPlan>,
    /// Transactions that steps call.
    pub transactions: Section<TransactionPlan>,
    /// Steps that run once before the load.
    pub before: StepList,
    /// Steps that run once after it.
    pub after: StepList,
    /// The cluster.
    pub nodes: Nodes,
    /// Loads that scenarios share.
    pub traffic: Section<Traffic>,
    /// Scenarios.
    pub scenarios: Section<ScenarioPlan>,
    /// Pass conditions.
    pub thresholds: Section<Threshold>,
    /// When the run counts.
    pub delivery: Delivery,
    /// Where measurements go.
    pub sinks: Section<SinkPlan>,
    /// Where each part is included.
    pub includes: Vec<(FileId, Span)>,
    /// The top of the plan.
    pub span: Span,
}

/// Lowers the tree of `whole`, whose texts are `files`, with the caller's overrides; `None` only if the environment that is asked for cannot be found.
pub fn lower(
    files: &Files,
    whole: &Whole,
    overrides: &Overrides,
    sink: &mut Diagnostics,
) -> Option<Plan> {
    let (tree, source) = (&whole.tree, files.plan());
    environment::check(tree.root(), overrides.environment.as_deref(), sink);
    let merged = match &overrides.environment {
        Some(name) => Cow::Owned(environment::overlay(tree, name, source, sink)?),
        None => Cow::Borrowed(tree),
    };
    let top = merged.root();
    let vars = vars::lower(top, tree.root(), source, overrides, sink);
    let values: BTreeMap<String, Json> =
        vars.whole().map(|(var, value)| (var.name.clone(), value.clone())).collect();
    let mut work = Lower::new(files, &values, sink);
    let work = &mut work;
    let secrets = data::secrets(top, work);
    let endpoints = endpoint::lower(top, work);
    let data = data::lower(top, work);
    let nodes = nodes::lower(top, &vars, work);
    let transactions = transaction::lower(top, &endpoints, work);
    let before = transaction::around(top, "before", &endpoints, work);
    let after = transaction::around(top, "after", &endpoints, work);
    let traffic = traffic::lower(top, work);
    let mut scenarios = scenario::lower(top, &endpoints, work);
    traffic::attach(&traffic, &mut scenarios, work);
    let called = transactions.whole().map(|(_, called)| &called.list);
    let run = scenarios.whole().flat_map(|(_, s)| [&s.before_each_user, &s.transaction]);
    let lists = [&before, &after].into_iter().chain(called).chain(run);
    let mut own = threshold::own_metrics(lists, work);
    own.incomplete |= !scenarios.is_whole() || !transactions.is_whole();
    let thresholds = threshold::lower(top, &own, work);
    let delivery = threshold::delivery(top, work);
    let sinks = sink::lower(top, work);
    let name = name(top, work);
    let description = top.get("description").and_then(|node| work.literal(node, "a text"));
    let seed = seed(top, overrides, work);
    Some(Plan {
        name,
        description: description.map_or_else(String::new, |text| text.value),
        seed,
        fixed: std::mem::take(&mut work.fixed),
        fixed_uses: work.take_fixed_uses(),
        placeholders: std::mem::take(&mut work.placeholders),
        vars,
        secrets,
        endpoints,
        data,
        transactions,
        before,
        after,
        nodes,
        traffic,
        scenarios,
        thresholds,
        delivery,
        sinks,
        includes: whole.includes.clone(),
        span: top.span(),
    })
}

fn name(top: Node<'_>, work: &mut Lower<'_>) -> Option<String> {
    let name = work.literal(top.get("name")?, "the name of the plan")?;
    Some(name.value)
}

fn seed(top: Node<'_>, overrides: &Overrides, work: &mut Lower<'_>) -> u64 {
    let written = top.get("seed").and_then(|node| work.whole(node, 0..SEED_MAX + 1));
    let seed = overrides.seed.or(written.map(|seed| seed.value)).unwrap_or(0);
    if seed > SEED_MAX {
        let help = format!("give a whole number up to {SEED_MAX}");
        work.out_of_range(top.span(), format!("the seed `{seed}` is too large"), &help);
    }
    seed
}
