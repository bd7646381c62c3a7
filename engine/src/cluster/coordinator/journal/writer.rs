//! The journal's file: lines are handed to the system before what they say is acknowledged, and reach the disk each second.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::compact::{beside, clean, compact};
use super::notes::Notes;
use super::{FILE, Head, JournalError, Line, Past, put};
use crate::clock::Ticks;
use crate::cluster::coordinator::state::{Coordinator, Effect};

/// A journal is written anew above this length, in bytes, or above four times its length after the last time.
const LENGTH_MAX: u64 = 512 * 1024 * 1024;

const SECOND_NS: u64 = 1_000_000_000;

/// Longest wait for the disk when a run is over.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// A run's journal, open for writing. Once it cannot be written it takes nothing more.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    run: String,
    /// Number of histograms of a window.
    series: usize,
    /// `None` once it is broken.
    file: Option<File>,
    length: u64,
    /// Length above which it is written anew.
    length_max: u64,
    notes: Notes,
    /// When it was last looked after.
    tended: Option<Ticks>,
    sync: Option<JoinHandle<io::Result<()>>>,
    renewal: Option<Renewal>,
}

/// A journal that is being written anew, and the lines that have come meanwhile.
#[derive(Debug)]
struct Renewal {
    task: JoinHandle<io::Result<(File, u64)>>,
    since: Vec<u8>,
}

impl Journal {
    /// Begins the journal of `run` at `path`, where there must be none.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn create(path: &Path, run: &str, head: Head, series: usize) -> io::Result<Journal> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        lock(&file)?;
        let mut journal = Journal::of(path, run, series, file, 0);
        journal.write([Line::Head(head)])?;
        Ok(journal)
    }

    /// Goes on with the journal at `path` behind what `past` holds of it.
    ///
    /// # Errors
    /// It cannot be written, or another process writes it.
    pub(crate) fn resume(path: &Path, past: &Past, series: usize) -> Result<Journal, JournalError> {
        let opened = OpenOptions::new().append(true).open(path).and_then(|file| {
            lock(&file)?;
            file.set_len(past.length)?;
            Ok(file)
        });
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => JournalError::InUse(path.to_owned()),
            _ => JournalError::Io { path: path.to_owned(), source },
        })?;
        clean(path);
        let mut journal = Journal::of(path, &past.run, series, file, past.length);
        journal.notes = Notes::of(past);
        Ok(journal)
    }

    fn of(path: &Path, run: &str, series: usize, file: File, length: u64) -> Journal {
        Journal {
            path: path.to_owned(),
            run: run.to_owned(),
            series,
            file: Some(file),
            length,
            length_max: LENGTH_MAX.max(4 * length),
            notes: Notes::default(),
            tended: None,
            sync: None,
            renewal: None,
        }
    }

    /// Writes down what `effects` of `coordinator` have changed; to be called before they are performed.
    ///
    /// # Errors
    /// It cannot be written; nothing more will be.
    pub(crate) async fn note(
        &mut self,
        coordinator: &Coordinator,
        effects: &[Effect],
        now: Ticks,
        unix_ms: u64,
    ) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let lines = self.notes.lines(coordinator, effects, now, unix_ms);
        let tended = self.tended.is_some_and(|tended| now < tended.saturating_add(SECOND_NS));
        let mut done = self.write(lines);
        if !tended && done.is_ok() {
            self.tended = Some(now);
            done = self.tend().await;
        }
        if done.is_err() {
            self.file = None;
        }
        done
    }

    /// Brings what was written to the disk, within a limit, and lets go of the file.
    pub(crate) async fn close(self) {
        // What was begun holds the file open.
        if let Some(sync) = self.sync
            && tokio::time::timeout(CLOSE_WAIT, sync).await.is_err()
        {
            tracing::warn!("the journal did not reach the disk in time");
        }
    }

    fn write(&mut self, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
        let mut text = Vec::new();
        lines.into_iter().try_for_each(|line| put(&mut text, &self.run, line))?;
        let Some(file) = self.file.as_mut().filter(|_| !text.is_empty()) else { return Ok(()) };
        file.write_all(&text)?;
        self.length += text.len() as u64;
        if let Some(renewal) = &mut self.renewal {
            renewal.since.extend_from_slice(&text);
        }
        Ok(())
    }

    /// Brings what was written to the disk and renews a file that has grown, both beside the run.
    async fn tend(&mut self) -> io::Result<()> {
        if let Some(sync) = self.sync.take_if(|sync| sync.is_finished()) {
            sync.await.unwrap_or_else(|error| Err(io::Error::other(error)))?;
        }
        if let Some(renewal) = self.renewal.take_if(|renewal| renewal.task.is_finished()) {
            self.renew(renewal).await;
        }
        let Some(file) = &self.file else { return Ok(()) };
        if self.sync.is_none() {
            let file = file.try_clone()?;
            self.sync = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        }
        let grown_anew =
            |renewal: &Renewal| u64::try_from(renewal.since.len()).is_ok_and(|n| n > LENGTH_MAX);
        if self.renewal.as_ref().is_some_and(grown_anew) {
            // It takes too long to be worth its memory; the old file goes on.
            self.renewal = None;
            self.length_max = self.length.saturating_mul(4);
        } else if self.length > self.length_max && self.renewal.is_none() {
            let (path, length, series) = (self.path.clone(), self.length, self.series);
            let task = tokio::task::spawn_blocking(move || compact(&path, length, series));
            self.renewal = Some(Renewal { task, since: Vec::new() });
        }
        Ok(())
    }

    /// Puts a journal that was written anew in the old one's place, unless it failed: then the old one goes on.
    async fn renew(&mut self, renewal: Renewal) {
        let Renewal { task, since } = renewal;
        let swapped = task.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let swapped = swapped.and_then(|(mut file, length)| {
            lock(&file)?;
            file.write_all(&since)?;
            fs::rename(beside(&self.path), &self.path)?;
            Ok((file, length + since.len() as u64))
        });
        match swapped {
            Ok((file, length)) => {
                self.file = Some(file);
                self.length = length;
            }
            Err(error) => tracing::warn!(%error, "the journal could not be written anew"),
        }
        self.length_max = LENGTH_MAX.max(self.length.saturating_mul(4));
    }
}

impl Past {
    /// Reads the journal in the results folder `folder`, which must be of run `run`.
    ///
    /// # Errors
    /// There is none, it cannot be read, is of another run, or is damaged.
    pub fn open(folder: &Path, run: &str) -> Result<Past, JournalError> {
        let path = folder.join(FILE);
        match File::open(&path) {
            Ok(file) => Past::read(BufReader::new(file), Some(run)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(JournalError::Missing(path))
            }
            Err(source) => Err(JournalError::Io { path, source }),
        }
    }
}

/// Takes a journal for this process, as long as it has it open; where files cannot be locked, nobody is kept out.
///
/// # Errors
/// Another process has it.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Returns of which run the journal in `folder` is, if there is one.
pub fn run_in(folder: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(folder.join(FILE)).ok()?).read_until(b'\n', &mut line).ok()?;
    Past::read(&line[..], None).ok().map(|past| past.run)
}

/// Removes the journal in the results folder `folder`, if there is one: the results are written.
///
/// # Errors
/// It cannot be removed.
pub fn remove(folder: &Path) -> io::Result<()> {
    let path = folder.join(FILE);
    clean(&path);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
