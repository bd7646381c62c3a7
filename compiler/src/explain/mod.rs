//! (pure) Views of an artifact: what a run will do, before anything is sent.
//!
//! Nothing here decides: every number comes from [`crate::schedule`] and [`crate::partition`], as the engine's do.

mod arrivals;
pub(crate) mod condition;
mod graph;
mod human;
pub(crate) mod label;
pub(crate) mod path;
mod scenario;
pub(crate) mod stage;

use serde::Serialize;

pub use self::arrivals::{ArrivalsFormat, list as list_arrivals};
pub use self::graph::{GraphFormat, draw as draw_graph};
pub use self::human::render;
pub(crate) use self::scenario::seat_order;
pub use self::scenario::{DataView, ScenarioView, SeatView, StepView};
use crate::artifact::{Artifact, Per, Take};

/// Memory of one series' histogram on one worker thread, in bytes: 1 µs to 1 h, three digits, 32-bit counts.
const SERIES_BYTES: u64 = 190_000;

/// What a plan will do.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Name of the plan.
    pub plan: String,
    /// Digest of its artifact.
    pub digest: String,
    /// Root of every random draw.
    pub seed: u64,
    /// From the run's start to the end of the last stage of any scenario, in microseconds.
    pub load_us: u64,
    /// The same with the longest graceful stop, in microseconds.
    pub run_us: u64,
    /// Arrivals of all scenarios whose number is known.
    pub arrivals: u64,
    /// Whether a timed closed scenario adds arrivals that cannot be known.
    pub arrivals_open_ended: bool,
    /// Seats that take part, as filtered.
    pub seats: Vec<String>,
    /// Latency histograms that are kept.
    pub series: u64,
    /// Memory of these on each worker thread, in bytes, about.
    pub histogram_bytes_per_worker: u64,
    /// Scenarios by name.
    pub scenarios: Vec<ScenarioView>,
    /// Data files, by name.
    pub data: Vec<FileView>,
}

/// A data file: rows needed against rows there.
#[derive(Clone, Debug, Serialize)]
pub struct FileView {
    /// Name of the data.
    pub name: String,
    /// The file as the plan names it.
    pub file: String,
    /// `unique`, `circular` or `random`.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
    /// Rows that the whole run needs: for `unique` those it uses up, else 1.
    pub rows_needed: u64,
    /// Rows in the file.
    pub rows_there: u64,
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

/// Explains `artifact`, for all seats or for one of them.
///
/// # Errors
/// `seat` is none of the plan's.
pub fn explain(artifact: &Artifact, seat: Option<&str>) -> Result<Explanation, ExplainError> {
    check_seat(artifact, seat)?;
    let scenarios: Vec<ScenarioView> = artifact
        .scenarios
        .iter()
        .filter(|(_, scenario)| seat.is_none_or(|seat| scenario.seats.contains_key(seat)))
        .map(|(name, scenario)| ScenarioView::new(artifact, name, scenario, seat))
        .collect();
    let seats = declared_seats(artifact).filter(|name| seat.is_none_or(|seat| seat == name));
    let end = |view: &ScenarioView| view.start_us.saturating_add(view.length_us);
    let drained = |view: &ScenarioView| end(view).saturating_add(view.graceful_stop_us);
    let series = scenarios.iter().map(|view| view.series).sum();
    Ok(Explanation {
        plan: artifact.plan.clone(),
        digest: artifact.digest.clone(),
        seed: artifact.seed,
        load_us: scenarios.iter().map(end).max().unwrap_or(0),
        run_us: scenarios.iter().map(drained).max().unwrap_or(0),
        arrivals: scenarios.iter().filter_map(|view| view.arrivals).fold(0, u64::saturating_add),
        arrivals_open_ended: scenarios.iter().any(|view| view.arrivals.is_none()),
        seats: seats.collect(),
        series,
        histogram_bytes_per_worker: series * SERIES_BYTES,
        scenarios,
        data: files(artifact),
    })
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
