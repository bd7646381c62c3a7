//! (pure) Data: the files' content, the columns that are read, and whether there are rows enough.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{lists, scenario_uses};
use crate::artifact::{Data, DataUse, FileRef, Load, Per, SlotSource, Take, digest_of};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::model::{DataFile, Named, Plan, ScenarioPlan, Use};
use crate::schedule::Closed;
use crate::source::{Files, Span, Spanned};

/// Reads all files that the plan names: data by name, and body files by path.
pub(super) fn read(
    plan: &Plan,
    files: &Files,
    sink: &mut Diagnostics,
) -> (BTreeMap<String, Data>, BTreeMap<String, FileRef>) {
    let mut data = BTreeMap::new();
    for (item, source) in plan.data.whole() {
        if let Some(bytes) = content(files, &source.path, sink)
            && let Some(table) = table(source, bytes, sink)
        {
            data.insert(item.name.clone(), table);
        }
    }
    let mut bodies = BTreeMap::new();
    for list in lists(plan) {
        for file in list.all().into_iter().flat_map(|step| &step.files) {
            let path = &file.path;
            if let Some(bytes) = content(files, path, sink) {
                if file.json {
                    check_json(path, bytes, sink);
                }
                bodies.insert(path.value.clone(), file_ref(&path.value, bytes));
            }
        }
    }
    for path in plan.endpoints.whole().flat_map(|(_, endpoint)| &endpoint.files) {
        if let Some(bytes) = content(files, path, sink) {
            bodies.insert(path.value.clone(), file_ref(&path.value, bytes));
        }
    }
    (data, bodies)
}

/// Checks that a file holds JSON.
fn check_json(path: &Spanned<String>, bytes: &[u8], sink: &mut Diagnostics) {
    let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) else { return };
    let message = format!("`{}` is not JSON: {error}", path.value);
    let found = Diagnostic::error("plan::file::json", path.span, message);
    sink.push(found.label("this file").help("correct it, or send it as it is with `file`"));
}

fn content<'a>(
    files: &'a Files,
    path: &Spanned<String>,
    sink: &mut Diagnostics,
) -> Option<&'a [u8]> {
    let bytes = files.get(&path.value);
    if bytes.is_none() {
        let message = format!("the file `{}` cannot be read", path.value);
        let found = Diagnostic::error("plan::file::missing", path.span, message);
        sink.push(found.label("no such file").help("paths are relative to the plan's own folder"));
    }
    bytes
}

fn file_ref(path: &str, bytes: &[u8]) -> FileRef {
    FileRef { path: path.to_owned(), bytes: bytes.len() as u64, digest: digest_of(bytes) }
}

/// Reads a CSV file with a header line; every row has as many fields as it.
fn table(source: &DataFile, bytes: &[u8], sink: &mut Diagnostics) -> Option<Data> {
    let path = &source.path;
    let (columns, rows) = match rows_of(bytes) {
        Ok(table) => table,
        Err((message, help)) => {
            let message = format!("`{}`{message}", path.value);
            let found = Diagnostic::error("plan::data::csv", path.span, message);
            sink.push(found.label("this file").help(help));
            return None;
        }
    };
    let file = file_ref(&path.value, bytes);
    Some(Data { file, columns, rows, take: source.take, per: source.per })
}

/// Returns the columns and the number of rows, or what is wrong and what to do.
fn rows_of(bytes: &[u8]) -> Result<(Vec<String>, u64), (String, &'static str)> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        return Err((format!(" is not UTF-8 text, from line {line}"), "save the file as UTF-8"));
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err((format!(" is not CSV: {error}"), "write a header line first")),
    };
    let columns: Vec<String> = headers.iter().map(str::to_owned).collect();
    let mut seen = BTreeSet::new();
    for (at, column) in columns.iter().enumerate() {
        if column.is_empty() {
            let message = format!(" has no name for column {}", at + 1);
            return Err((message, "name every column in the first line"));
        }
        if !seen.insert(column) {
            let message = format!(" has two columns named `{column}`");
            return Err((message, "give each column its own name in the first line"));
        }
    }
    if columns.is_empty() {
        return Err((" is empty".to_owned(), "write a header line and at least one row"));
    }
    let mut rows: u64 = 0;
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => rows += 1,
            Ok(false) => break,
            Err(error) => {
                return Err((
                    broken_row(&error),
                    "give every row as many fields as the first line",
                ));
            }
        }
    }
    if rows == 0 {
        return Err((" has no rows".to_owned(), "write at least one row below the header line"));
    }
    Ok((columns, rows))
}

fn broken_row(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(" has {len} fields where {expected_len} belong, in line {line}")
        }
        _ => format!(" is not CSV: {error}"),
    }
}

/// Decides which rows each scenario takes, in plan order; `None` where that cannot be.
pub(super) fn rows(
    plan: &Plan,
    data: &BTreeMap<String, Data>,
    planned: &[Option<u64>],
    sink: &mut Diagnostics,
) -> Vec<Option<BTreeMap<String, DataUse>>> {
    // By file, not by name: two names for one file must not give out a row twice.
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    let mut out = Vec::new();
    for (item, planned) in plan.scenarios.items.iter().zip(planned) {
        let Some(scenario) = &item.value else {
            out.push(None);
            continue;
        };
        let mut own = BTreeMap::new();
        let mut whole = true;
        for (name, read) in first_reads(plan, scenario, data, sink) {
            let (Some(table), Some(source)) = (data.get(name), plan.data.get(name)) else {
                whole = false;
                continue;
            };
            let Some(needed) = needed(table, item, scenario, *planned, read, sink) else {
                whole = false;
                continue;
            };
            let first = taken.get(table.file.path.as_str()).copied().unwrap_or(0);
            let unique = table.take == Take::Unique;
            if unique && first.saturating_add(needed) > table.rows {
                sink.push(too_few(name, table, first, needed, item, read, source.span));
                whole = false;
            }
            if unique {
                taken.insert(&table.file.path, first.saturating_add(needed));
                own.insert(name.to_owned(), DataUse { first_row: first, rows: needed });
            } else {
                own.insert(name.to_owned(), DataUse { first_row: 0, rows: table.rows });
            }
        }
        out.push(whole.then_some(own));
    }
    out
}

