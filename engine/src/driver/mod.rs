//! Sends requests and says what came of them, on one worker's thread.
//!
//! Drivers are `!Send`: each worker has its own, on its current-thread runtime, so that no request is handed from one
//! thread to another.

mod alarm;
mod connect;
mod http;
mod script;
mod stream;
mod tls;

pub use self::http::{DriverError, HttpDriver, HttpPool};
pub use self::script::{Answer, Script, ScriptDriver};
pub use self::tls::TlsError;
use crate::exchange::{Outcome, Request};

/// What performs requests.
#[derive(Clone, Debug)]
pub enum Driver {
    /// HTTP/1.1 and HTTP/2 over TCP or TLS.
    Http(HttpDriver),
    /// A script of a test: no network.
    Script(ScriptDriver),
}

impl Driver {
    /// Returns a new, empty pool of connections: a worker has one for its open arrivals, a closed user its own.
    pub fn pool(&self) -> Pool {
        match self {
            Driver::Http(driver) => Pool::Http(driver.pool()),
            Driver::Script(driver) => Pool::Script(driver.clone()),
        }
    }
}

/// Connections that are used again; clones share them.
#[derive(Clone, Debug)]
pub enum Pool {
    /// Connections of HTTP.
    Http(HttpPool),
    /// None: a script.
    Script(ScriptDriver),
}

impl Pool {
    /// Returns a new, empty pool of the same driver.
    pub fn fresh(&self) -> Pool {
        match self {
            Pool::Http(pool) => Pool::Http(pool.fresh()),
            Pool::Script(driver) => Pool::Script(driver.clone()),
        }
    }

    /// Sends a request and returns what came of it, within its time limit.
    ///
    /// Dropping the future before its end closes the connection.
    pub async fn send(&self, request: &Request) -> Outcome {
        match self {
            Pool::Http(pool) => pool.send(request).await,
            Pool::Script(driver) => driver.send(request).await,
        }
    }
}
