//! Where the seconds and windows of a worker end.

use super::{MS_NS, SECOND_NS};
use crate::clock::Ticks;
use crate::runtime::context::Context;
use crate::runtime::usage::thread_cpu_ns;

/// Where seconds and windows end.
pub(super) struct Boundaries {
    pub(super) start: Ticks,
    pub(super) delta_ns: u64,
    /// The running second, from 0.
    pub(super) second: u32,
    pub(super) window_ends: Ticks,
    cpu_ns: u64,
    cut_at: Ticks,
}

impl Boundaries {
    pub(super) fn new(context: &Context, now: Ticks) -> Boundaries {
        let start = context.start.get();
        let delta_ns = context.program.artifact().nodes.tuning.delta_ns.max(MS_NS);
        let mut boundaries = Boundaries {
            start,
            delta_ns,
            second: 0,
            window_ends: 0,
            cpu_ns: thread_cpu_ns(),
            cut_at: now,
        };
        boundaries.window_ends = boundaries.window_before(now).saturating_add(delta_ns);
        boundaries
    }

    pub(super) fn second_ends(&self) -> Ticks {
        self.start.saturating_add((u64::from(self.second) + 1) * SECOND_NS)
    }

    /// Returns the last end of a window that is not after `now`.
    pub(super) fn window_before(&self, now: Ticks) -> Ticks {
        let since = now.saturating_sub(self.start);
        self.start + since / self.delta_ns * self.delta_ns
    }

    /// Returns the share of one core that this thread used since the last call, in percent.
    pub(super) fn cpu_percent(&mut self, now: Ticks) -> u32 {
        let cpu_ns = thread_cpu_ns();
        let (used, wall) = (cpu_ns - self.cpu_ns, now.saturating_sub(self.cut_at).max(1));
        (self.cpu_ns, self.cut_at) = (cpu_ns, now);
        u32::try_from(used.saturating_mul(100) / wall).unwrap_or(u32::MAX)
    }
}
