//! A process of ours: what it said last, and its end within a limit.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Lines that are kept of what a process said.
const LINES_MAX: usize = 5;

/// Most of one line that is kept, in bytes.
const LINE_BYTES_MAX: u64 = 400;

/// Longest wait for the last words of a process that was ended.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// Returns how to start `program` so that it ends with this process, even when that is killed: `volley keep` ends it
/// once the pipe of its standard input is closed. It is kept off the terminal: an interrupt is for the coordinator,
/// which stops its agents itself.
pub(super) fn kept(keeper: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(keeper);
    command.args(["keep", "--"]).arg(program);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    command
}

/// Ends a kept program within `limit`.
pub(super) async fn end(mut child: Child, limit: Duration) {
    drop(child.stdin.take());
    if tokio::time::timeout(limit, child.wait()).await.is_err() {
        child.start_kill().ok();
        tokio::time::timeout(limit, child.wait()).await.ok();
    }
}

/// Returns how `command` ended; `None` if it did not within `limit`, and is killed.
pub(super) async fn status(
    mut command: Command,
    limit: Duration,
) -> Option<std::io::Result<ExitStatus>> {
    command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    tokio::time::timeout(limit, command.status()).await.ok()
}

/// The last lines of what a process says on standard error.
#[derive(Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<VecDeque<String>>>,
    reading: JoinHandle<()>,
}

impl LastWords {
    /// Listens to `child`, whose standard error must be piped.
    pub(super) fn of(child: &mut Child) -> LastWords {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (heard, stderr) = (Arc::clone(&lines), child.stderr.take());
        let reading = tokio::spawn(async move {
            if let Some(stderr) = stderr {
                listen(stderr, &heard).await;
            }
        });
        LastWords { lines, reading }
    }

    /// Returns the last lines, joined, once the process is done talking; empty if it said nothing.
    pub(super) async fn told(self) -> String {
        let reading = self.reading.abort_handle();
        tokio::time::timeout(LAST_WORDS_WAIT, self.reading).await.ok();
        reading.abort();
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ")
    }
}

/// Reads to the end and keeps the last lines; a line that is too long is cut into several.
async fn listen(stderr: impl AsyncRead + Unpin, lines: &Mutex<VecDeque<String>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stderr).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
        if !read.is_ok_and(|count| count > 0) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let text: String = text.trim_end().chars().filter(|c| !c.is_control()).collect();
        if text.is_empty() {
            continue;
        }
        let mut kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES_MAX {
            kept.pop_front();
        }
        kept.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept_and_no_more() {
        let lines = Mutex::default();
        let long = "x".repeat(5 * 400 + 7);
        listen(format!("{long}\none\n\n\u{1b}two\r\nthree").as_bytes(), &lines).await;
        let kept: Vec<String> = lines.into_inner().unwrap().into();
        let x = "x".repeat(400);
        assert_eq!(kept, [x.as_str(), "xxxxxxx", "one", "two", "three"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_never_ends_is_not_waited_for() {
        let mut hangs = Command::new("sleep");
        hangs.arg("1000");
        assert!(status(hangs, Duration::from_secs(10)).await.is_none());
    }
}
