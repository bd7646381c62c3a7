//! Sleeps until a tick: to a few microseconds on the machine's clock, to two milliseconds where that is to cost less,
//! to a millisecond in a test's paused time.

use std::time::Duration;

use crate::clock::{Clock, Ticks};

/// Shortest time between two wakes for arrivals, in nanoseconds: above 10 000 a second several start on one wake,
/// because a wake costs as much as some twenty of them.
pub(super) const WAKE_GAP_NS_MIN: u64 = 100_000;

/// How a worker waits for the next arrival.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Pacing {
    /// A timer of the kernel for each wake: starts within some microseconds.
    #[default]
    Precise,
    /// The runtime's timer, which ticks each millisecond: starts up to two milliseconds late, all that is due on one wake.
    Economical,
}

/// Sleeps for one worker.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    #[cfg(target_os = "linux")]
    timer: Option<timer::Timer>,
}

impl Pacer {
    /// Returns a pacer; must be called within the worker's runtime.
    pub(super) fn new(clock: Clock, pacing: Pacing) -> Pacer {
        #[cfg(target_os = "linux")]
        {
            let wanted = clock.is_real() && pacing == Pacing::Precise;
            let timer = wanted.then(timer::Timer::new).and_then(|timer| match timer {
                Ok(timer) => Some(timer),
                Err(error) => {
                    tracing::warn!(%error, "no precise timer, arrivals start up to 2 ms late");
                    None
                }
            });
            Pacer { clock, timer }
        }
        #[cfg(not(target_os = "linux"))]
        {
            // There is one timer only.
            let _same = pacing;
            Pacer { clock }
        }
    }

    /// Returns at `tick`, or after a turn of the other tasks if it has passed.
    pub(super) async fn sleep_until(&mut self, tick: Ticks) {
        if self.clock.now() >= tick {
            // Who is behind must still let what was started have its turn.
            tokio::task::yield_now().await;
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(timer) = &mut self.timer {
            match timer.sleep_until(&self.clock, tick).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "the precise timer failed, arrivals start up to 2 ms late");
                    self.timer = None;
                }
            }
        }
        sleep_until(&self.clock, tick).await;
    }
}

/// Returns at `tick` or up to two milliseconds later; at once if it has passed.
pub(super) async fn sleep_until(clock: &Clock, tick: Ticks) {
    let left_ns = tick.saturating_sub(clock.now());
    if left_ns > 0 {
        tokio::time::sleep(Duration::from_nanos(left_ns)).await;
    }
}

#[cfg(target_os = "linux")]
mod timer {
    //! A timer of the kernel on the boot-time clock, waited for like a socket.

    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use crate::clock::{Clock, Ticks};

    /// A timer descriptor.
    #[derive(Debug)]
    pub(super) struct Timer {
        fd: AsyncFd<OwnedFd>,
        armed: Option<Ticks>,
    }

    impl Timer {
        /// Opens a timer within the present runtime.
        pub(super) fn new() -> io::Result<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
            #[expect(
                deprecated,
                reason = "the other way is unsafe; we own the descriptor, which is all it asks for"
            )]
            let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
            Ok(Timer { fd, armed: None })
        }

        /// Returns at `tick`, or at once if it has passed. A call that is dropped leaves the timer armed, which is harmless.
        pub(super) async fn sleep_until(&mut self, clock: &Clock, tick: Ticks) -> io::Result<()> {
            if self.armed != Some(tick) {
                self.arm(tick)?;
            }
            while clock.now() < tick {
                // The count of expirations need not be read: arming resets it, and each expiry is an event of its own.
                self.fd.readable().await?.clear_ready();
            }
            Ok(())
        }

        fn arm(&mut self, tick: Ticks) -> io::Result<()> {
            // An absolute time of 0 would disarm the timer instead.
            let tick = tick.max(1);
            let value = Timespec {
                tv_sec: i64::try_from(tick / 1_000_000_000).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(tick % 1_000_000_000).unwrap_or(0),
            };
            let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: interval, it_value: value };
            timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &spec)?;
            self.armed = Some(tick);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_takes_no_time_to_test() {
        let clock = Clock::tokio();
        let mut pacer = Pacer::new(clock.clone(), Pacing::Precise);
        pacer.sleep_until(3_600_000_000_000).await;
        assert_eq!(clock.now(), 3_600_000_000_000);
        pacer.sleep_until(1).await;
        assert_eq!(clock.now(), 3_600_000_000_000);
    }

    #[tokio::test]
    async fn who_is_behind_lets_others_have_a_turn() {
        let mut pacer = Pacer::new(Clock::real(), Pacing::Precise);
        let other = tokio::spawn(async {});
        pacer.sleep_until(1).await;
        assert!(other.is_finished());
    }

    #[tokio::test]
    async fn the_machines_clock_is_never_early() {
        let clock = Clock::real();
        for pacing in [Pacing::Economical, Pacing::Precise] {
            let mut pacer = Pacer::new(clock.clone(), pacing);
            for sleep_ns in [0, 20_000, 300_000, 2_000_000] {
                let tick = clock.now() + sleep_ns;
                pacer.sleep_until(tick).await;
                assert!(clock.now() >= tick);
            }
        }
        let mut pacer = Pacer::new(clock.clone(), Pacing::Precise);
        // A sleep that is given up does not end the next one early.
        let far = clock.now() + 3_600_000_000_000;
        let given_up = tokio::time::timeout(Duration::from_millis(1), pacer.sleep_until(far)).await;
        assert!(given_up.is_err());
        let tick = clock.now() + 1_000_000;
        pacer.sleep_until(tick).await;
        assert!(clock.now() >= tick);
    }
}
