//! The demo shop: a small system under test with faults to order, on a thread and runtime of its own.

mod log;
mod shop;

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use axum::Router;
use axum::serve::ListenerExt as _;
use compiler::unit::Share;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

use self::log::Log;
use self::shop::Shop;
use crate::clock::Clock;

/// Connections that may wait to be accepted: bursts of new connections are what load tests make.
const BACKLOG: u32 = 4096;

/// How the shop behaves.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Root of its random latencies and errors.
    pub seed: u64,
    /// Mean latency in nanoseconds, exponentially distributed; 0 answers at once.
    pub latency_ns: u64,
    /// Share of requests that are answered with 500.
    pub errors: Share,
    /// When nothing is answered.
    pub stall: Option<Stall>,
    /// A file that gets one line for each request; an existing one is overwritten.
    pub log: Option<PathBuf>,
}

/// A stretch of time in which nothing is answered: requests wait for its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stall {
    /// Its beginning, in nanoseconds from the start of the shop.
    pub at_ns: u64,
    /// Its length in nanoseconds.
    pub length_ns: u64,
}

impl Default for DemoOptions {
    fn default() -> DemoOptions {
        DemoOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 0,
            latency_ns: 5_000_000,
            errors: Share(0),
            stall: None,
            log: None,
        }
    }
}

/// A running shop; dropping it stops it.
#[derive(Debug)]
pub struct Demo {
    /// Where it listens.
    pub addr: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<io::Result<()>>)>,
}

/// Starts a shop and returns when it listens.
///
/// # Errors
/// The address cannot be listened on, or the log cannot be created.
pub fn start(options: DemoOptions, clock: Clock) -> io::Result<Demo> {
    let (stop, stopped) = oneshot::channel();
    let (listening, listens) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("demo".to_owned())
        .spawn(move || serve(&options, clock, &listening, stopped))?;
    match listens.recv() {
        Ok(addr) => Ok(Demo { addr, running: Some((stop, thread)) }),
        // The thread has ended before it listened: its result says why.
        Err(mpsc::RecvError) => Err(match join(thread) {
            Err(error) => error,
            Ok(()) => io::Error::other("the demo shop ended at once"),
        }),
    }
}

impl Demo {
    /// Stops the shop and writes the rest of its log.
    ///
    /// # Errors
    /// The log could not be written.
    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        let Some((stop, thread)) = self.running.take() else { return Ok(()) };
        // An error means that it has ended by itself.
        let _ended = stop.send(());
        join(thread)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the demo shop's log is not complete");
        }
    }
}

fn join(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the demo shop panicked")))
}

/// Serves until `stopped`; tells `listening` the address once there is one.
fn serve(
    options: &DemoOptions,
    clock: Clock,
    listening: &mpsc::SyncSender<SocketAddr>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let log = options.log.as_deref().map(Log::create).transpose()?.map(Arc::new);
    let shop = Arc::new(Shop::new(options, clock, log.clone()));
    let served = runtime.block_on(async {
        let listener = listen(options.listen)?;
        let addr = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // A connection that is gone already fails when it is read.
            let _gone = stream.set_nodelay(true);
        });
        let router = Router::new().fallback(shop::handle).with_state(shop);
        let _caller_gone = listening.send(addr);
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served,
            _stopped = stopped => Ok(()),
        }
    });
    drop(runtime);
    let logged = log.map_or(Ok(()), |log| log.close());
    served.and(logged)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests;
