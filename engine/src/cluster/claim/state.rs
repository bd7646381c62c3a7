//! (pure) One process for one place: ask, wait a moment, hold unless somebody has it; of two at once the smaller nonce.

use crate::clock::Ticks;
use crate::cluster::wire::{Claimant, Presence};

/// How long a newcomer waits for somebody to say that the place is held, in nanoseconds: an answer takes half a
/// millisecond on one network, and the round trip of a far one fits.
pub(crate) const WAIT_NS: u64 = 300_000_000;

/// How often it asks meanwhile: a message may be lost.
const ASKS: u32 = 3;

/// Time between two of these.
const ASK_NS: u64 = WAIT_NS / ASKS as u64;

/// Where a claim is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// Nobody has said that the place is held, so far.
    Asking,
    /// It is ours, and everybody who asks is told so.
    Held,
    /// Somebody else has it, for good.
    Taken(Claimant),
}

/// What is to be published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Say {
    Claim,
    Held,
}

/// The claim of one process to one place.
#[derive(Debug)]
pub(crate) struct Claim {
    me: Claimant,
    standing: Standing,
    asks_left: u32,
    next_ask: Ticks,
    until: Ticks,
}

impl Claim {
    pub(crate) fn new(me: Claimant, now: Ticks) -> Claim {
        let until = now.saturating_add(WAIT_NS);
        Claim { me, standing: Standing::Asking, asks_left: ASKS, next_ask: now, until }
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Asks again: while the connection was away somebody may have found the place free.
    pub(crate) fn renew(&mut self, now: Ticks) {
        (self.asks_left, self.next_ask) = (ASKS, now);
    }

    /// Returns when [`Claim::tick`] wants to be called.
    pub(crate) fn wake(&self) -> Option<Ticks> {
        let ask = (self.asks_left > 0).then_some(self.next_ask);
        match self.standing {
            Standing::Asking => Some(ask.map_or(self.until, |ask| ask.min(self.until))),
            Standing::Held => ask,
            Standing::Taken(_) => None,
        }
    }

    /// Does what time demands.
    pub(crate) fn tick(&mut self, now: Ticks) -> Option<Say> {
        if matches!(self.standing, Standing::Taken(_)) {
            return None;
        }
        if self.standing == Standing::Asking && now >= self.until {
            self.standing = Standing::Held;
        }
        if self.asks_left == 0 || now < self.next_ask {
            return None;
        }
        self.asks_left -= 1;
        self.next_ask = now.saturating_add(ASK_NS);
        Some(Say::Claim)
    }

    /// Takes what another process said, and returns the answer.
    pub(crate) fn hear(&mut self, said: Presence) -> Option<Say> {
        let held = self.standing == Standing::Held;
        match said {
            Presence::Claim(other) | Presence::Held(other) if other.nonce == self.me.nonce => None,
            _ if matches!(self.standing, Standing::Taken(_)) => None,
            Presence::Who { .. } => held.then_some(Say::Held),
            Presence::Claim(_) if held => Some(Say::Held),
            // Two newcomers; neither holds anything that it could say.
            Presence::Claim(other) => self.contest(other, Say::Claim),
            // Two holders, between whom the network was cut.
            Presence::Held(other) if held => self.contest(other, Say::Held),
            Presence::Held(other) => {
                self.standing = Standing::Taken(other);
                None
            }
        }
    }

    /// Concedes to a smaller nonce, and answers a larger one.
    fn contest(&mut self, other: Claimant, answer: Say) -> Option<Say> {
        if self.me.nonce < other.nonce {
            return Some(answer);
        }
        self.standing = Standing::Taken(other);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::wire::V;

    fn claimant(nonce: &str) -> Claimant {
        Claimant {
            v: V,
            nonce: nonce.to_owned(),
            host: "h".to_owned(),
            pid: 7,
            run: None,
            since_ms: 0,
        }
    }

    fn claim(nonce: &str, now: Ticks) -> Claim {
        Claim::new(claimant(nonce), now)
    }

    /// Lets `claims` speak until `end`, everybody hearing everybody at once; returns who holds at the end.
    fn settle(claims: &mut [Claim], end: Ticks) -> Vec<String> {
        let mut now = 0;
        while now <= end {
            let mut said: Vec<(usize, Say)> = Vec::new();
            for (at, claim) in claims.iter_mut().enumerate() {
                said.extend(claim.tick(now).map(|say| (at, say)));
            }
            let mut turns = 0;
            while let Some((from, say)) = said.pop() {
                turns += 1;
                assert!(turns < 100, "claims talk without end");
                let me = claims[from].me.clone();
                let words = match say {
                    Say::Claim => Presence::Claim(me),
                    Say::Held => Presence::Held(me),
                };
                for (at, claim) in claims.iter_mut().enumerate() {
                    said.extend(claim.hear(words.clone()).map(|say| (at, say)));
                }
            }
            now += ASK_NS / 10;
        }
        let held = claims.iter().filter(|claim| *claim.standing() == Standing::Held);
        held.map(|claim| claim.me.nonce.clone()).collect()
    }

    #[test]
    fn a_free_place_is_held_after_the_wait_and_not_before() {
        let mut alone = claim("b", 1_000);
        let mut asked = 0;
        while let Some(wake) = alone.wake() {
            assert_eq!(*alone.standing(), Standing::Asking, "asks are over with the wait");
            asked += u32::from(alone.tick(wake) == Some(Say::Claim));
        }
        assert_eq!((asked, alone.standing()), (ASKS, &Standing::Held));
        assert_eq!(alone.until, 1_000 + WAIT_NS);
    }

    #[test]
    fn the_smaller_of_newcomers_wins_whoever_speaks_first() {
        for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
            let mut claims = order.map(|nonce| claim(nonce, 0));
            assert_eq!(settle(&mut claims, 2 * WAIT_NS), ["a"], "{order:?}");
        }
    }

    #[test]
    fn a_holder_keeps_its_place_against_a_smaller_newcomer_and_is_named() {
        let mut claims = vec![claim("b", 0)];
        assert_eq!(settle(&mut claims, 2 * WAIT_NS), ["b"]);
        claims.push(claim("a", 0));
        assert_eq!(settle(&mut claims, 2 * WAIT_NS), ["b"]);
        assert_eq!(*claims[1].standing(), Standing::Taken(claimant("b")));
    }

    #[test]
    fn two_holders_are_one_again_when_one_asks_anew() {
        let mut claims = [claim("b", 0), claim("a", 0)];
        for claim in &mut claims {
            claim.asks_left = 0;
            claim.tick(WAIT_NS);
            assert_eq!(*claim.standing(), Standing::Held);
        }
        claims[0].renew(0);
        assert_eq!(settle(&mut claims, WAIT_NS), ["a"]);
    }

    #[test]
    fn who_asks_without_wanting_never_wins() {
        let who = || Presence::Who { v: V, nonce: String::new() };
        let mut claim = claim("b", 0);
        assert_eq!(claim.hear(who()), None);
        claim.tick(WAIT_NS);
        assert_eq!(claim.hear(who()), Some(Say::Held));
        assert_eq!(*claim.standing(), Standing::Held);
    }
}
