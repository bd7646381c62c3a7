//! `plan check`: every problem of every file in one pass.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::checked::{self, Checked, Finding, count, findings};
use super::files::{self, FileError};
use super::render::{self, Look};
use super::{CliError, fix, github, json, report, sarif};
use crate::compile;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::exit::Exit;
use crate::parts::{self, FRAGMENT};
use crate::source::{FileId, Files, Source};

/// Folders below the given one that are entered; deeper ones are counted as skipped.
const DEPTH_MAX: usize = 64;

/// Checks plans: files, and every plan below a folder
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Files, or folders whose `*.yaml` and `*.yml` plans are checked
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// How to write what is found; all but `human` go to standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Let warnings fail too
    #[arg(long)]
    strict: bool,
    /// Write what was certainly meant into the files, then check what is left
    #[arg(long)]
    fix: bool,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people, on standard error
    Human,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands, for GitHub
    Github,
}

/// Checks what `args` names.
///
/// # Errors
/// The output cannot be written; files that cannot be read are reported and remembered instead.
pub(super) fn run(
    args: &CheckArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut search = Search::default();
    for path in &args.paths {
        search.add(path);
    }
    search.plans.sort();
    search.plans.dedup();
    let mut unusable = false;
    for (path, source) in search.unreadable {
        let path = path.display().to_string();
        report(&CliError::File(FileError::Read { path, source }), err);
        unusable = true;
    }
    if args.fix {
        unusable |= fix_all(&search.plans, err)?;
    }
    let mut checked = Vec::new();
    // Parts are judged where they are included; one that no plan includes is judged alone.
    let mut included = BTreeSet::new();
    let mut alone = 0;
    let (parts, plans): (Vec<_>, Vec<_>) = search.plans.iter().partition(|path| is_part(path));
    let plans = plans.into_iter().map(|path| (path, false));
    for (path, is_part) in plans.chain(parts.into_iter().map(|path| (path, true))) {
        if is_part && included.contains(&real(path)) {
            continue;
        }
        match check(path) {
            Ok(plan) => {
                alone += usize::from(is_part);
                let folder = path.parent().unwrap_or(Path::new(""));
                let parts = plan.files.parts().iter();
                included.extend(parts.map(|part| real(&folder.join(&part.path))));
                checked.push(plan);
            }
            Err(error) => {
                report(&CliError::File(error), err);
                unusable = true;
            }
        }
    }
    let found = findings(&checked);
    let files = checked::files(&checked);
    match args.format {
        Format::Human => human(&found, files, (search.skipped, alone), err)?,
        Format::Json => json::write(&found, files, out)?,
        Format::Sarif => sarif::write(&found, out)?,
        Format::Github => github::write(&found, out)?,
    }
    let errors = count(&found, Severity::Error);
    let warnings = count(&found, Severity::Warning);
    Ok(match (unusable, errors > 0 || (args.strict && warnings > 0)) {
        (true, _) => Exit::Usage,
        (false, true) => Exit::Rejected,
        (false, false) => Exit::Passed,
    })
}

/// Fixes the files at `paths`, and returns whether one could not be written.
fn fix_all(paths: &[PathBuf], err: &mut dyn Write) -> io::Result<bool> {
    let mut unusable = false;
    for path in paths {
        match fix::file(path) {
            Ok(0) => {}
            Ok(fixes) => {
                writeln!(err, "fixed {} in {}", number(fixes, "problem"), path.display())?;
            }
            // What cannot be read is told when it is checked.
            Err(CliError::File(_)) => {}
            Err(error) => {
                report(&error, err);
                unusable = true;
            }
        }
    }
    Ok(unusable)
}

/// Returns a path that is the same however the file is named.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns whether the file at `path` is a part of plans.
fn is_part(path: &Path) -> bool {
    files::read(path, Source::BYTES_MAX as u64).is_ok_and(|bytes| has(&bytes, FRAGMENT))
}

/// Checks one file and what it includes.
fn check(path: &Path) -> Result<Checked, FileError> {
    let bytes = match files::read(path, Source::BYTES_MAX as u64) {
        Err(FileError::TooLarge { path, bytes_max }) => return Ok(too_large(&path, bytes_max)),
        read => read?,
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let (files, found) = judge(&path.display().to_string(), bytes, folder)?;
    Ok(Checked { files, found })
}

/// Returns the finding of a plan that is not read because it is too large.
fn too_large(name: &str, bytes_max: u64) -> Checked {
    let source = Source::new(FileId::PLAN, name, "");
    let message = format!("the file has more than {bytes_max} bytes");
    let found = Diagnostic::error("plan::limit::exceeded", source.span(0, 0), message)
        .label("not read")
        .help("split the plan, and put what it sends into files of their own");
    Checked { files: Files::new(source), found: vec![found] }
}

/// Returns what is found in the plan `bytes`, called `name`, and in its parts; what it names is below `folder`.
///
/// # Errors
/// A data file or part is too large to be read; one that cannot be opened is a finding.
pub fn judge(
    name: &str,
    bytes: Vec<u8>,
    folder: &Path,
) -> Result<(Files, Vec<Diagnostic>), FileError> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = Source::new(FileId::PLAN, name, text);
            let found = parts::not_text(&source, error.utf8_error().valid_up_to());
            return Ok((Files::new(source), vec![found]));
        }
    };
    let files = files::with_files(Source::new(FileId::PLAN, name, text), folder, None)?;
    let mut sink = Diagnostics::new();
    compile::check(&files, &mut sink);
    Ok((files, sink.into_sorted()))
}

