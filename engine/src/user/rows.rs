//! (pure) Data files as compact tables, and which row an arrival takes.

use std::borrow::Cow;
use std::sync::Arc;

use compiler::artifact::{Data, DataUse, Format, Per, Take};
use serde_json::Value as Tree;

use super::Arrival;
use super::random::Seed;
use super::value::Value;

/// The one column of JSON rows that are no objects.
const VALUE: &str = "value";

/// A data file: its cells, row by row.
#[derive(Debug)]
pub(super) struct Table {
    cells: Cells,
    columns: usize,
}

#[derive(Debug)]
enum Cells {
    /// Cells of CSV in one text.
    Text {
        text: String,
        /// Where each cell ends in `text`.
        ends: Vec<usize>,
    },
    /// Cells of JSON.
    Trees(Vec<Tree>),
}

/// Why a data file is not the one that the artifact speaks of.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no CSV.
    #[error("not valid CSV")]
    Csv(#[source] csv::Error),
    /// It is no JSON, or no list of rows.
    #[error("not valid JSON")]
    Json(#[source] serde_json::Error),
    /// Its header line is another one, or a row has other keys.
    #[error("its columns are not those of the artifact")]
    Columns,
    /// It has more or fewer rows.
    #[error("it has {found} rows instead of {expected}")]
    Rows {
        /// Rows that the artifact speaks of.
        expected: u64,
        /// Rows of the file.
        found: u64,
    },
}

/// Which row an arrival of one scenario takes.
#[derive(Clone, Debug)]
pub(super) struct RowRule {
    table: Arc<Table>,
    take: Take,
    per: Per,
    first_row: u64,
    rows: u64,
    seed: Seed,
}

impl Table {
    /// Parses the file of `data`.
    pub(super) fn parse(data: &Data, content: &[u8]) -> Result<Table, TableError> {
        let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
        let (cells, found) = match data.format {
            Format::Csv => csv_cells(data, content)?,
            Format::Jsonl | Format::Json => json_cells(data, content)?,
        };
        if found != data.rows {
            return Err(TableError::Rows { expected: data.rows, found });
        }
        Ok(Table { cells, columns: data.columns.len() })
    }

    fn cell(&self, row: u64, column: usize) -> Option<Value<'_>> {
        let at = usize::try_from(row).ok()?.checked_mul(self.columns)?.checked_add(column)?;
        match &self.cells {
            Cells::Text { text, ends } => {
                let end = *ends.get(at)?;
                let start = at.checked_sub(1).map_or(0, |before| ends[before]);
                Some(Value::Text(Cow::Borrowed(text.get(start..end)?)))
            }
            Cells::Trees(trees) => trees.get(at).map(Value::of_tree),
        }
    }
}

/// Returns the cells of a CSV file and the number of its rows.
fn csv_cells(data: &Data, content: &[u8]) -> Result<(Cells, u64), TableError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(content);
    let header = reader.headers().map_err(TableError::Csv)?;
    if !header.iter().eq(data.columns.iter().map(String::as_str)) {
        return Err(TableError::Columns);
    }
    let (mut text, mut ends) = (String::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    let mut rows = 0u64;
    while reader.read_record(&mut record).map_err(TableError::Csv)? {
        rows += 1;
        for cell in &record {
            text.push_str(cell);
            ends.push(text.len());
        }
    }
    Ok((Cells::Text { text, ends }, rows))
}

/// Returns the cells of a file of JSON, a value a line or one list, and the number of its rows.
fn json_cells(data: &Data, content: &[u8]) -> Result<(Cells, u64), TableError> {
    let list: Vec<Tree> = match data.format {
        Format::Json => serde_json::from_slice(content).map_err(TableError::Json)?,
        Format::Csv | Format::Jsonl => {
            let rows = serde_json::Deserializer::from_slice(content).into_iter();
            rows.collect::<Result<_, _>>().map_err(TableError::Json)?
        }
    };
    let rows = list.len() as u64;
    let mut cells = Vec::with_capacity(list.len().saturating_mul(data.columns.len()));
    for row in list {
        match row {
            Tree::Object(mut fields) => {
                for column in &data.columns {
                    cells.push(fields.remove(column).ok_or(TableError::Columns)?);
                }
                if !fields.is_empty() {
                    return Err(TableError::Columns);
                }
            }
            value if data.columns == [VALUE] => cells.push(value),
            _ => return Err(TableError::Columns),
        }
    }
    Ok((Cells::Trees(cells), rows))
}

impl RowRule {
    /// Returns the rule of a scenario that uses `data`; `seed` is that of the data's name in the scenario.
    pub(super) fn new(table: Arc<Table>, data: &Data, range: DataUse, seed: Seed) -> RowRule {
        let DataUse { first_row, rows } = range;
        RowRule { table, take: data.take, per: data.per, first_row, rows, seed }
    }

    /// Returns the row that `arrival` takes, from 0; `None` if there is none for it.
    pub(super) fn row(&self, arrival: &Arrival) -> Option<u64> {
        let number = match self.per {
            Per::Arrival => arrival.number,
            Per::User => u64::from(arrival.user?),
        };
        let offset = match self.take {
            Take::Unique => Some(number).filter(|number| *number < self.rows),
            Take::Circular => number.checked_rem(self.rows),
            Take::Random if self.rows == 0 => None,
            Take::Random => Some(self.seed.below(number, self.rows)),
        };
        self.first_row.checked_add(offset?)
    }