/// Returns where a scenario first reads each data, by name; unknown columns are reported.
fn first_reads<'a>(
    plan: &'a Plan,
    scenario: &'a ScenarioPlan,
    data: &BTreeMap<String, Data>,
    sink: &mut Diagnostics,
) -> BTreeMap<&'a str, &'a Use> {
    let mut first: BTreeMap<&str, &Use> = BTreeMap::new();
    for read in scenario_uses(plan, scenario) {
        let SlotSource::Data { data: name, column } = &read.from else { continue };
        first.entry(name).or_insert(read);
        let Some(table) = data.get(name) else { continue };
        if table.columns.contains(column) {
            continue;
        }
        let known = table.columns.iter().map(String::as_str);
        let padded = table.columns.iter().find(|known| known.trim() == column);
        let help = match (padded, did_you_mean(column, known)) {
            (Some(padded), _) => {
                format!("the file calls it `{padded}`: take the blanks out of its first line")
            }
            (None, Some(close)) => format!("did you mean `data.{name}.{close}`?"),
            (None, None) => {
                let list: Vec<String> =
                    table.columns.iter().take(8).map(|c| format!("`{c}`")).collect();
                format!("the file's columns are {}", list.join(", "))
            }
        };
        let message = format!("`{}` has no column `{column}`", table.file.path);
        let found = Diagnostic::error("plan::data::column", read.span, message);
        sink.push(found.label("unknown column").help(help));
    }
    first
}

/// Returns how many rows a scenario may take; `None` if no number can be proven.
fn needed(
    table: &Data,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    planned: Option<u64>,
    read: &Use,
    sink: &mut Diagnostics,
) -> Option<u64> {
    let load = scenario.load.as_ref()?;
    match (&load.load, table.per) {
        (Load::Observe { .. }, _) => {
            let message = format!("`{}` observes and takes no rows", item.name);
            sink.push(
                Diagnostic::error("plan::data::unbounded", read.span, message)
                    .label("no arrival that a row is fixed for")
                    .also(load.span, "nothing is started")
                    .help("read what the event holds instead"),
            );
            None
        }
        (Load::Open(_), Per::User) => {
            let message = format!("`{}` is open and has no users to take rows", item.name);
            sink.push(
                Diagnostic::error("plan::data::per-user", read.span, message)
                    .label("data by user")
                    .also(load.span, "an open load")
                    .help("say `per: arrival`: every arrival of an open load is a new user"),
            );
            None
        }
        (Load::Closed(closed), Per::User) => Some(u64::from(closed.users_max)),
        (Load::Closed(closed), Per::Arrival)
            if table.take == Take::Unique && Closed::new(closed).count().is_none() =>
        {
            let message = format!("nothing bounds how many rows `{}` takes", item.name);
            sink.push(
                Diagnostic::error("plan::data::unbounded", read.span, message)
                    .label("a new row for each iteration")
                    .also(load.span, "users go on for as long as the stages last")
                    .help("say `per: user` to give each user one row, or `take: circular`"),
            );
            None
        }
        _ => planned,
    }
}

fn too_few(
    name: &str,
    table: &Data,
    first: u64,
    needed: u64,
    item: &Named<ScenarioPlan>,
    read: &Use,
    declared: Span,
) -> Diagnostic {
    let left = table.rows.saturating_sub(first);
    let rows = table.rows;
    let taker = match table.per {
        Per::Arrival => "arrival",
        Per::User => "user",
    };
    let message =
        format!("`{}` needs {needed} rows of `{name}`, and {left} of {rows} are left", item.name);
    Diagnostic::error("plan::data::rows", read.span, message)
        .label(format!("each {taker} takes a row of its own"))
        .also(declared, format!("{rows} rows, each at most once in a run"))
        .help(format!("add {} rows, start fewer, or say `take: circular`", needed - left))
}

#[cfg(test)]
mod tests {
    use super::rows_of;

    #[test]
    fn tables_are_whole_or_refused() {
        let check = |text: &[u8], expected: Result<(usize, u64), &str>| match rows_of(text) {
            Ok((columns, rows)) => assert_eq!(Ok((columns.len(), rows)), expected),
            Err((message, _)) => assert_eq!(Err(message.as_str()), expected),
        };
        check(b"a,b\n1,2\n\"3\n3\",4\n", Ok((2, 2)));
        check(b"\xEF\xBB\xBFa\r\n1\r\n", Ok((1, 1)));
        check(b"", Err(" is empty"));
        check(b"a,b\n", Err(" has no rows"));
        check(b"a,\n1,2\n", Err(" has no name for column 2"));
        check(b"a,a\n1,2\n", Err(" has two columns named `a`"));
        check(b"a,b\n1,2\n1\n", Err(" has 1 fields where 2 belong, in line 3"));
        check(b"a\n\xff\n", Err(" is not UTF-8 text, from line 2"));
    }
}
