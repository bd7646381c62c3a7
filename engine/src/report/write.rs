//! A result's folder: written and read. The only part of reports that touches files.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize as _;
use thiserror::Error;

use super::model::{FORMAT, RunResult};
use super::template::{Template, TemplateError};
use super::{csv, html, json, junit, text};

/// Largest `result.json` that is read, in bytes: a month of fifty scenarios by second.
const RESULT_BYTES_MAX: u64 = 1 << 30;

/// Largest template of a user's, in bytes.
const TEMPLATE_BYTES_MAX: u64 = 4 << 20;

/// A view that can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Kind {
    /// `report.html`
    Html,
    /// `report.md`
    Markdown,
    /// `report.txt`
    Text,
    /// `series.csv`
    Csv,
    /// `junit.xml`
    Junit,
}

/// Why a folder could not be written or read.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no result.
    #[error("`{}` is no result", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It is a result of another time.
    #[error("`{}` has the result format {found}, this program reads {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says its format is.
        found: String,
    },
    /// A template does not parse or render.
    #[error("a report cannot be rendered")]
    Template(#[from] TemplateError),
    /// A view cannot be made from this result.
    #[error("`{file}` cannot be made: {why}")]
    View {
        /// The view's file name.
        file: &'static str,
        /// Why.
        why: String,
    },
}

impl Kind {
    /// Every view.
    pub const ALL: [Kind; 5] = [Kind::Html, Kind::Markdown, Kind::Text, Kind::Csv, Kind::Junit];

    /// Returns the name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Kind::Html => "report.html",
            Kind::Markdown => "report.md",
            Kind::Text => "report.txt",
            Kind::Csv => "series.csv",
            Kind::Junit => "junit.xml",
        }
    }

    fn render(self, result: &RunResult) -> Result<Vec<u8>, ReportError> {
        let why = |why: String| ReportError::View { file: self.file_name(), why };
        Ok(match self {
            Kind::Html => html::html(result)?.into_bytes(),
            Kind::Markdown => text::markdown(result)?.into_bytes(),
            Kind::Text => text::text(result)?.into_bytes(),
            Kind::Csv => csv::csv(result).map_err(|error| why(error.to_string()))?,
            Kind::Junit => {
                junit::junit(result).map_err(|error| why(error.to_string()))?.into_bytes()
            }
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text.trim() {
            "html" => Ok(Kind::Html),
            "md" => Ok(Kind::Markdown),
            "txt" => Ok(Kind::Text),
            "csv" => Ok(Kind::Csv),
            "junit" => Ok(Kind::Junit),
            other => Err(format!("`{other}` is no report, there are html, md, txt, csv and junit")),
        }
    }
}

/// Writes `result.json`, then the views, into an existing folder; returns what was written, in order.
///
/// # Errors
/// A file cannot be written, or a view not be rendered; `result.json` is there whenever it could be written.
pub fn write(
    folder: &Path,
    result: &RunResult,
    kinds: &[Kind],
    template: Option<&Template>,
) -> Result<Vec<PathBuf>, ReportError> {
    let path = folder.join("result.json");
    let bytes =
        to_json(result).map_err(|source| ReportError::Write { path: path.clone(), source })?;
    replace(&path, &bytes)?;
    let mut written = vec![path];
    written.extend(write_views(folder, result, kinds, template)?);
    Ok(written)
}

/// Writes the views alone.
///
/// # Errors
/// A file cannot be written, or a view not be rendered; the other views are written all the same.
pub fn write_views(
    folder: &Path,
    result: &RunResult,
    kinds: &[Kind],
    template: Option<&Template>,
) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    let mut first_error = None;
    let mut write = |name: &str, rendered: Result<Vec<u8>, ReportError>| {
        let path = folder.join(name);
        match rendered.and_then(|bytes| replace(&path, &bytes)) {
            Ok(()) => written.push(path),
            Err(error) => first_error = first_error.take().or(Some(error)),
        }
    };
    for kind in kinds {
        write(kind.file_name(), kind.render(result));
    }
    if let Some(template) = template {
        let rendered = template.render(result).map(String::into_bytes).map_err(ReportError::from);
        write(&format!("user-{}", template.name()), rendered);
    }
    first_error.map_or(Ok(written), Err)
}

/// Returns a result as `result.json` holds it: an object one field a line, a list on one line.
///
/// # Errors
/// Never for memory; the crate's signature has them.
pub fn to_json(result: &RunResult) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, json::Lines::default());
    result.serialize(&mut serializer)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a result: the file, or the folder that holds `result.json`.
///
/// # Errors
/// It cannot be read, is no result, or is one of another format.
pub fn read(path: &Path) -> Result<RunResult, ReportError> {
    let path = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    let bytes = read_bounded(&path, RESULT_BYTES_MAX)?;
    parse(&path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<RunResult, ReportError> {
    let broken = |source| ReportError::Parse { path: path.to_owned(), source };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(broken)?;
    // The format comes first: what a later one looks like is not for us to say.
    match value.get("format") {
        Some(format) if format.as_u64() != Some(u64::from(FORMAT)) => {
            Err(ReportError::Format { path: path.to_owned(), found: format.to_string() })
        }
        _ => serde_json::from_slice(bytes).map_err(broken),
    }
}

/// Reads a template of the user's own.
///
/// # Errors
/// It cannot be read or does not parse.
pub fn read_template(path: &Path) -> Result<Template, ReportError> {
    let bytes = read_bounded(path, TEMPLATE_BYTES_MAX)?;
    let source = String::from_utf8(bytes).map_err(|error| ReportError::Read {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Template::new(&name.unwrap_or_else(|| "template".to_owned()), source)?)
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > limit) {
        return Err(failed(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {limit} bytes"),
        )));
    }
    Ok(bytes)
}

/// Writes a file whole or not at all: a reader never sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let mut file = fs::File::create(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}
