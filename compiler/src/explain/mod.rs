//! (pure) Views of an artifact: what a run will do, before anything is sent.
//!
//! Nothing here decides: every number comes from [`crate::schedule`] and [`crate::partition`], as the engine's do.

mod arrivals;
pub(crate) mod condition;
mod effort;
mod graph;
mod human;
pub(crate) mod label;
pub(crate) mod notes;
mod outline;
pub(crate) mod path;
mod profile;
mod scenario;
mod scenario_text;
mod sink;
pub(crate) mod stage;
mod table;
mod tally;
mod timeline;
mod warning;

use serde::Serialize;

pub use self::arrivals::{ArrivalsFormat, Listing, list as list_arrivals};
use self::effort::Assumed;
pub use self::graph::{GraphFormat, draw as draw_graph};
pub use self::human::render;
pub use self::outline::{BodyView, StepView};
use self::scenario::Explained;
pub(crate) use self::scenario::seat_order;
pub use self::scenario::{DataView, Requests, ScenarioView, SeatView, StageView};
pub use self::sink::SinkView;
pub use self::timeline::{NodeView, Timeline};
pub use self::warning::Warning;
use crate::artifact::{Artifact, Per, Take};
use crate::unit::SECOND_NS;

/// The published JSON Schema of the JSON form.
pub const EXPLAIN_SCHEMA: &str = include_str!("../../../schemas/explain.schema.json");

/// Version of the JSON form.
const FORMAT: u32 = 1;

/// Memory of one series' histogram on one worker thread, in bytes: 1 µs to 1 h, three digits.
const SERIES_BYTES: u64 = 190_000;

/// Memory of one running transaction, in bytes: its connection's buffers, its answer, its captures.
const TRANSACTION_BYTES: u64 = 15_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// One seat alone, or all of them.
    pub seat: Option<&'a str>,
    /// How long each request is assumed to take, in nanoseconds.
    pub service_ns: u64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { seat: None, service_ns: SECOND_NS / 10 }
    }
}

/// What a plan will do. Times are in microseconds on the run's clock, which starts with the run.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Version of this form.
    pub format: u32,
    /// Name of the plan.
    pub plan: String,
    /// Digest of its artifact.
    pub digest: String,
    /// Root of every random draw.
    pub seed: u64,
    /// The seat that alone is shown; `null` for all.
    pub seat: Option<String>,
    /// What every estimate rests on.
    pub assumptions: Assumptions,
    /// When the last stage of any scenario ends.
    pub load_end_us: u64,
    /// When the last transaction ends at the latest: after the graceful stops.
    pub end_us: u64,
    /// Exact number of arrivals of all scenarios where it is known.
    pub arrivals: u64,
    /// Whether users of a timed closed load add arrivals, whose number depends on the answers.
    pub arrivals_open_ended: bool,
    /// Arrivals of all scenarios, those of timed users estimated.
    pub arrivals_expected: u64,
    /// Requests of these if all transactions succeed.
    pub requests: Requests,
    /// Latency histograms that are kept.
    pub series: u64,
    /// Steps that run once for the cluster before the load; not counted elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<StepView>,
    /// Steps that run once for the cluster after the load; not counted elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepView>,
    /// What each seat sends, and when.
    pub timeline: Timeline,
    /// Scenarios by name.
    pub scenarios: Vec<ScenarioView>,
    /// Data files, by name.
    pub data: Vec<FileView>,
    /// Pass conditions, by name.
    pub thresholds: Vec<ThresholdView>,
    /// When the run itself counts as valid, such as `99.9% of the arrivals start`.
    pub delivery: Vec<String>,
    /// Where measurements go while the run lasts, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<SinkView>,
    /// What a reader should know before a run.
    pub warnings: Vec<Warning>,
}

/// What estimates rest on; all else is exact.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Assumptions {
    /// How long each request takes.
    pub service_us: u64,
    /// Memory of one latency histogram on one worker thread.
    pub series_bytes: u64,
    /// Memory of one running transaction.
    pub transaction_bytes: u64,
}

/// A data file: rows needed against rows there.
#[derive(Clone, Debug, Serialize)]
pub struct FileView {
    /// Name of the data.
    pub name: String,
    /// The file as the plan names it.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// `unique`, `circular` or `random`.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
    /// Rows that the whole run needs: for `unique` those it uses up, else 1.
    pub rows_needed: u64,
    /// Rows in the file.
    pub rows_there: u64,
}

/// A pass condition in words.
#[derive(Clone, Debug, Serialize)]
pub struct ThresholdView {
    /// Its name.
    pub name: String,
    /// What must hold, such as `p95(service) < 500ms`.
    pub require: String,
    /// Of what, such as `scenario checkout, step order`.
    pub select: String,
    /// When it is judged and what follows, such as `in every 30s`.
    pub terms: Vec<String>,
}

