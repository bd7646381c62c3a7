//! (pure) What is counted and timed, how it is merged, and what it means. Given durations, never a clock.

mod absorb;
pub mod delivery;
pub mod latency;
pub mod merge;
mod record;
mod select;
mod series;
pub mod threshold;
pub mod timeline;
mod warm_up;
mod window;

pub use self::merge::Totals;
pub use self::record::{Arrivals, DroppedBy, Ending, NodeRecord, RunRecord};
pub use self::series::{PHASES, Series, SeriesKind, series};
pub use self::window::{ErrorRow, Histogram, LedgerRow, SecondRow, StepRow, Window};
pub use crate::exchange::FailureKind;
