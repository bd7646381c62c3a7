//! `--pacing`: how punctual arrivals are, and what that costs.

use clap::ValueEnum;

use crate::runtime;

/// How workers wait for the next arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Pacing {
    /// A timer of the kernel for each wake: starts within some microseconds, about 20 µs of processor time a wake,
    /// at most 10 000 wakes a second.
    Precise,
    /// A timer that ticks each millisecond: starts up to 2 ms late and in small bursts, at about half the processor
    /// time or less above 1 000/s.
    Economical,
}

impl Pacing {
    /// Returns the flag's value.
    pub(super) fn name(self) -> &'static str {
        match self {
            Pacing::Precise => "precise",
            Pacing::Economical => "economical",
        }
    }
}

impl From<Pacing> for runtime::Pacing {
    fn from(pacing: Pacing) -> runtime::Pacing {
        match pacing {
            Pacing::Precise => runtime::Pacing::Precise,
            Pacing::Economical => runtime::Pacing::Economical,
        }
    }
}
