//! Where an agent keeps results that nobody has taken: files that outlive the process, and memory where there are none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::keep::{KeptError, Results, kept_of};
use super::state::KEPT_MAX;
use crate::clock::Clock;
use crate::cluster::is_token;
use crate::cluster::wire::Kept;

/// Most bytes of all files together; the oldest go first.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Runs whose results are kept in memory because no file takes them; the oldest goes first.
const IN_MEMORY_MAX: usize = 4;

/// How the files end.
const SUFFIX: &str = "kept";

/// How the results of runs are kept that nobody has taken.
#[derive(Clone, Debug)]
pub struct KeepOptions {
    /// Folder of the files; below it one for each cluster and agent. `None`: in memory, as long as the process lives.
    pub folder: Option<PathBuf>,
    /// For how long.
    pub keep: Duration,
}

/// Results of one agent. Cheap to clone; calls block.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    options: Arc<KeepOptions>,
    /// Of this cluster and agent.
    own: Option<PathBuf>,
    clock: Clock,
    /// What no file took, oldest first.
    memory: Arc<Mutex<Vec<Results>>>,
}

impl Shelf {
    pub(crate) fn new(options: KeepOptions, cluster: &str, agent: &str, clock: Clock) -> Shelf {
        let own = options.folder.as_ref().map(|folder| folder.join(cluster).join(agent));
        Shelf { options: Arc::new(options), own, clock, memory: Arc::default() }
    }

    /// Returns what is there, the latest last, and removes whatever is too old; of the newest runs alone.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        self.tidy(0);
        let own = self.own.as_deref();
        let files = own.map(files_in).unwrap_or_default();
        let mut kept: Vec<(u64, Kept)> = Vec::new();
        for file in files {
            let opened = fs::File::open(&file.path).map_err(KeptError::from);
            match opened.and_then(|file| kept_of(BufReader::new(file))) {
                Ok(it) => kept.push((file.written_ms, it)),
                Err(error) => say_unusable(&file.path, &error),
            }
        }
        kept.sort_by_key(|(written, _)| *written);
        let surplus = kept.len().saturating_sub(KEPT_MAX);
        kept.into_iter().skip(surplus).map(|(_, kept)| kept).collect()
    }

    /// Keeps `results`, on disk when this returns.
    ///
    /// # Errors
    /// No file takes them, a sentence for the operator; they are kept in memory.
    pub(crate) fn put(&self, results: Results) -> Result<(), String> {
        let (Some(own), Some(path)) = (&self.own, self.file(&results.kept())) else {
            self.remember(results);
            return Ok(());
        };
        let written = results.to_text().map_err(|error| error.to_string()).and_then(|text| {
            self.tidy(text.len() as u64);
            write(own, &path, text.as_bytes()).map_err(|error| error.to_string())
        });
        written.map_err(|error| {
            let run = results.run.clone();
            self.remember(results);
            let place = own.display();
            format!(
                "the results of run {run} are kept in memory alone, {place} takes no file: {error}"
            )
        })
    }

    /// Returns the results of `kept`, which stay.
    pub(crate) fn get(&self, kept: &Kept) -> Option<Results> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(results) = memory.iter().find(|results| results.kept().is_of(kept)) {
            return Some(results.clone());
        }
        drop(memory);
        let path = self.file(kept)?;
        let read = fs::read_to_string(&path).map_err(KeptError::from);
        let results = read.and_then(|text| Results::from_text(&text));
        results.inspect_err(|error| say_unusable(&path, error)).ok()
    }

    /// Forgets the results of `kept`.
    pub(crate) fn remove(&self, kept: &Kept) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.retain(|results| !results.kept().is_of(kept));
        drop(memory);
        if let Some(path) = self.file(kept) {
            discard(&path);
        }
    }

    /// Returns where results are kept; the run's name came from elsewhere and must not lead out of the folder.
    fn file(&self, kept: &Kept) -> Option<PathBuf> {
        let Kept { run, process, from_seq: _ } = kept;
        let own = self.own.as_ref().filter(|_| is_token(run) && is_token(process))?;
        Some(own.join(format!("{run}-{process}.{SUFFIX}")))
    }

    fn remember(&self, results: Results) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.retain(|known| !known.kept().is_of(&results.kept()));
        memory.push(results);
        if memory.len() > IN_MEMORY_MAX {
            memory.remove(0);
        }
    }

    /// Removes files that are too old, of all clusters and agents, then the oldest until `more` bytes fit beside the others.
    fn tidy(&self, more: u64) {
        let Some(folder) = &self.options.folder else { return };
        let folders = folders_in(folder);
        let agents = folders.iter().flat_map(|cluster| folders_in(cluster));
        let mut files: Vec<Entry> = agents.flat_map(|agent| files_in(&agent)).collect();
        files.sort_by_key(|file| file.written_ms);
        let keep_ms = u64::try_from(self.options.keep.as_millis()).unwrap_or(u64::MAX);
        let now_ms = self.clock.unix_ms();
        let mut sum: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            let old = now_ms.saturating_sub(file.written_ms) >= keep_ms;
            if old || sum.saturating_add(more) > BYTES_MAX {
                discard(&file.path);
                sum = sum.saturating_sub(file.bytes);
            }
        }
    }
}

/// A file with results.
struct Entry {
    path: PathBuf,
    written_ms: u64,
    bytes: u64,
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).collect()
}

fn files_in(folder: &Path) -> Vec<Entry> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let files = entries.filter_map(Result::ok).filter_map(|entry| {
        let path = entry.path();
        let about = entry.metadata().ok()?;
        let written = about.modified().ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let written_ms = u64::try_from(written.ok()?.as_millis()).ok()?;
        let ours = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        ours.then_some(Entry { path, written_ms, bytes: about.len() })
    });
    files.collect()
}

/// Writes a file that is there whole or not at all, readable for this user alone.
fn write(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let new = path.with_extension("new");
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = open.open(&new)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    if let Err(error) = written {
        discard(&new);
        return Err(error);
    }
    fs::rename(&new, path)?;
    // The name has to be on disk too; where a folder cannot be opened, it is soon.
    File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
}

fn say_unusable(path: &Path, error: &KeptError) {
    tracing::warn!(%error, path = %path.display(), "kept results cannot be used");
}

fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "cannot be removed");
    }
}

#[cfg(test)]
mod tests;
