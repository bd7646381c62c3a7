//! Files that commands read: plans with what they name, artifacts, var files. Every size is bounded.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::artifact::Artifact;
use crate::exit::Exit;
use crate::parts;
use crate::source::{FileId, Files, Source, Texts, join};
use crate::verify::{self, ArtifactError};

/// Largest data or body file that is read, in bytes.
pub const DATA_BYTES_MAX: u64 = 1 << 30;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read `{path}`")]
    Read {
        /// As the user wrote it.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is larger than what is read.
    #[error("`{path}` has more than {bytes_max} bytes")]
    TooLarge {
        /// As the user wrote it.
        path: String,
        /// The limit.
        bytes_max: u64,
    },
    /// A plan or var file is not text.
    #[error("`{path}` is not UTF-8: byte {at} is invalid")]
    NotText {
        /// As the user wrote it.
        path: String,
        /// First invalid byte, from 0.
        at: usize,
    },
    /// An artifact is refused.
    #[error("cannot use the artifact `{path}`")]
    Artifact {
        /// As the user wrote it.
        path: String,
        /// Why.
        source: ArtifactError,
    },
}

impl FileError {
    /// Returns what the error means for the process.
    pub fn exit(&self) -> Exit {
        match self {
            FileError::Read { .. } | FileError::TooLarge { .. } => Exit::Usage,
            // What is wrong with a plan's text rejects the plan.
            FileError::NotText { .. } => Exit::Rejected,
            FileError::Artifact { .. } => Exit::ArtifactRefused,
        }
    }
}

/// What a path given as PLAN or ARTIFACT holds.
#[derive(Debug)]
pub enum Input {
    /// A plan and what it names, not yet compiled.
    Plan(Box<Files>),
    /// A verified artifact.
    Artifact(Box<Artifact>),
}

/// Reads a plan or an artifact, whichever `path` is: an artifact's first key is `artifact`.
///
/// # Errors
/// As [`load_plan`], and when an artifact is refused.
pub fn open(path: &Path, data_dir: Option<&Path>) -> Result<Input, FileError> {
    let bytes = read(path, verify::BYTES_MAX as u64)?;
    if is_artifact(&bytes) {
        let refused = |source| FileError::Artifact { path: path.display().to_string(), source };
        return verify::load(&bytes).map(Box::new).map(Input::Artifact).map_err(refused);
    }
    let plan = source(path, FileId::PLAN, bytes)?;
    Ok(Input::Plan(Box::new(with_files(plan, folder_of(path), data_dir)?)))
}

/// Reads a plan, its parts, and every data and body file that they name.
///
/// Parts are relative to the plan's folder, data and body files to `data_dir` if there is one. A named file that cannot be read is left out: compiling reports it where the plan names it.
///
/// # Errors
/// The plan cannot be read, is no text, or a file is too large.
pub fn load_plan(path: &Path, data_dir: Option<&Path>) -> Result<Files, FileError> {
    let bytes = read(path, Source::BYTES_MAX as u64)?;
    let plan = source(path, FileId::PLAN, bytes)?;
    with_files(plan, folder_of(path), data_dir)
}

