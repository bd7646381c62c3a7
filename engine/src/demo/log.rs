//! The shop's log: one line a request, an independent witness of a run.
//!
//! Lines are gathered in memory and written by a thread, so that a slow disk is not a slow shop. They are never dropped:
//! when the thread falls far behind, requests wait for it.

use std::fs::File;
use std::io::{self, Write as _};
use std::mem;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time until a line is in the file.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Lines are handed over when there are so many bytes of them.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks that may wait for the disk.
const CHUNKS_MAX: usize = 64;

/// Where requests write their lines.
#[derive(Debug)]
pub(super) struct Log {
    lines: Arc<Mutex<Lines>>,
    writer: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

#[derive(Debug)]
struct Lines {
    gathered: Vec<u8>,
    /// `None` once the log is closed.
    chunks: Option<SyncSender<Vec<u8>>>,
}

impl Log {
    /// Creates the file, or empties it.
    pub(super) fn create(path: &Path) -> io::Result<Log> {
        let file = File::create(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let (chunks, received) = sync_channel(CHUNKS_MAX);
        let lines = Lines { gathered: Vec::new(), chunks: Some(chunks) };
        let lines = Arc::new(Mutex::new(lines));
        let gathered = Arc::clone(&lines);
        let writer = std::thread::Builder::new()
            .name("demo-log".to_owned())
            .spawn(move || write(file, &received, &gathered))?;
        Ok(Log { lines, writer: Mutex::new(Some(writer)) })
    }

    /// Adds a line: nanoseconds, method, path, arrival, step.
    pub(super) fn line(&self, at_ns: u64, method: &str, path: &str, arrival: &[u8], step: &[u8]) {
        let mut lines = lock(&self.lines);
        let _infallible = write!(lines.gathered, "{at_ns} {method} {path} ");
        lines.gathered.extend_from_slice(arrival);
        lines.gathered.push(b' ');
        lines.gathered.extend_from_slice(step);
        lines.gathered.push(b'\n');
        if lines.gathered.len() >= CHUNK_BYTES {
            lines.hand_over();
        }
    }

    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// Lines could not be written.
    pub(super) fn close(&self) -> io::Result<()> {
        {
            let mut lines = lock(&self.lines);
            lines.hand_over();
            lines.chunks = None;
        }
        let writer = lock(&self.writer).take();
        let joined = writer.map(JoinHandle::join);
        let panicked = || Err(io::Error::other("the log's writer panicked"));
        joined.map_or(Ok(()), |joined| joined.unwrap_or_else(|_| panicked()))
    }
}

impl Lines {
    fn hand_over(&mut self) {
        let chunk = mem::take(&mut self.gathered);
        if let Some(chunks) = &self.chunks {
            // The writer is gone only after an error, which `close` reports.
            let _gone = chunks.send(chunk);
        }
    }
}

fn write(mut file: File, chunks: &Receiver<Vec<u8>>, lines: &Mutex<Lines>) -> io::Result<()> {
    loop {
        match chunks.recv_timeout(FLUSH_EVERY) {
            Ok(chunk) => file.write_all(&chunk)?,
            Err(RecvTimeoutError::Disconnected) => return file.flush(),
            Err(RecvTimeoutError::Timeout) => {
                // Whoever holds the lock may wait for a free place among the chunks: never wait for them here.
                let Ok(mut lines) = lines.try_lock() else { continue };
                let mut rest = Vec::new();
                // Chunks that came in between are older than what is gathered.
                while let Ok(chunk) = chunks.try_recv() {
                    rest.extend_from_slice(&chunk);
                }
                rest.append(&mut lines.gathered);
                drop(lines);
                file.write_all(&rest)?;
            }
        }
    }
}

/// A thread that panicked while it held the lock leaves at worst a half line behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
