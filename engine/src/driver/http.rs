//! HTTP/1.1 on connections of this worker's own.

use std::rc::Rc;

use crate::clock::Clock;
use crate::exchange::{Failure, FailureKind, Outcome, Request};
use crate::user::Target;

/// Sends HTTP/1.1 requests from one worker's thread.
#[derive(Clone, Debug)]
pub struct HttpDriver(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    targets: Vec<Target>,
    clock: Clock,
}

impl HttpDriver {
    /// Returns a driver for `targets`, as a program numbers them.
    pub fn new(targets: Vec<Target>, clock: Clock) -> HttpDriver {
        HttpDriver(Rc::new(Shared { targets, clock }))
    }

    /// Returns a new, empty pool.
    pub fn pool(&self) -> HttpPool {
        HttpPool { shared: Rc::clone(&self.0) }
    }
}

/// Idle connections of one worker, or of one closed user.
#[derive(Clone, Debug)]
pub struct HttpPool {
    shared: Rc<Shared>,
}

impl HttpPool {
    /// Sends one request.
    pub(super) async fn send(&self, request: Request) -> Outcome {
        let now = self.shared.clock.now();
        let detail = format!("no target {} of {}", request.target, self.shared.targets.len());
        Outcome {
            sent: now,
            ended: now,
            failure: Some(Failure::new(FailureKind::Connect, detail)),
            ..Outcome::default()
        }
    }
}
