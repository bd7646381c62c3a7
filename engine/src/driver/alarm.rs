//! A time limit for whoever waits on sockets again and again: the timer is touched once for each limit that passes,
//! not once for each request.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::clock::{Clock, Ticks};

/// Wakes a task at a deadline; may wake it before.
#[derive(Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When `sleep` ends.
    rings: Ticks,
}

impl Alarm {
    /// Returns `Ready` once `deadline` has passed, to a millisecond.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: &Clock,
        deadline: Ticks,
    ) -> Poll<()> {
        loop {
            let sleep = match &mut self.sleep {
                Some(sleep) if self.rings <= deadline => sleep,
                _ => self.set(clock.now(), deadline),
            };
            ready!(sleep.as_mut().poll(cx));
            // It was set for an earlier request.
            let now = clock.now();
            if now >= deadline {
                return Poll::Ready(());
            }
            self.set(now, deadline);
        }
    }

    fn set(&mut self, now: Ticks, deadline: Ticks) -> &mut Pin<Box<Sleep>> {
        self.rings = deadline;
        let new = sleep(Duration::from_nanos(deadline.saturating_sub(now)));
        match &mut self.sleep {
            Some(sleep) => {
                sleep.set(new);
                sleep
            }
            none @ None => none.insert(Box::pin(new)),
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("rings", &self.rings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn later_and_earlier_deadlines_hold() {
        const MS: u64 = 1_000_000;
        let clock = Clock::tokio();
        let mut alarm = Alarm::default();
        let given_up = poll_fn(|cx| {
            let pending = alarm.poll(cx, &clock, 50 * MS).is_pending();
            Poll::Ready(pending)
        });
        assert!(given_up.await);
        for deadline in [70 * MS, 400 * MS, 410 * MS] {
            poll_fn(|cx| alarm.poll(cx, &clock, deadline)).await;
            assert!((deadline..=deadline + MS).contains(&clock.now()));
        }
        // One that was set for later does not hold up an earlier one.
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(cx, &clock, 9_000 * MS).is_pending())).await);
        poll_fn(|cx| alarm.poll(cx, &clock, 500 * MS)).await;
        assert!(clock.now() <= 501 * MS);
    }
}
