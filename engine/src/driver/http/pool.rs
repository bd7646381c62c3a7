//! Which connections a pool keeps.

use std::fmt;
use std::rc::Rc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::h1::{Answer, Connection};
use super::h2::Session;
use super::{HttpPool, Server};

/// Idle connections that a pool keeps for one server; more are closed when their request has ended.
const IDLE_MAX: usize = 4096;

/// Connections of one pool to one server.
#[derive(Default)]
pub(super) struct Slots {
    /// Of HTTP/1.1; the last one that became idle is used first, so that the others can go cold.
    #[expect(clippy::vec_box, reason = "each request takes one out and puts it back")]
    idle: Vec<Box<Connection>>,
    /// Of HTTP/2, which serve many at a time.
    sessions: Vec<Rc<Session>>,
    /// Held by who opens a connection that others wait for.
    turn: Option<std::sync::Arc<Mutex<()>>>,
}

impl HttpPool {
    fn slots<T>(&self, server: usize, act: impl FnOnce(&mut Slots) -> T) -> T {
        let mut slots = self.slots.borrow_mut();
        if slots.len() <= server {
            slots.resize_with(server + 1, Slots::default);
        }
        act(&mut slots[server])
    }

    /// Takes the connection that became idle last, and is still open.
    pub(super) fn idle(&self, server: usize) -> Option<Box<Connection>> {
        loop {
            let mut connection = self.slots.borrow_mut().get_mut(server)?.idle.pop()?;
            if connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Keeps the connection of an answer, if it can be used again.
    pub(super) fn give_back(
        &self,
        server: usize,
        connection: Box<Connection>,
        answer: Answer,
    ) -> Answer {
        if answer.keep_alive {
            self.slots(server, |slots| {
                if slots.idle.len() < IDLE_MAX {
                    slots.idle.push(connection);
                }
            });
        }
        answer
    }

    /// Returns an open connection of HTTP/2 that takes one more request.
    pub(super) fn session(&self, server: usize) -> Option<Rc<Session>> {
        let mut slots = self.slots.borrow_mut();
        let sessions = &mut slots.get_mut(server)?.sessions;
        sessions.retain(|session| session.is_open());
        sessions.iter().find(|session| session.has_room()).cloned()
    }

    /// Keeps a connection of HTTP/2.
    pub(super) fn keep(&self, server: usize, session: Rc<Session>) {
        self.slots(server, |slots| slots.sessions.push(session));
    }

    /// Forgets a connection of HTTP/2 that takes no more requests.
    pub(super) fn forget(&self, server: usize, gone: &Rc<Session>) {
        self.slots(server, |slots| slots.sessions.retain(|session| !Rc::ptr_eq(session, gone)));
    }

    /// Waits until nobody else opens a connection to the server.
    pub(super) async fn turn(&self, server: usize) -> OwnedMutexGuard<()> {
        let turn = self.slots(server, |slots| slots.turn.get_or_insert_default().clone());
        turn.lock_owned().await
    }
}

impl fmt::Debug for HttpPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.slots.borrow();
        let idle: usize = slots.iter().map(|slots| slots.idle.len()).sum();
        let sessions: usize = slots.iter().map(|slots| slots.sessions.len()).sum();
        f.debug_struct("HttpPool").field("idle", &idle).field("sessions", &sessions).finish()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("target", &self.target).finish_non_exhaustive()
    }
}
