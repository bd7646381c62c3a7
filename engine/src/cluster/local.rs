//! The in-process bus: bounded queues between tasks, nothing lost unless a queue is full.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::bus::{BusError, Incoming, ReplyTo};
use super::subject;

/// Messages that an inbox holds: far more than all nodes of one process have open at a time.
const INBOX_MESSAGES_MAX: usize = 8192;

/// A bus within this process; clones share it.
#[derive(Clone, Debug, Default)]
pub struct LocalBus(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    routes: Mutex<Vec<Route>>,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Route {
    patterns: Vec<String>,
    queue: mpsc::Sender<Incoming>,
}

/// What was subscribed to.
#[derive(Debug)]
pub struct LocalInbox(mpsc::Receiver<Incoming>);

impl LocalInbox {
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        self.0.recv().await
    }
}

impl LocalBus {
    pub(crate) fn publish(&self, subject: &str, body: &Bytes) {
        for queue in self.queues(subject) {
            self.put(
                &queue,
                Incoming { subject: subject.to_owned(), body: body.clone(), reply: None },
            );
        }
    }

    pub(crate) async fn request(
        &self,
        subject: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<Bytes, BusError> {
        let queue = self.queues(subject).into_iter().next().ok_or(BusError::NoResponders)?;
        let (sender, receiver) = oneshot::channel();
        let reply = Some(ReplyTo::Local(sender));
        self.put(&queue, Incoming { subject: subject.to_owned(), body, reply });
        match tokio::time::timeout(wait, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(BusError::Timeout),
        }
    }

    pub(crate) fn subscribe(&self, patterns: &[String]) -> LocalInbox {
        let (queue, inbox) = mpsc::channel(INBOX_MESSAGES_MAX);
        let mut routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|route| !route.queue.is_closed());
        routes.push(Route { patterns: patterns.to_vec(), queue });
        LocalInbox(inbox)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn put(&self, queue: &mpsc::Sender<Incoming>, message: Incoming) {
        if queue.try_send(message).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn queues(&self, to: &str) -> Vec<mpsc::Sender<Incoming>> {
        let routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let listens = |route: &&Route| {
            !route.queue.is_closed()
                && route.patterns.iter().any(|pattern| subject::matches(pattern, to))
        };
        routes.iter().filter(listens).map(|route| route.queue.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::bus::Bus;

    const WAIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn requests_are_answered_and_nobody_is_told_apart_from_silence() {
        let bus = Bus::local();
        let asked = bus.request("a.b", Bytes::new(), WAIT).await;
        assert_eq!(asked, Err(BusError::NoResponders));
        let mut inbox = bus.subscribe(&["x.>".to_owned(), "a.*".to_owned()]).await.unwrap();
        let other = bus.clone();
        let asking = tokio::spawn(async move { other.request("a.b", Bytes::new(), WAIT).await });
        let message = inbox.next().await.unwrap();
        assert_eq!(message.subject, "a.b");
        bus.reply(message.reply.unwrap(), Bytes::from_static(b"yes")).await.unwrap();
        assert_eq!(asking.await.unwrap(), Ok(Bytes::from_static(b"yes")));
        bus.publish("x.1.2", Bytes::from_static(b"n")).await.unwrap();
        assert_eq!(inbox.next().await.unwrap().body, "n");
        drop(inbox);
        let asked = bus.request("a.b", Bytes::new(), WAIT).await;
        assert_eq!(asked, Err(BusError::NoResponders), "a dropped inbox listens no more");
    }

    #[tokio::test]
    async fn a_full_inbox_drops_and_counts() {
        let bus = Bus::local();
        let mut inbox = bus.subscribe(&["a".to_owned()]).await.unwrap();
        for _ in 0..INBOX_MESSAGES_MAX + 3 {
            bus.publish("a", Bytes::new()).await.unwrap();
        }
        assert_eq!(bus.dropped(), 3);
        assert!(inbox.next().await.is_some());
    }
}
