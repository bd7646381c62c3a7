//! (pure) Closed loads: how many users there are when, and when each one is there.

use crate::artifact::{ClosedLoad, ClosedStage};

/// The population of a closed load in time: straight lines with jumps at the joints.
///
/// User *u* starts at the infimum of the times at which the population exceeds *u*, each time it comes to do so, and
/// ends once *u* ≥ the population, both rounded up to a nanosecond.
#[derive(Clone, Debug)]
pub struct Closed {
    lines: Vec<Line>,
    users_max: u32,
    length_ns: u64,
    count: Option<u64>,
}

/// A stretch in which the population goes in a straight line.
#[derive(Clone, Copy, Debug)]
struct Line {
    start_ns: u64,
    length_ns: u64,
    from: u32,
    to: u32,
}

impl Line {
    /// Returns when `user` is there within this stretch, counted from the stretch's start.
    fn span(&self, user: u32) -> (u64, u64) {
        let part = |users: u32, of: u32| {
            let ns = u128::from(users) * u128::from(self.length_ns);
            u64::try_from(ns.div_ceil(u128::from(of.max(1)))).unwrap_or(u64::MAX)
        };
        let start = match user.checked_sub(self.from) {
            None => 0,
            Some(above) if user < self.to => part(above, self.to - self.from),
            Some(_) => self.length_ns,
        };
        let end = if user >= self.to && user < self.from {
            part(self.from - user, self.from - self.to)
        } else {
            self.length_ns
        };
        (start, end)
    }
}

impl Closed {
    /// Lays out the stages of `load`; total for any input.
    pub fn new(load: &ClosedLoad) -> Closed {
        let mut lines = Vec::with_capacity(load.stages.len());
        let (mut start_ns, mut counted) = (0u64, None);
        for stage in &load.stages {
            let (from, to, length_ns) = match *stage {
                ClosedStage::Users { from, to, length_ns } => (from, to, length_ns),
                ClosedStage::Count { users, count, within_ns } => {
                    counted = Some(count);
                    (users, users, within_ns)
                }
                ClosedStage::CountEach { users, count, within_ns } => {
                    counted = Some(count.saturating_mul(u64::from(users)));
                    (users, users, within_ns)
                }
                ClosedStage::Pause { length_ns } => (0, 0, length_ns),
            };
            lines.push(Line { start_ns, length_ns, from, to });
            start_ns = start_ns.saturating_add(length_ns);
        }
        Closed { lines, users_max: load.users_max, length_ns: start_ns, count: counted }
    }

    /// Returns when `user` is there, in nanoseconds since the scenario's start, as (start, end) in order, each start
    /// before its end.
    ///
    /// Stretches that touch are one: a population that only touches *u* and rises again does not end the user.
    pub fn user_spans(&self, user: u32) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for line in &self.lines {
            let (start, end) = line.span(user);
            if start >= end {
                continue;
            }
            let (start, end) =
                (line.start_ns.saturating_add(start), line.start_ns.saturating_add(end));
            match spans.last_mut() {
                Some(last) if last.1 >= start => last.1 = end,
                _ => spans.push((start, end)),
            }
        }
        spans
    }

    /// Returns the largest population; users are numbered below it.
    pub fn users_max(&self) -> u32 {
        self.users_max
    }

    /// Returns how long all stages last, in nanoseconds; with a count, at most that.
    pub fn length_ns(&self) -> u64 {
        self.length_ns
    }

    /// Returns the time of all users together, in microseconds, rounded down; 0 with a count, whose users may end early.
    pub fn planned_us(&self) -> u64 {
        if self.count.is_some() {
            return 0;
        }
        let spans = (0..self.users_max).flat_map(|user| self.user_spans(user));
        let total: u128 = spans.map(|(start, end)| u128::from(end - start)).sum();
        u64::try_from(total / 1_000).unwrap_or(u64::MAX)
    }

    /// Returns how many iterations there are in all, where the load says so.
    pub fn count(&self) -> Option<u64> {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(stages: Vec<ClosedStage>, users_max: u32) -> Closed {
        Closed::new(&ClosedLoad { stages, users_max, pace_ns: 0 })
    }

    #[test]
    fn users_come_and_go_with_the_population() {
        let up = ClosedStage::Users { from: 0, to: 4, length_ns: 10 };
        let flat = ClosedStage::Users { from: 4, to: 4, length_ns: 10 };
        let down = ClosedStage::Users { from: 4, to: 1, length_ns: 10 };
        let closed = closed(vec![up, flat, down], 4);
        let spans: Vec<_> = (0..5).map(|user| closed.user_spans(user)).collect();
        assert_eq!(spans, [vec![(0, 30)], vec![(3, 30)], vec![(5, 27)], vec![(8, 24)], vec![],]);
        assert_eq!(closed.length_ns(), 30);
        assert_eq!(closed.count(), None);
    }

    #[test]
    fn a_pause_ends_users_and_the_next_stage_starts_them_again() {
        let some = ClosedStage::Users { from: 2, to: 2, length_ns: 5_000 };
        let pause = ClosedStage::Pause { length_ns: 5_000 };
        let one = ClosedStage::Users { from: 1, to: 1, length_ns: 5_000 };
        let closed = closed(vec![some, pause, one], 2);
        assert_eq!(closed.user_spans(0), [(0, 5_000), (10_000, 15_000)]);
        assert_eq!(closed.user_spans(1), [(0, 5_000)]);
        assert_eq!(closed.planned_us(), 15);
    }

    #[test]
    fn a_count_has_no_planned_time() {
        let stage = ClosedStage::Count { users: 3, count: 50, within_ns: 9_000 };
        let closed = closed(vec![stage], 3);
        assert_eq!((closed.count(), closed.planned_us()), (Some(50), 0));
        assert_eq!(closed.user_spans(2), [(0, 9_000)]);
        let stage = ClosedStage::CountEach { users: 3, count: 50, within_ns: 9_000 };
        assert_eq!(self::closed(vec![stage], 3).count(), Some(150));
    }

    #[test]
    fn what_no_artifact_holds_does_not_panic() {
        let wild = ClosedStage::Users { from: u32::MAX, to: 0, length_ns: u64::MAX };
        let closed = closed(vec![wild, ClosedStage::Pause { length_ns: u64::MAX }, wild], 1);
        assert!(closed.user_spans(0).iter().all(|(start, end)| start < end));
    }
}
