//! Waits for the signals that ask a program to end.

use std::io;

use tokio::sync::watch;

use super::note;
use crate::cluster::StopRequest;

/// What asks a program to end: SIGINT and SIGTERM; elsewhere Ctrl-C.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen; from now on neither ends the process by itself.
    ///
    /// # Errors
    /// The system does not let us.
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Signals { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Signals> {
        Ok(Signals {})
    }

    /// Waits for one of them.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _signal = self.terminate.recv() => {}
            _signal = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        // Without a way to be told, the process runs until it is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Returns a channel on which the first signal asks to drain, after a `hint` to the operator, the second to abort.
///
/// # Errors
/// The system does not let us listen.
pub(super) fn stop_requests(
    hint: &'static str,
) -> io::Result<watch::Receiver<Option<StopRequest>>> {
    let mut signals = Signals::new()?;
    let (stop, stopped) = watch::channel(None);
    tokio::spawn(async move {
        for request in [StopRequest::Drain, StopRequest::Abort] {
            signals.next().await;
            if request == StopRequest::Drain {
                note(hint);
            }
            stop.send_replace(Some(request));
        }
        stop.closed().await;
    });
    Ok(stopped)
}