/// Writes findings for people, and one summary line last.
fn human(
    found: &[Finding<'_>],
    files: usize,
    (skipped, alone): (usize, usize),
    err: &mut dyn Write,
) -> io::Result<()> {
    let look = Look::detect();
    let shown = render::shown(found, |finding| finding.found.severity);
    for finding in &shown {
        let sources: Vec<&Source> = finding.files.sources().collect();
        render::write(&sources, std::slice::from_ref(finding.found), look, err)?;
    }
    let more = found.len() - shown.len();
    if more > 0 {
        writeln!(err, "… and {}; every one is in `--format json`\n", number(more, "more finding"))?;
    }
    let errors = number(count(found, Severity::Error), "error");
    let warnings = number(count(found, Severity::Warning), "warning");
    let skipped = match skipped {
        0 => String::new(),
        skipped => format!(", {} skipped (no plan)", number(skipped, "file")),
    };
    let alone = match alone {
        0 => String::new(),
        alone => format!(
            ", {} judged alone (names are judged where it is included)",
            number(alone, "part")
        ),
    };
    writeln!(err, "checked {}: {errors}, {warnings}{skipped}{alone}", number(files, "file"))
}

fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Looks for plans.
#[derive(Default)]
struct Search {
    plans: Vec<PathBuf>,
    skipped: usize,
    unreadable: Vec<(PathBuf, io::Error)>,
}

impl Search {
    /// Adds the file `path`, or the plans below the folder `path`.
    fn add(&mut self, path: &Path) {
        if path.is_dir() { self.enter(path, 0) } else { self.plans.push(path.to_owned()) }
    }

    #[expect(clippy::disallowed_methods, reason = "the command line reads folders")]
    fn enter(&mut self, folder: &Path, depth: usize) {
        let read = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match read {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push((folder.to_owned(), error)),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Links to folders are not followed: they may lead back.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = match folder == Path::new(".") {
                true => PathBuf::from(entry.file_name()),
                false => entry.path(),
            };
            if is_folder && !name.starts_with('.') {
                if depth < DEPTH_MAX { self.enter(&path, depth + 1) } else { self.skipped += 1 }
            } else if !is_folder && (name.ends_with(".yaml") || name.ends_with(".yml")) {
                self.consider(path);
            }
        }
    }

    /// Adds a file found in a folder if it looks like a plan.
    fn consider(&mut self, path: PathBuf) {
        if path.is_dir() {
            return;
        }
        match files::read(&path, Source::BYTES_MAX as u64) {
            Ok(bytes) if is_plan(&bytes) => self.plans.push(path),
            Ok(_) => self.skipped += 1,
            // Checking it says why it cannot be read.
            Err(_) => self.plans.push(path),
        }
    }
}

/// Returns whether a text has the top-level keys of a plan or of a part of plans.
fn is_plan(bytes: &[u8]) -> bool {
    has(bytes, "version") && (has(bytes, "scenarios") || has(bytes, FRAGMENT))
}

/// Returns whether a text has the top-level key `key`; judged by lines, so that broken plans are seen too.
fn has(bytes: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.lines().any(|line| {
        let line = line.trim_start_matches(['\u{feff}', '{', '"', '\'']);
        let rest = line.strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_known_by_their_top_level_keys() {
        assert!(is_plan(b"version: 1\nname: @broken\nscenarios:\n"));
        assert!(is_plan(b"\"version\": 1\n\"scenarios\": {}\n"));
        assert!(!is_plan(b"version: 1\nservices:\n  scenarios: 1\n"));
        assert!(is_plan(b"fragment: true\nversion: 1\n"));
        assert!(!is_plan(b"fragment: true\n"));
    }

    #[test]
    fn folders_are_searched_in_order_and_what_is_no_plan_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b.yaml", "a/c.yml", ".git/d.yaml", "z.txt"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write(&path, "version: 1\nname: x\nscenarios: {}\n");
        }
        write(&folder.path().join("other.yaml"), "a: 1\n");
        let mut search = Search::default();
        search.add(folder.path());
        search.plans.sort();
        assert_eq!(search.plans, [folder.path().join("a/c.yml"), folder.path().join("b.yaml")]);
        assert_eq!(search.skipped, 1);
    }

    #[expect(clippy::disallowed_methods, reason = "the test writes what it checks")]
    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    #[test]
    fn an_unreadable_file_is_usage_and_the_rest_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.yaml");
        write(&bad, "version: 1\n");
        let paths = vec![folder.path().join("absent.yaml"), bad];
        let args = CheckArgs { paths, format: Format::Json, strict: false, fix: false };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(run(&args, &mut out, &mut err).unwrap(), Exit::Usage);
        assert!(String::from_utf8(err).unwrap().contains("absent.yaml"));
        assert!(String::from_utf8(out).unwrap().contains("\"files\": 1"));
    }
}
