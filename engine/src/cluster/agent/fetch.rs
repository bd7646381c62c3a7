//! Fetches what a share needs, chunk by chunk, checks every digest, and has it loaded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use compiler::artifact::digest_of;
use futures_util::stream::{self, StreamExt};

use crate::cluster::bus::Bus;
use crate::cluster::load::{Load, LoadError, Loader, Share};
use crate::cluster::wire::{self, FromAgent, FromCoordinator, Get, ShareOrder, V};

/// Tries for one chunk.
const CHUNK_TRIES: u32 = 10;

/// Chunks that are asked for at a time: more than a round trip's worth costs the others, not the time.
const CHUNKS_FLYING: usize = 4;

/// Pause before a try after one that failed at once.
const CHUNK_PAUSE: Duration = Duration::from_millis(200);

/// Longest wait for one chunk in milliseconds, whatever the coordinator says.
const WAIT_MS_MAX: u64 = 600_000;

/// Smallest chunk but the last of a file, in bytes: so many a file can have, and no more are asked for.
const CHUNK_BYTES_MIN: u64 = 1024;

/// Largest artifact or data file, in bytes.
const SIZE_MAX: u64 = 1 << 30;

/// Fetches for one agent.
pub(crate) struct Fetch {
    pub(crate) bus: Bus,
    pub(crate) subject: String,
    pub(crate) nonce: String,
}

impl Fetch {
    /// Fetches everything of `share` and hands it to `loader`.
    pub(crate) async fn load(
        &self,
        run: &str,
        share: ShareOrder,
        loader: Arc<dyn Loader>,
    ) -> Result<Box<dyn Load>, LoadError> {
        let wait = Duration::from_millis(share.get_timeout_ms.clamp(1, WAIT_MS_MAX));
        let artifact = self.get(&share.artifact, wait).await?;
        let signatures = match &share.signatures {
            Some(digest) => Some(self.file(digest, wait).await?),
            None => None,
        };
        let mut files = BTreeMap::new();
        for digest in share.data {
            let content = self.file(&digest, wait).await?;
            files.insert(digest, content);
        }
        let share = Share {
            run: run.to_owned(),
            digest: share.artifact,
            artifact,
            signatures,
            files,
            vars: share.vars,
            seed: share.seed,
            dry_run: share.dry_run,
            seats: share.seats,
            takeovers: share.moved,
        };
        let loading = tokio::task::spawn_blocking(move || loader.load(share));
        loading.await.map_err(|error| LoadError::Failed(format!("loading broke: {error}")))?
    }

    /// Fetches what has `digest`, and checks that it does.
    async fn file(&self, digest: &str, wait: Duration) -> Result<Bytes, LoadError> {
        let content = self.get(digest, wait).await?;
        let found = digest_of(&content);
        if found == digest {
            Ok(content)
        } else {
            Err(LoadError::Refused(format!("a file is {found}, not {digest}")))
        }
    }

    /// Fetches what has `digest`; that it does have it is for others to check.
    async fn get(&self, digest: &str, wait: Duration) -> Result<Bytes, LoadError> {
        let (first, head) = self.chunk(digest, 0, wait).await?;
        let chunks_max = head.size / CHUNK_BYTES_MIN + 1;
        if head.count == 0 || head.size > SIZE_MAX || u64::from(head.count) > chunks_max {
            let size = head.size;
            return Err(LoadError::Failed(format!("{digest} is not to be had ({size} bytes)")));
        }
        let mut whole = BytesMut::from(first.as_ref());
        let asked = (1..head.count).map(|index| self.chunk(digest, index, wait));
        // In order, whichever comes first.
        let mut chunks = stream::iter(asked).buffered(CHUNKS_FLYING);
        while let Some(chunk) = chunks.next().await {
            let (chunk, next) = chunk?;
            if next.count != head.count || whole.len() as u64 > head.size {
                return Err(LoadError::Failed(format!("{digest} changed while it was fetched")));
            }
            whole.put_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    async fn chunk(
        &self,
        digest: &str,
        index: u32,
        wait: Duration,
    ) -> Result<(Bytes, wire::Chunk), LoadError> {
        let get = Get { v: V, nonce: self.nonce.clone(), digest: digest.to_owned(), index };
        let body = wire::encode(&FromAgent::Get(get), &[])
            .map_err(|error| LoadError::Failed(error.to_string()))?;
        let mut why = String::new();
        for _ in 0..CHUNK_TRIES {
            match self.bus.request(&self.subject, body.clone(), wait).await {
                Ok(answer) => match wire::decode(&answer) {
                    Ok((FromCoordinator::Chunk(head), chunk))
                        if head.digest == digest && head.index == index =>
                    {
                        return Ok((chunk, head));
                    }
                    Ok(_) => "not what was asked for".clone_into(&mut why),
                    Err(error) => why = error.to_string(),
                },
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(CHUNK_PAUSE).await;
        }
        Err(LoadError::Failed(format!("chunk {index} of {digest} does not come: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::bus::Inbox;
    use crate::cluster::wire::Chunk;

    const SUBJECT: &str = "volley.c.a.a.get";

    /// Returns byte `at` of what is fetched.
    fn byte(at: u32) -> u8 {
        u8::try_from(at % 251).unwrap()
    }

    /// Returns chunk `index`.
    fn content(index: u32) -> Vec<u8> {
        vec![byte(index); usize::try_from(CHUNK_BYTES_MIN).unwrap()]
    }

    /// Answers small chunks out of order, in batches as large as they can get; returns the largest batch.
    async fn serve(bus: Bus, mut inbox: Inbox, count: u32) -> usize {
        let (mut answered, mut most) = (0, 0);
        while answered < count {
            let mut batch = vec![inbox.next().await.unwrap()];
            let more = async {
                while let Some(message) = inbox.next().await {
                    batch.push(message);
                }
            };
            tokio::time::timeout(Duration::from_millis(50), more).await.unwrap_err();
            most = most.max(batch.len());
            for message in batch.into_iter().rev() {
                let (get, _) = wire::decode::<FromAgent>(&message.body).unwrap();
                let FromAgent::Get(get) = get else { panic!("{get:?}") };
                let (nonce, size) = ("c".to_owned(), u64::from(count) * CHUNK_BYTES_MIN);
                let head = Chunk { v: V, nonce, digest: get.digest, index: get.index, count, size };
                let head = FromCoordinator::Chunk(head);
                let body = wire::encode(&head, &content(get.index)).unwrap();
                bus.reply(message.reply.unwrap(), body).await.unwrap();
                answered += 1;
            }
        }
        most
    }

    #[tokio::test(start_paused = true)]
    async fn four_chunks_fly_and_land_in_order() {
        let bus = Bus::local();
        let inbox = bus.subscribe(&[SUBJECT.to_owned()]).await.unwrap();
        let fetch = Fetch { bus: bus.clone(), subject: SUBJECT.to_owned(), nonce: "a".to_owned() };
        let getting = fetch.get("d", Duration::from_secs(2));
        let (got, most) = tokio::join!(getting, serve(bus, inbox, 30));
        assert_eq!(got.unwrap(), (0..30).flat_map(content).collect::<Bytes>());
        assert_eq!(most, CHUNKS_FLYING);
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_that_never_comes_is_named_after_its_tries() {
        let bus = Bus::local();
        let fetch = Fetch { bus, subject: SUBJECT.to_owned(), nonce: "a".to_owned() };
        let error = fetch.get("d", Duration::from_secs(2)).await.unwrap_err();
        let LoadError::Failed(why) = error else { panic!("{error:?}") };
        assert_eq!(why, "chunk 0 of d does not come: nobody listens");
    }
}
