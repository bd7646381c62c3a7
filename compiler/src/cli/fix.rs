//! `plan check --fix`: writes what was certainly meant. A file is replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files::{self, FileError};
use super::{CliError, judge};
use crate::diagnostic::{Diagnostic, Edit, Severity};
use crate::source::Source;

/// How often a file is judged again: a fix can bring to light what it hid.
const ROUNDS_MAX: usize = 10;

/// A plan's text with its fixes made.
#[derive(Debug)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// How many findings were fixed.
    pub fixes: usize,
}

/// Fixes the plan at `path` and returns how many findings that ended.
///
/// # Errors
/// The file cannot be read, or the fixed one cannot be written; the file is then as it was.
pub(super) fn file(path: &Path) -> Result<usize, CliError> {
    let bytes = files::read(path, Source::BYTES_MAX as u64)?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(0) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let fixed = text_of(&path.display().to_string(), text, folder)?;
    if fixed.fixes > 0 {
        replace(path, fixed.text.as_bytes())
            .map_err(|source| CliError::Write { path: path.display().to_string(), source })?;
    }
    Ok(fixed.fixes)
}

/// Makes every fix of the plan `text`, called `name`, again until there is none; a fix that would break the grammar is left out.
///
/// # Errors
/// A data file is too large to be read.
pub fn text_of(name: &str, text: String, folder: &Path) -> Result<Fixed, FileError> {
    let mut fixed = Fixed { text, fixes: 0 };
    for _ in 0..ROUNDS_MAX {
        let (files, found) = judge(name, fixed.text.clone().into_bytes(), folder)?;
        let source = files.plan();
        let fixes = fixes(source, &found);
        if fixes.is_empty() {
            break;
        }
        let broken = grammar(&found);
        let sound = |text: &str| {
            let judged = judge(name, text.as_bytes().to_vec(), folder)?;
            Ok(grammar(&judged.1) <= broken)
        };
        let all = apply(source.text(), fixes.iter().copied());
        if sound(&all)? {
            fixed.text = all;
            fixed.fixes += fixes.len();
            continue;
        }
        // One of them is not what was meant: find those that are.
        let mut good: Vec<&[Edit]> = Vec::new();
        for fix in fixes.into_iter().take(ROUNDS_MAX) {
            let with = good.iter().copied().chain([fix]);
            if sound(&apply(source.text(), with))? {
                good.push(fix);
            }
        }
        if good.is_empty() {
            break;
        }
        fixed.text = apply(source.text(), good.iter().copied());
        fixed.fixes += good.len();
    }
    Ok(fixed)
}

/// Returns the fixes of `found` that do not overlap, in source order.
fn fixes<'f>(source: &Source, found: &'f [Diagnostic]) -> Vec<&'f [Edit]> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut fixes: Vec<&[Edit]> = Vec::new();
    for found in found.iter().filter(|found| !found.fix.is_empty()) {
        let free = |edit: &Edit| {
            let apart =
                |other: &&Edit| other.span.hi < edit.span.lo || edit.span.hi < other.span.lo;
            // Edits come nearly in source order, so that an overlap is among the last.
            edit.span.file == source.id() && taken.iter().rev().take(8).all(apart)
        };
        if found.fix.iter().all(free) {
            taken.extend(&found.fix);
            fixes.push(&found.fix);
        }
    }
    fixes
}

/// Returns `text` with `fixes` made, which do not overlap.
fn apply<'f>(text: &str, fixes: impl Iterator<Item = &'f [Edit]>) -> String {
    let mut edits: Vec<&Edit> = fixes.flatten().collect();
    edits.sort();
    let mut fixed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let (lo, hi) = (edit.span.lo as usize, edit.span.hi as usize);
        let Some(kept) = text.get(at..lo) else { continue };
        fixed.push_str(kept);
        fixed.push_str(&edit.text);
        at = hi;
    }
    fixed.push_str(text.get(at..).unwrap_or(""));
    fixed
}

/// Returns how many errors of the text itself there are.
fn grammar(found: &[Diagnostic]) -> usize {
    let text = |found: &&Diagnostic| {
        found.severity == Severity::Error
            && (found.code.starts_with("plan::syntax::") || found.code.starts_with("plan::yaml::"))
    };
    found.iter().filter(text).count()
}

/// Replaces the file at `path` by `bytes`, with the mode that it has; what reads it sees the old text or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.fix", std::process::id()));
    let written = write_new(&beside, bytes, permissions);
    let done = written.and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // What is wrong is told; the file beside is only in the way.
        let _left = fs::remove_file(&beside);
    }
    done
}

fn write_new(path: &PathBuf, bytes: &[u8], permissions: fs::Permissions) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.set_permissions(permissions)?;
    file.sync_all()
}
