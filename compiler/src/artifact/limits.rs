//! Limits that the compiler keeps and that are checked when an artifact is read: one number for both.

use crate::unit::SECOND_NS;

/// Most stages of one load.
pub const STAGES_MAX: usize = 1_000;

/// Most users of one closed scenario.
pub const USERS_MAX: u32 = 1_000_000;

/// Most rates that all scenarios draw.
pub const DRAWN_MAX: u64 = 1_000_000;

/// Most steps of one list with those of all that it calls.
pub const EXPANDED_MAX: u64 = 10_000;

/// Longest of the cluster's waits, in nanoseconds: one day.
pub const WAIT_NS_MAX: u64 = 24 * 3600 * SECOND_NS;
