//! (pure) Data files as compact tables, and which row an arrival takes.

use std::sync::Arc;

use compiler::artifact::{Data, DataUse, Per, Take};

use super::Arrival;
use super::random::Seed;

/// A CSV file: all cells in one text, row by row.
#[derive(Debug)]
pub(super) struct Table {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    columns: usize,
}

/// Why a data file is not the one that the artifact speaks of.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no CSV.
    #[error("not valid CSV")]
    Csv(#[source] csv::Error),
    /// Its header line is another one.
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
        let mut reader = csv::ReaderBuilder::new().from_reader(content);
        let header = reader.headers().map_err(TableError::Csv)?;
        if !header.iter().eq(data.columns.iter().map(String::as_str)) {
            return Err(TableError::Columns);
        }
        let columns = data.columns.len();
        let mut table = Table { text: String::new(), ends: Vec::new(), columns };
        let mut record = csv::StringRecord::new();
        let mut rows = 0u64;
        while reader.read_record(&mut record).map_err(TableError::Csv)? {
            rows += 1;
            for cell in &record {
                table.text.push_str(cell);
                table.ends.push(table.text.len());
            }
        }
        if rows != data.rows {
            return Err(TableError::Rows { expected: data.rows, found: rows });
        }
        Ok(table)
    }

    fn cell(&self, row: u64, column: usize) -> Option<&str> {
        let at = usize::try_from(row).ok()?.checked_mul(self.columns)?.checked_add(column)?;
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }
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
    pub(super) fn cell(&self, arrival: &Arrival, column: usize) -> Option<&str> {
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
        assert_eq!(unique.cell(&arrival(0, None), 1), Some("Köln"));
        assert_eq!(unique.cell(&arrival(1, None), 0), Some("Cy"));
        assert_eq!(unique.cell(&arrival(2, None), 0), None);
        let circular = rule(Take::Circular, Per::Arrival, 0, 3);
        assert_eq!(circular.cell(&arrival(3, None), 0), Some("Ann, B"));
        assert_eq!(circular.cell(&arrival(3, None), 1), Some(""));
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
