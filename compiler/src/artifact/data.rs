//! Data files, and which of their rows a scenario takes.

use serde::{Deserialize, Serialize};

/// What a data file is written in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// CSV with a header line; every value is text.
    #[default]
    Csv,
    /// One JSON value a line; values keep their kinds.
    Jsonl,
    /// A JSON list; values keep their kinds.
    Json,
}

impl Format {
    fn is_csv(&self) -> bool {
        *self == Format::Csv
    }
}

/// A data file, pinned by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The file.
    pub file: FileRef,
    /// What it is written in.
    #[serde(default, skip_serializing_if = "Format::is_csv")]
    pub format: Format,
    /// Column names: the header line of CSV, the keys of JSON objects, or `value` for JSON rows that are no objects.
    pub columns: Vec<String>,
    /// Rows, without a header line.
    pub rows: u64,
    /// How rows are taken.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
}

/// A list that a step of `before` captures; its length is known when the run starts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The step of `before`.
    pub step: String,
    /// Its capture, a list. Columns are the keys of its objects; an item that is no object has the one column `value`.
    pub capture: String,
    /// How items are taken.
    pub take: Take,
    /// What an item is fixed for.
    pub per: Per,
    /// What happens when each item was taken once.
    pub on_end: OnEnd,
}

/// What happens when a unique list is used up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEnd {
    /// Arrivals without an item fail.
    #[default]
    Fail,
    /// The scenario stops.
    Stop,
}

/// A file that nodes fetch by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    /// The path, relative to the plan's file, without `.` and without `..` behind a name.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// `blake3:` and 64 hex digits over the content.
    pub digest: String,
}

/// How rows are taken from data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// Each row at most once in a run.
    Unique,
    /// Row = number modulo rows.
    Circular,
    /// Row drawn from the seed.
    Random,
}

/// What a data row is fixed for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The row goes by arrival number.
    Arrival,
    /// The row goes by user number (closed scenarios).
    User,
}

/// Which rows of a data file, or items of a list, a scenario takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUse {
    /// First row, from 0; always 0 unless the data is unique.
    pub first_row: u64,
    /// How many rows it may take; 0 for all that a list has from the first on.
    pub rows: u64,
}