    /// Returns the cell of that row.
    pub(super) fn cell(&self, arrival: &Arrival, column: usize) -> Option<Value<'_>> {
        self.table.cell(self.row(arrival)?, column)
    }
}

#[cfg(test)]
mod tests {
    use compiler::artifact::{FileRef, Format};

    use super::*;

    fn data(take: Take, per: Per, rows: u64) -> Data {
        let file = FileRef { path: "a.csv".to_owned(), bytes: 0, digest: String::new() };
        let columns = vec!["name".to_owned(), "city".to_owned()];
        Data { file, format: Format::Csv, columns, rows, take, per }
    }

    const FILE: &[u8] = "name,city\n\"Ann, B\",\nBo,Köln\nCy,Ulm\n".as_bytes();

    fn text(text: &str) -> Option<Value<'_>> {
        Some(Value::Text(Cow::Borrowed(text)))
    }

    #[test]
    fn rows_of_json_keep_their_kinds() {
        let parse = |format, columns: &[&str], rows, content: &str| {
            let columns = columns.iter().map(|&name| name.to_owned()).collect();
            let data = Data { format, columns, ..data(Take::Circular, Per::Arrival, rows) };
            Table::parse(&data, content.as_bytes())
        };
        let lines = "{\"a\": 1, \"b\": null}\n\n{\"b\": \"x\", \"a\": -2}\n";
        let table = parse(Format::Jsonl, &["a", "b"], 2, lines).unwrap();
        assert_eq!(table.cell(0, 0), Some(Value::Unsigned(1)));
        assert_eq!(table.cell(0, 1), Some(Value::Null));
        assert_eq!(table.cell(1, 1), text("x"));
        assert_eq!(table.cell(2, 0), None);
        let table = parse(Format::Json, &["value"], 2, "\u{feff}[true, [7]]").unwrap();
        assert_eq!(table.cell(0, 0), Some(Value::Bool(true)));
        assert!(matches!(table.cell(1, 0), Some(Value::Tree(_))));
        let refused = |format, columns: &[&str], rows, content: &str, message: &str| {
            let error = parse(format, columns, rows, content).unwrap_err();
            assert_eq!(error.to_string(), message);
        };
        let columns = "its columns are not those of the artifact";
        refused(Format::Jsonl, &["a"], 2, lines, columns);
        refused(Format::Jsonl, &["a", "b", "c"], 2, lines, columns);
        refused(Format::Json, &["a"], 1, "[1]", columns);
        refused(Format::Json, &["value"], 1, "[1, 2]", "it has 2 rows instead of 1");
        refused(Format::Json, &["value"], 1, "{}", "not valid JSON");
    }

    fn arrival(number: u64, user: Option<u32>) -> Arrival {
        Arrival { scenario: 0, number, user, group: 0 }
    }

    fn rule(take: Take, per: Per, first_row: u64, rows: u64) -> RowRule {
        let data = data(take, per, 3);
        let table = Arc::new(Table::parse(&data, FILE).unwrap());
        RowRule::new(table, &data, DataUse { first_row, rows }, Seed::root(7).child("data"))
    }

    #[test]
    fn rows_go_by_arrival_or_user() {
        let unique = rule(Take::Unique, Per::Arrival, 1, 2);
        assert_eq!(unique.cell(&arrival(0, None), 1), text("Köln"));
        assert_eq!(unique.cell(&arrival(1, None), 0), text("Cy"));
        assert_eq!(unique.cell(&arrival(2, None), 0), None);
        let circular = rule(Take::Circular, Per::Arrival, 0, 3);
        assert_eq!(circular.cell(&arrival(3, None), 0), text("Ann, B"));
        assert_eq!(circular.cell(&arrival(3, None), 1), text(""));
        let user = rule(Take::Circular, Per::User, 0, 3);
        assert_eq!(user.row(&arrival(8, Some(4))), Some(1));
        assert_eq!(user.row(&arrival(8, None)), None);
    }

    #[test]
    fn random_rows_are_the_same_for_the_same_arrival_and_reach_every_row() {
        let random = rule(Take::Random, Per::Arrival, 0, 3);
        let rows =
            |rule: &RowRule| (0..100).map(|n| rule.row(&arrival(n, None))).collect::<Vec<_>>();
        let drawn = rows(&random);
        assert_eq!(drawn, rows(&rule(Take::Random, Per::Arrival, 0, 3)));
        for row in 0..3 {
            assert!(drawn.contains(&Some(row)), "{row}");
        }
    }

    #[test]
    fn another_file_than_the_artifact_s_is_refused() {
        let check = |content: &str, rows: u64, message: &str| {
            let data = data(Take::Unique, Per::Arrival, rows);
            let error = Table::parse(&data, content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message);
        };
        check("name,town\na,b\n", 1, "its columns are not those of the artifact");
        check("name,city\na,b\n", 2, "it has 1 rows instead of 2");
        check("name,city\na\n", 1, "not valid CSV");
    }
}
