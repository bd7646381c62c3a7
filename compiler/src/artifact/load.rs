//! Loads: when transactions start, or how many users are active.

use serde::{Deserialize, Serialize};

use crate::unit::Rate;

/// When transactions start, or how many users are active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// Stages set when transactions start, whether or not earlier ones have finished.
    Open(OpenLoad),
    /// Stages set how many users are active, each starting its next transaction when the last one ended.
    Closed(ClosedLoad),
}

/// An open workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenLoad {
    /// Stages, one after the other.
    pub stages: Vec<OpenStage>,
    /// Transactions that may run at one time, over the whole cluster; an arrival above it is dropped.
    pub max_in_flight: u64,
    /// An arrival due longer ago than this is dropped.
    pub late_after_ns: u64,
}

/// One stage of an open workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OpenStage {
    /// The rate goes in a straight line from `from` to `to`; equal for a constant rate.
    Rate {
        /// Rate at the start.
        from: Rate,
        /// Rate at the end.
        to: Rate,
        /// Length.
        length_ns: u64,
    },
    /// A fixed number of arrivals at a rate.
    Count {
        /// The rate.
        rate: Rate,
        /// The number.
        count: u64,
    },
    /// Nothing starts.
    Pause {
        /// Length.
        length_ns: u64,
    },
}

/// A closed workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLoad {
    /// Stages, one after the other; `Count` is always alone.
    pub stages: Vec<ClosedStage>,
    /// The largest population, U; iteration *k* of user *u* is arrival `k * U + u`.
    pub users_max: u32,
}

/// One stage of a closed workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClosedStage {
    /// The population goes in a straight line from `from` to `to`; equal for a constant one.
    Users {
        /// Users at the start.
        from: u32,
        /// Users at the end.
        to: u32,
        /// Length.
        length_ns: u64,
    },
    /// `count` iterations shared by `users` users.
    Count {
        /// Users.
        users: u32,
        /// Iterations in all.
        count: u64,
        /// The stage ends after this long, finished or not.
        within_ns: u64,
    },
    /// Nobody is active.
    Pause {
        /// Length.
        length_ns: u64,
    },
}
