//! Claims a place of which there is one in a cluster, and answers for it while it is held.

mod state;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::state::{Claim, Say, Standing};
use super::bus::{Bus, BusError, Inbox};
use super::subject;
use super::wire::{self, Claimant, Presence, V};
use crate::clock::Clock;

/// How often it is looked whether the connection was away: more often than a newcomer waits, so that nobody finds the
/// place free in an absence that its holder does not notice.
const LINK_LOOK: Duration = Duration::from_millis(250);

/// A place of which there is one in a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// The name of an agent.
    Name(String),
    /// The right to coordinate.
    Lock,
}

/// Why a place could not be had.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClaimError {
    /// Somebody has it.
    #[error("held by {}", .0.title())]
    Taken(Claimant),
    /// The broker did not let us listen.
    #[error("cannot subscribe to {0}: {1}")]
    Bus(String, BusError),
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    task: AbortHandle,
    standing: watch::Receiver<Standing>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hold {
    /// Returns who turned out to hold the place too, and has the better right to it.
    pub fn taken(&self) -> Option<Claimant> {
        match &*self.standing.borrow() {
            Standing::Taken(by) => Some(by.clone()),
            Standing::Asking | Standing::Held => None,
        }
    }
}

/// Returns this process as a claimant.
pub fn claimant(nonce: String, run: Option<String>, clock: &Clock) -> Claimant {
    let (host, pid) = (super::host(), std::process::id());
    Claimant { v: V, nonce, host, pid, run, since_ms: clock.unix_ms() }
}

/// Takes `place` of `cluster` for `me`: listens first, then asks, and waits for a moment.
///
/// # Errors
/// Somebody has it, or the broker does not let us listen.
pub async fn take(
    bus: Bus,
    cluster: &str,
    place: &Place,
    me: Claimant,
    clock: Clock,
) -> Result<Hold, ClaimError> {
    let subjects = Subjects::of(cluster, place);
    let patterns = [subjects.claim.clone(), subjects.held.clone()];
    let inbox = bus.subscribe(&patterns).await;
    let inbox = inbox.map_err(|error| ClaimError::Bus(patterns[0].clone(), error))?;
    let claim = Claim::new(me.clone(), clock.now());
    let (tell, mut standing) = watch::channel(Standing::Asking);
    let keeper = Keeper { claim, me, subjects, bus, clock, tell };
    let hold =
        Hold { task: tokio::spawn(keeper.keep(inbox)).abort_handle(), standing: standing.clone() };
    match standing.wait_for(|standing| *standing != Standing::Asking).await.as_deref() {
        Ok(Standing::Taken(by)) => Err(ClaimError::Taken(by.clone())),
        Ok(Standing::Held | Standing::Asking) => Ok(hold),
        Err(_) => Err(ClaimError::Bus(patterns[0].clone(), BusError::Timeout)),
    }
}

/// Where it is spoken about a place.
struct Subjects {
    claim: String,
    held: String,
}

impl Subjects {
    fn of(cluster: &str, place: &Place) -> Subjects {
        let (claim, held) = match place {
            Place::Name(name) => subject::name_claim(cluster, name),
            Place::Lock => subject::lock(cluster),
        };
        Subjects { claim, held }
    }
}

/// Performs what the claim decides, until it is cut off.
struct Keeper {
    claim: Claim,
    me: Claimant,
    subjects: Subjects,
    bus: Bus,
    clock: Clock,
    tell: watch::Sender<Standing>,
}

impl Keeper {
    async fn keep(mut self, mut inbox: Inbox) {
        let mut up = true;
        loop {
            if self.bus.is_up() != up {
                up = !up;
                if up {
                    self.claim.renew(self.clock.now());
                }
            }
            let say = self.claim.tick(self.clock.now());
            self.perform(say).await;
            let wake = self.claim.wake().map_or(LINK_LOOK, |wake| {
                Duration::from_nanos(wake.saturating_sub(self.clock.now())).min(LINK_LOOK)
            });
            tokio::select! {
                message = inbox.next() => {
                    let Some(message) = message else { return };
                    let say = self.hear(&message.body);
                    self.perform(say).await;
                }
                () = tokio::time::sleep(wake) => {}
            }
        }
    }

    fn hear(&mut self, body: &Bytes) -> Option<Say> {
        match wire::decode::<Presence>(body) {
            Ok((said, _)) => self.claim.hear(said),
            Err(error) => {
                tracing::debug!(%error, "claim cannot be read");
                None
            }
        }
    }

    async fn perform(&mut self, say: Option<Say>) {
        let standing = self.claim.standing();
        let before = self.tell.borrow().clone();
        if let (Standing::Held, Standing::Taken(by)) = (&before, standing) {
            let (place, by) = (&self.subjects.claim, by.title());
            tracing::warn!(
                place,
                by,
                "another process holds it too, and has the better right to it"
            );
        }
        self.tell.send_if_modified(|told| {
            let changed = told != standing;
            told.clone_from(standing);
            changed
        });
        let Some(say) = say else { return };
        let (to, message) = match say {
            Say::Claim => (&self.subjects.claim, Presence::Claim(self.me.clone())),
            Say::Held => (&self.subjects.held, Presence::Held(self.me.clone())),
        };
        if let Ok(body) = wire::encode(&message, &[]) {
            // One that is lost is said again: claims are asked three times.
            let sent = self.bus.publish(to, body).await;
            sent.unwrap_or_else(|error| tracing::debug!(%error, to, "claim not sent"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn claim(bus: &Bus, place: &Place, nonce: &str) -> Result<Hold, ClaimError> {
        let me = claimant(nonce.to_owned(), Some(format!("run-{nonce}")), &Clock::tokio());
        take(bus.clone(), "c", place, me, Clock::tokio()).await
    }

    fn taken(claimed: &Result<Hold, ClaimError>) -> Option<&str> {
        match claimed {
            Err(ClaimError::Taken(by)) => by.run.as_deref(),
            Ok(_) | Err(ClaimError::Bus(..)) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_held_until_its_hold_is_dropped() {
        let bus = Bus::local();
        let name = Place::Name("eu-1".to_owned());
        let held = claim(&bus, &name, "b").await.unwrap();
        assert_eq!(taken(&claim(&bus, &name, "a").await), Some("run-b"));
        claim(&bus, &Place::Lock, "a").await.expect("the lock is another place");
        claim(&bus, &Place::Name("eu-2".to_owned()), "a").await.expect("another name");
        assert_eq!(held.taken(), None);
        drop(held);
        claim(&bus, &name, "c").await.expect("it is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_at_the_same_instant_the_smaller_nonce_holds() {
        let bus = Bus::local();
        let (b, a) = tokio::join!(claim(&bus, &Place::Lock, "b"), claim(&bus, &Place::Lock, "a"));
        assert_eq!(taken(&b), Some("run-a"));
        a.expect("a is smaller");
    }
}
