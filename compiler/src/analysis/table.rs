//! (pure) What a data file holds: its columns, how many rows, and where values are that have no text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::artifact::Format;

/// The one column of rows that are no JSON objects.
const VALUE: &str = "value";

/// Why a file is no table: the words behind its name, and what to do.
pub(super) type Fault = (String, &'static str);

/// The columns and rows of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Columns in the order of the first row.
    pub(super) columns: Vec<Column>,
    /// Rows, without a header line.
    pub(super) rows: u64,
}

/// A column, and the first rows (from 1) in which its value has no text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// A row in which it is null.
    pub(super) null_at: Option<u64>,
    /// A row in which it is a list or an object.
    pub(super) nested_at: Option<u64>,
}

const UTF8: &str = "save the file as UTF-8";
const SAME_KEYS: &str = "give every row the same keys; write `null` where a row has no value";

/// Reads a table; every row has the columns of the first.
pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Table, Fault> {
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        (format!(" is not UTF-8 text, from line {}", line_of(error.valid_up_to())), UTF8)
    })?;
    if let Some(at) = text.find('\0') {
        return Err((format!(" holds a NUL byte, in line {}", line_of(at)), UTF8));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Csv => csv(text),
        Format::Jsonl => jsonl(text),
        Format::Json => json(text),
    }
}

fn csv(text: &str) -> Result<Table, Fault> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err((format!(" is not CSV: {error}"), "write a header line first")),
    };
    let mut seen = BTreeSet::new();
    for (at, column) in headers.iter().enumerate() {
        if column.is_empty() {
            let message = format!(" has no name for column {}", at + 1);
            return Err((message, "name every column in the first line"));
        }
        if !seen.insert(column) {
            let message = format!(" has two columns named `{column}`");
            return Err((message, "give each column its own name in the first line"));
        }
    }
    match headers.iter().next() {
        None => return Err((" is empty".to_owned(), "write a header line and at least one row")),
        Some(only) if headers.len() == 1 && only.contains([';', '\t', '|']) => {
            let message = format!(" has one column, `{}`", only.escape_debug());
            return Err((message, "separate the fields by commas"));
        }
        Some(_) => {}
    }
    let named = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let mut table = Table { columns: headers.iter().map(named).collect(), rows: 0 };
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => table.rows += 1,
            Ok(false) => break,
            Err(error) => {
                return Err((broken(&error), "give every row as many fields as the first line"));
            }
        }
    }
    if table.rows == 0 {
        return Err((" has no rows".to_owned(), "write at least one row below the header line"));
    }
    Ok(table)
}

fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(" has {len} fields where {expected_len} belong, in line {line}")
        }
        _ => format!(" is not CSV: {error}"),
    }
}

fn jsonl(text: &str) -> Result<Table, Fault> {
    let mut rows = Rows::default();
    for (at, line) in text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("line {}", at + 1);
        let row: Row = serde_json::from_str(line).map_err(|error| {
            let message = format!(" is not JSON in {place}, column {}", error.column());
            (message, "write one JSON value a line; a list over several lines is `.json`")
        })?;
        rows.add(row, &place)?;
    }
    rows.finish("write at least one JSON value, each on its own line")
}

fn json(text: &str) -> Result<Table, Fault> {
    const HELP: &str = "write one list of rows, `[ … ]`; one value a line is `.jsonl`";
    if text.trim().is_empty() {
        return Err((" is empty".to_owned(), HELP));
    }
    let List(rows) = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => (" is JSON, but no list of rows".to_owned(), HELP),
        _ => {
            let (line, column) = (error.line(), error.column());
            (format!(" is not JSON in line {line}, column {column}"), HELP)
        }
    })?;
    rows?.finish(HELP)
}

/// What a JSON value is to a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Null,
    Scalar,
    Nested,
}

/// One row of JSON.
enum Row {
    /// The keys of an object.
    Keys(Vec<(String, Kind)>),
    /// Something else.
    Value(Kind),
}

/// The rows of a list up to the first that is wrong.
struct List(Result<Rows, Fault>);

/// Rows of JSON that were read.
#[derive(Default)]
struct Rows {
    table: Table,
    places: BTreeMap<String, usize>,
    objects: bool,
}

impl Rows {
    /// Adds a row, which stands at `place`.
    fn add(&mut self, row: Row, place: &str) -> Result<(), Fault> {
        let (objects, fields) = match row {
            Row::Keys(fields) => (true, fields),
            Row::Value(kind) => (false, vec![(VALUE.to_owned(), kind)]),
        };
        let first = self.table.rows == 0;
        if !first && objects != self.objects {
            let message = format!(" has both objects and other values, in {place}");
            return Err((message, "make every row an object, or none"));
        }
        self.objects = objects;
        self.table.rows += 1;
        let count = fields.len();
        let mut seen = BTreeSet::new();
        for (key, kind) in fields {
            if !seen.insert(key.clone()) {
                return Err((format!(" has `{key}` twice in {place}"), "keep each key once"));
            }
            let at = match self.places.get(&key) {
                Some(at) => *at,
                None if first && !key.is_empty() => {
                    self.places.insert(key.clone(), self.table.columns.len());
                    self.table.columns.push(Column { name: key, ..Column::default() });
                    self.table.columns.len() - 1
                }
                None => {
                    let message = format!(" has `{key}` in {place}, and not in the first row");
                    return Err((message, SAME_KEYS));
                }
            };
            let column = &mut self.table.columns[at];
            let noted = match kind {
                Kind::Null => &mut column.null_at,
                Kind::Nested => &mut column.nested_at,
                Kind::Scalar => continue,
            };
            noted.get_or_insert(self.table.rows);
        }
        if count < self.table.columns.len() {
            let lost = self.table.columns.iter().find(|column| !seen.contains(&column.name));
            let lost = lost.map_or("", |column| column.name.as_str());
            return Err((format!(" lacks `{lost}` in {place}"), SAME_KEYS));
        }
        Ok(())
    }

