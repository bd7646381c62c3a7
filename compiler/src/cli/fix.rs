//! `plan check --fix`: writes what was certainly meant. A file is replaced as a whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::{self, FileError};
use super::{CliError, judge, write_failed};
use crate::diagnostic::{Diagnostic, Diagnostics, Edit};
use crate::source::{FileId, Source, Span};
use crate::syntax;

/// How often a file is judged again: a fix can bring to light what it hid.
const ROUNDS_MAX: usize = 10;

/// How many fixes of a round are tried one by one where all of them together break the grammar.
const TRIED_MAX: usize = 100;

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
        files::replace(path, fixed.text.as_bytes()).map_err(|source| write_failed(path, source))?;
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
        let broken = grammar(name, source.text());
        let sound = |text: &str| grammar(name, text) <= broken;
        let all = apply(source.text(), fixes.iter().copied());
        if sound(&all) {
            fixed.text = all;
            fixed.fixes += fixes.len();
            continue;
        }
        // One of them is not what was meant: find those that are.
        let mut good: Vec<&[Edit]> = Vec::new();
        for fix in fixes.into_iter().take(TRIED_MAX) {
            let with = good.iter().copied().chain([fix]);
            if sound(&apply(source.text(), with)) {
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
    let mut taken: BTreeSet<Span> = BTreeSet::new();
    let mut fixes: Vec<&[Edit]> = Vec::new();
    for found in found.iter().filter(|found| !found.fix.is_empty()) {
        let free = |edit: &Edit| {
            let (before, after) =
                (taken.range(..=edit.span).next_back(), taken.range(edit.span..).next());
            edit.span.file == source.id()
                && before.is_none_or(|other| other.hi < edit.span.lo)
                && after.is_none_or(|other| edit.span.hi < other.lo)
        };
        if found.fix.iter().all(free) {
            taken.extend(found.fix.iter().map(|edit| edit.span));
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

/// Returns how many errors the plan `text`, called `name`, has by itself.
fn grammar(name: &str, text: &str) -> usize {
    let mut sink = Diagnostics::new();
    syntax::parse(&Source::new(FileId::PLAN, name, text), &mut sink);
    sink.errors().count()
}