/// Reads the file of `--var-file`.
///
/// # Errors
/// It cannot be read or is no text.
pub fn load_var_file(path: &Path) -> Result<Source, FileError> {
    source(path, FileId::VAR_FILE, read(path, Source::BYTES_MAX as u64)?)
}

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// It cannot be read or is larger.
#[expect(clippy::disallowed_methods, reason = "the command line reads files for the compiler")]
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let shown = || path.display().to_string();
    let failed = |source| FileError::Read { path: shown(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // A device or a growing file has no honest length: count what arrives.
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if read as u64 > bytes_max {
        return Err(FileError::TooLarge { path: shown(), bytes_max });
    }
    Ok(bytes)
}

/// Returns the folder that a plan's paths are relative to.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads what `plan`, which lies in `folder`, includes, and what both name.
pub(super) fn with_files(
    plan: Source,
    folder: &Path,
    data_dir: Option<&Path>,
) -> Result<Files, FileError> {
    let mut files = Files::new(plan);
    add_parts(&mut files, folder)?;
    for name in parts::file_paths(&files) {
        match read(&data_dir.unwrap_or(folder).join(&name), DATA_BYTES_MAX) {
            Ok(bytes) => files.add(name, bytes),
            Err(FileError::Read { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

/// Reads the parts of the plan in `files`, and theirs, within the compiler's limits.
fn add_parts(files: &mut Files, folder: &Path) -> Result<(), FileError> {
    let mut wanted: VecDeque<String> = parts::included(files.plan(), "").into();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut bytes_left = parts::BYTES_MAX;
    while let Some(path) = wanted.pop_front() {
        if seen.len() == parts::PARTS_MAX || bytes_left == 0 {
            break;
        }
        if !seen.insert(path.clone()) {
            continue;
        }
        let bytes = match read(&folder.join(&path), Source::BYTES_MAX as u64) {
            Ok(bytes) => bytes,
            // Compiling reports it where it is included.
            Err(FileError::Read { .. }) => continue,
            Err(error) => return Err(error),
        };
        bytes_left = bytes_left.saturating_sub(bytes.len());
        let name = shown(files.plan().name(), &path);
        files.add_part(path.as_str(), name, bytes);
        let Some(part) = files.part(&path) else { continue };
        wanted.extend(parts::included(&part.source, files.folder(part.source.id())));
    }
    Ok(())
}

/// Returns the name of the part at `path` as the user would write it who calls the plan `plan`.
fn shown(plan: &str, path: &str) -> String {
    let plan = plan.replace('\\', "/");
    let folder = plan.rfind('/').map_or("", |at| &plan[..at]);
    let root = if plan.starts_with('/') { "/" } else { "" };
    format!("{root}{}", join(folder, path))
}

fn source(path: &Path, id: FileId, bytes: Vec<u8>) -> Result<Source, FileError> {
    let shown = path.display().to_string();
    if bytes.len() > Source::BYTES_MAX {
        let bytes_max = Source::BYTES_MAX as u64;
        return Err(FileError::TooLarge { path: shown, bytes_max });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(id, shown, text)),
        Err(error) => Err(FileError::NotText { path: shown, at: error.utf8_error().valid_up_to() }),
    }
}

/// Tells an artifact from a plan by its first key, so that a cut or edited artifact is judged as one.
fn is_artifact(bytes: &[u8]) -> bool {
    let opened = bytes.trim_ascii_start().strip_prefix(b"{");
    opened.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"artifact\""))
}

/// Replaces the file at `path` by `bytes`, with the mode that it has, or makes it; what reads it sees the old content or the
/// new one.
///
/// # Errors
/// It is read-only, or the folder cannot be written to; the file is then as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link.
    let path = fs::canonicalize(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(path.to_owned()),
        _ => Err(error),
    })?;
    let permissions = fs::metadata(&path).ok().map(|there| there.permissions());
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_new(&beside, bytes, permissions);
    let done = written.and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // What is wrong is told; the file beside is only in the way.
        let _left = fs::remove_file(&beside);
    }
    done
}

fn write_new(path: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_known_by_its_first_key() {
        assert!(is_artifact(b" {\n  \"artifact\": 1"));
        assert!(!is_artifact(b"{ version: 1, name: artifact }"));
        assert!(!is_artifact(b"version: 1"));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("a.yaml");
        assert_eq!(load_plan(&missing, None).unwrap_err().exit(), Exit::Usage);
        let mut binary = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut binary, b"name: \xff").unwrap();
        let error = load_plan(binary.path(), None).unwrap_err();
        assert_eq!(error.exit(), Exit::Rejected);
        assert!(error.to_string().ends_with("is not UTF-8: byte 6 is invalid"), "{error}");
        assert!(matches!(read(binary.path(), 6), Err(FileError::TooLarge { .. })));
        assert_eq!(read(binary.path(), 7).unwrap().len(), 7);
    }
}