/// Why there is no explanation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExplainError {
    /// The plan declares no such seat.
    #[error("the plan has no seat `{seat}`; it has {known}")]
    Seat {
        /// What was asked for.
        seat: String,
        /// What there is, at most ten of them.
        known: String,
    },
    /// The plan has no such scenario.
    #[error("the plan has no scenario `{scenario}`; it has {known}")]
    Scenario {
        /// What was asked for.
        scenario: String,
        /// What there is.
        known: String,
    },
}

/// Explains `artifact`.
///
/// # Errors
/// The seat that is asked for is none of the plan's.
pub fn explain(artifact: &Artifact, options: Options<'_>) -> Result<Explanation, ExplainError> {
    let Options { seat, service_ns } = options;
    check_seat(artifact, seat)?;
    let assumed = Assumed::new(artifact, service_ns);
    let explained: Vec<Explained<'_>> = artifact
        .scenarios
        .iter()
        .filter(|(_, scenario)| seat.is_none_or(|seat| scenario.seats.contains_key(seat)))
        .map(|(name, scenario)| scenario::explained(assumed, name, scenario, seat))
        .collect();
    let shown = declared_seats(artifact).filter(|name| seat.is_none_or(|seat| seat == name));
    let timeline = timeline::timeline(artifact, &explained, shown.collect());
    let scenarios: Vec<ScenarioView> = explained.into_iter().map(|each| each.view).collect();
    let warnings = warning::warnings(artifact, &scenarios, &timeline);
    let shares = || scenarios.iter().flat_map(|view| &view.seats);
    Ok(Explanation {
        format: FORMAT,
        plan: artifact.plan.clone(),
        digest: artifact.digest.clone(),
        seed: artifact.seed,
        seat: seat.map(str::to_owned),
        assumptions: Assumptions {
            service_us: service_ns / 1_000,
            series_bytes: SERIES_BYTES,
            transaction_bytes: TRANSACTION_BYTES,
        },
        load_end_us: scenarios.iter().map(|view| view.load_end_us).max().unwrap_or(0),
        end_us: scenarios.iter().map(|view| view.end_us).max().unwrap_or(0),
        arrivals: shares().filter_map(|seat| seat.arrivals).fold(0, u64::saturating_add),
        arrivals_open_ended: scenarios.iter().any(ScenarioView::is_open_ended),
        arrivals_expected: shares().map(|seat| seat.arrivals_expected).fold(0, u64::saturating_add),
        requests: shares().map(|seat| seat.requests).fold(Requests::NONE, Requests::and),
        series: scenarios.iter().map(|view| view.series).fold(0, u64::saturating_add),
        before: outline::outline(assumed, &artifact.before),
        after: outline::outline(assumed, &artifact.after),
        timeline,
        scenarios,
        data: files(artifact),
        thresholds: thresholds(artifact),
        delivery: condition::delivery(&artifact.delivery),
        sinks: sink::sinks(artifact),
        warnings,
    })
}

fn thresholds(artifact: &Artifact) -> Vec<ThresholdView> {
    let view = |(name, threshold): (&String, &crate::artifact::Threshold)| ThresholdView {
        name: name.clone(),
        require: format!("{} {}", condition::metric(threshold), condition::limit(threshold)),
        select: condition::selected(&threshold.select),
        terms: condition::terms(threshold),
    };
    artifact.thresholds.iter().map(view).collect()
}

fn files(artifact: &Artifact) -> Vec<FileView> {
    let view = |name: &String| {
        let data = artifact.data.get(name)?;
        let used = artifact.scenarios.values().filter_map(|scenario| scenario.data.get(name));
        let ends = used.map(|used| used.first_row.saturating_add(used.rows));
        let rows_needed = match data.take {
            Take::Unique => ends.max().unwrap_or(0),
            Take::Circular | Take::Random => u64::from(ends.count() > 0),
        };
        Some(FileView {
            name: name.clone(),
            file: data.file.path.clone(),
            bytes: data.file.bytes,
            take: data.take,
            per: data.per,
            rows_needed,
            rows_there: data.rows,
        })
    };
    artifact.data.keys().filter_map(view).collect()
}

/// Returns all seats in declaration order.
fn declared_seats(artifact: &Artifact) -> impl Iterator<Item = String> {
    let groups = artifact.nodes.groups.iter();
    groups.flat_map(|(name, group)| (0..group.agents).map(move |seat| format!("{name}/{seat}")))
}

fn check_seat(artifact: &Artifact, seat: Option<&str>) -> Result<(), ExplainError> {
    let Some(seat) = seat else { return Ok(()) };
    if declared_seats(artifact).any(|name| name == seat) {
        return Ok(());
    }
    let known: Vec<String> =
        declared_seats(artifact).take(10).map(|name| format!("`{name}`")).collect();
    Err(ExplainError::Seat { seat: seat.to_owned(), known: known.join(", ") })
}
