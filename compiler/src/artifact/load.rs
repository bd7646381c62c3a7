//! Loads: when transactions start, or how many users are active.

use serde::{Deserialize, Serialize};

use super::SlotSet;
use crate::unit::{Rate, SECOND_NS};

/// When transactions start, or how many users are active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// Stages set when transactions start, whether or not earlier ones have finished.
    Open(OpenLoad),
    /// Stages set how many users are active, each starting its next transaction when the last one ended.
    Closed(ClosedLoad),
    /// Nothing is started: events of traffic that exists are correlated, for a time.
    Observe {
        /// How long, in nanoseconds.
        length_ns: u64,
    },
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
    /// How arrivals are spread around the rate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arrivals: Arrivals,
    /// What becomes of an arrival above `max_in_flight`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_overload: OnOverload,
    /// Which of the schedule's arrivals are this scenario's; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

/// How arrivals are spread around the rate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Each when the integral of the rate reaches its number.
    #[default]
    Even,
    /// With exponential gaps of the same mean, drawn from the seed.
    Poisson,
}

/// What becomes of an arrival above `max_in_flight`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOverload {
    /// It is dropped.
    #[default]
    Drop,
    /// It waits; above as many again it is dropped.
    Queue,
    /// It ends the run.
    Fail,
}

/// A scenario's part of a traffic: arrival *k* of the scenario is the *k*th arrival of the traffic whose number modulo
/// `of` is one of `offsets`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Name of the traffic.
    pub traffic: String,
    /// Sum of the weights of its mix, in lowest terms.
    pub of: u32,
    /// The scenario's stripes. Invariant: not empty, each below `of`; over the mix each number below `of` once.
    pub offsets: SlotSet,
}

impl OpenLoad {
    /// Returns a load of its own with even arrivals and the limits that hold where a plan says nothing.
    pub fn even(stages: Vec<OpenStage>) -> OpenLoad {
        OpenLoad {
            stages,
            max_in_flight: 10_000,
            late_after_ns: SECOND_NS,
            arrivals: Arrivals::Even,
            on_overload: OnOverload::Drop,
            share: None,
        }
    }

    /// Returns whether the schedule depends on the plan's seed.
    pub fn draws(&self) -> bool {
        let random = |stage: &OpenStage| matches!(stage, OpenStage::Random { .. });
        self.arrivals == Arrivals::Poisson || self.stages.iter().any(random)
    }
}

/// Returns whether a field has the value that files leave out.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    /// A rate that is drawn anew in each interval, evenly between two rates.
    Random {
        /// Lowest rate.
        min: Rate,
        /// Highest rate.
        max: Rate,
        /// Length of an interval; the last one may be shorter.
        every_ns: u64,
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
    /// Stages, one after the other; `Count` and `CountEach` are always alone.
    pub stages: Vec<ClosedStage>,
    /// The largest population, U; iteration *k* of user *u* is arrival `k * U + u`.
    pub users_max: u32,
    /// Least time from the start of a user's iteration to the start of its next; 0 for none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pace_ns: u64,
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
    /// `count` iterations for each of `users` users.
    CountEach {
        /// Users.
        users: u32,
        /// Iterations of each.
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
