//! Data files, and which of their rows a scenario takes.

use serde::{Deserialize, Serialize};

/// A data file, pinned by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The file, format csv.
    pub file: FileRef,
    /// Column names, from the header line.
    pub columns: Vec<String>,
    /// Rows after the header line.
    pub rows: u64,
    /// How rows are taken.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
}

/// A file that nodes fetch by digest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    /// The path as the plan writes it, relative to the plan's file.
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

/// Which rows of a data file a scenario takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUse {
    /// First row, from 0; always 0 unless the data is unique.
    pub first_row: u64,
    /// How many rows it may take.
    pub rows: u64,
}
