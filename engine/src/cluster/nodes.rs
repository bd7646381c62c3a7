//! Looks who is there, as anybody with a coordinator's credentials may: nothing is enrolled, nothing changes.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::bus::{Bus, BusError};
use super::subject;
use super::wire::{
    self, Claimant, FromAgent, FromCoordinator, Hint, HintWant, Presence, Status, V,
};

/// Most agents that are listed.
const AGENTS_MAX: usize = 10_000;

/// How often everybody is asked: a message may be lost.
const ASKS: u32 = 2;

/// Who was there.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Agents by name; two of one name are two processes.
    pub agents: Vec<Status>,
    /// The coordinator that has the cluster's lock.
    pub coordinator: Option<Claimant>,
    /// Messages that could not be read, and agents beyond the first ten thousand.
    pub refused: u64,
}

/// Asks everybody in `cluster` who they are, and listens for `wait`.
///
/// # Errors
/// The broker takes neither subscription nor question; in words for the operator.
pub async fn look(bus: &Bus, cluster: &str, wait: Duration) -> Result<Seen, String> {
    let (claim, held) = subject::lock(cluster);
    let patterns = [subject::from_agent(cluster, "*", subject::STATUS), held.clone()];
    let subscribed = bus.subscribe(&patterns).await;
    let mut inbox =
        subscribed.map_err(|error| format!("cannot subscribe to {}: {error}", patterns[0]))?;
    let nonce = super::nonce();
    let mut found = Found::default();
    for _ in 0..ASKS {
        ask(bus, &subject::hint(cluster), &claim, &nonce)
            .await
            .map_err(|error| format!("cannot ask on {}: {error}", subject::hint(cluster)))?;
        let listening = async {
            while let Some(message) = inbox.next().await {
                if message.subject == held {
                    found.coordinator(&message.body);
                } else {
                    found.agent(cluster, &message.subject, &message.body);
                }
            }
        };
        // That the time is over is how listening ends.
        tokio::time::timeout(wait / ASKS, listening).await.unwrap_or_default();
        if let Some(text) = bus.take_denied() {
            return Err(format!("the broker denies it: {text}"));
        }
    }
    let Found { agents, coordinator, refused } = found;
    Ok(Seen { agents: agents.into_values().collect(), coordinator, refused })
}

async fn ask(bus: &Bus, hint_at: &str, claim_at: &str, nonce: &str) -> Result<(), BusError> {
    let want = HintWant::Status;
    let hint = Hint { v: V, nonce: nonce.to_owned(), run: String::new(), want };
    let who = Presence::Who { v: V, nonce: nonce.to_owned() };
    let bodies = [
        (hint_at, wire::encode(&FromCoordinator::Hint(hint), &[])),
        (claim_at, wire::encode(&who, &[])),
    ];
    for (to, body) in bodies {
        let body = body.map_err(|error| BusError::Refused(error.to_string()))?;
        bus.publish(to, body).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Found {
    agents: BTreeMap<(String, String), Status>,
    coordinator: Option<Claimant>,
    refused: u64,
}

impl Found {
    fn coordinator(&mut self, body: &Bytes) {
        match wire::decode::<Presence>(body) {
            Ok((Presence::Held(by), _)) => self.coordinator = Some(by),
            Ok(_) | Err(_) => self.refused += 1,
        }
    }

    /// Takes what an agent says; its name is that of the subject.
    fn agent(&mut self, cluster: &str, from: &str, body: &Bytes) {
        let name = subject::speaker(cluster, from).map(|(name, _)| name);
        let status = match wire::decode::<FromAgent>(body) {
            Ok((FromAgent::Status(status), _)) if Some(status.hello.name.as_str()) == name => {
                status
            }
            Ok(_) | Err(_) => {
                self.refused += 1;
                return;
            }
        };
        let key = (status.hello.name.clone(), status.nonce.clone());
        if self.agents.len() < AGENTS_MAX || self.agents.contains_key(&key) {
            self.agents.insert(key, status);
        } else {
            self.refused += 1;
        }
    }
}