    fn finish(self, help: &'static str) -> Result<Table, Fault> {
        match (self.table.rows, self.table.columns.len()) {
            (0, _) => Err((" has no rows".to_owned(), help)),
            (_, 0) => Err((" has rows without columns".to_owned(), "give its objects keys")),
            _ => Ok(self.table),
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        Ok(match Row::deserialize(deserializer)? {
            Row::Keys(_) => Kind::Nested,
            Row::Value(kind) => kind,
        })
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Row, D::Error> {
        deserializer.deserialize_any(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Row, E> {
        Ok(Row::Value(Kind::Null))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Row, E> {
        Ok(Row::Value(Kind::Scalar))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Row, E> {
        Ok(Row::Value(Kind::Scalar))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Row, E> {
        Ok(Row::Value(Kind::Scalar))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Row, E> {
        Ok(Row::Value(Kind::Scalar))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Row, E> {
        Ok(Row::Value(Kind::Scalar))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Row, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::Value(Kind::Nested))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut keys = Vec::new();
        while let Some(entry) = map.next_entry()? {
            keys.push(entry);
        }
        Ok(Row::Keys(keys))
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List, D::Error> {
        deserializer.deserialize_seq(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
        let mut rows = Rows::default();
        let mut fault = None;
        let mut number: u64 = 0;
        while let Some(row) = items.next_element::<Row>()? {
            number += 1;
            if fault.is_none() {
                fault = rows.add(row, &format!("row {number}")).err();
            }
        }
        Ok(List(fault.map_or(Ok(rows), Err)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, text: &[u8], expected: Result<(&str, u64), &str>) {
        match read(format, text) {
            Ok(table) => {
                let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                assert_eq!(Ok((names.join(" ").as_str(), table.rows)), expected);
            }
            Err((message, _)) => assert_eq!(Err(message.as_str()), expected),
        }
    }

    #[test]
    fn csv_is_whole_or_refused() {
        let check = |text: &[u8], expected| check(Format::Csv, text, expected);
        check(b"a,b\n1,2\n\"3\n3\",4\n", Ok(("a b", 2)));
        check(b"\xEF\xBB\xBFa\r\n1\r\n", Ok(("a", 1)));
        check(b"", Err(" is empty"));
        check(b"a,b\n", Err(" has no rows"));
        check(b"a,\n1,2\n", Err(" has no name for column 2"));
        check(b"a,a\n1,2\n", Err(" has two columns named `a`"));
        check(b"a,b\n1,2\n1\n", Err(" has 1 fields where 2 belong, in line 3"));
        check(b"a,b\n\"1\n1\",2\n1\n", Err(" has 1 fields where 2 belong, in line 4"));
        check(b"a\n\xff\n", Err(" is not UTF-8 text, from line 2"));
        check(b"a\n1\n\0\n", Err(" holds a NUL byte, in line 3"));
        check(b"a;b\n1;2\n", Err(" has one column, `a;b`"));
        check(b"a\tb\n1\t2\n", Err(" has one column, `a\\tb`"));
    }

    #[test]
    fn json_lines_are_whole_or_refused() {
        let check = |text: &str, expected| check(Format::Jsonl, text.as_bytes(), expected);
        check("{\"a\": 1, \"b\": [2]}\r\n\n{\"b\": null, \"a\": \"x\"}", Ok(("a b", 2)));
        check("\u{feff}7\n\"x\"\n", Ok(("value", 2)));
        check("\n \n", Err(" has no rows"));
        check("{}\n", Err(" has rows without columns"));
        check("{\"a\": 1}\n{\"b\": 1}\n", Err(" has `b` in line 2, and not in the first row"));
        check("{\"a\": 1, \"b\": 1}\n\n{\"a\": 1}\n", Err(" lacks `b` in line 3"));
        check("{\"a\": 1, \"a\": 1}\n", Err(" has `a` twice in line 1"));
        check("{\"a\": 1}\n7\n", Err(" has both objects and other values, in line 2"));
        check("{\"a\": 1}\n{\"a\": 1,}\n", Err(" is not JSON in line 2, column 9"));
        check("[\n1\n]\n", Err(" is not JSON in line 1, column 1"));
    }

    #[test]
    fn a_json_list_is_whole_or_refused() {
        let check = |text: &str, expected| check(Format::Json, text.as_bytes(), expected);
        check("[{\"a\": 1}, {\"a\": {\"b\": 1}}]", Ok(("a", 2)));
        check("[1, [2], null]", Ok(("value", 3)));
        check("[]", Err(" has no rows"));
        check("  ", Err(" is empty"));
        check("{\"a\": [1]}", Err(" is JSON, but no list of rows"));
        check("[1,\n2", Err(" is not JSON in line 2, column 1"));
        check("[1]\n[2]", Err(" is not JSON in line 2, column 1"));
        check(
            "[{\"a\": 1}, {\"a\": 1, \"b\": 2}]",
            Err(" has `b` in row 2, and not in the first row"),
        );
        check(&"[".repeat(100_000), Err(" is not JSON in line 1, column 100000"));
    }

    #[test]
    fn values_without_text_are_noted() {
        let text = "{\"a\": 1, \"b\": null}\n{\"a\": [1], \"b\": {}}\n{\"a\": {}, \"b\": null}\n";
        let columns = read(Format::Jsonl, text.as_bytes()).unwrap().columns;
        let places: Vec<_> = columns.iter().map(|c| (c.null_at, c.nested_at)).collect();
        assert_eq!(places, [(None, Some(2)), (Some(1), Some(2))]);
    }
}
