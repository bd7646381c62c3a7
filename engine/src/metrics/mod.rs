//! [pure] What is counted and timed, how it is merged, and what it means. Given durations, never a clock.

mod record;
mod window;

pub use self::record::{Arrivals, DroppedBy, Ending, NodeRecord, RunRecord};
pub use self::window::{ErrorRow, Histogram, LedgerRow, SecondRow, StepRow, Window};
