//! (pure) Data: the files' content, the columns that are read, and whether there are rows enough.

use std::collections::BTreeMap;

use crate::analysis::table::{self, Column};
use crate::analysis::{Tables, lists, scenario_uses};
use crate::artifact::{Data, DataUse, FileRef, Format, Load, Per, SlotSource, Take, digest_of};
use crate::diagnostic::{Diagnostic, Diagnostics, Near, nearest};
use crate::model::{DataPlan, Named, Origin, Plan, ScenarioPlan, Use};
use crate::schedule::Closed;
use crate::source::{Files, Span, Spanned};

/// Reads all files that the plan names: data by name, and body files by path.
pub(super) fn read(plan: &Plan, files: &Files, sink: &mut Diagnostics) -> Tables {
    let mut tables = Tables::default();
    for (item, source) in plan.data.whole() {
        let Origin::File { path, format } = &source.origin else { continue };
        if let Some(bytes) = content(files, path, sink)
            && let Some((data, columns)) = table(source, path, *format, bytes, sink)
        {
            tables.data.insert(item.name.clone(), data);
            tables.columns.insert(item.name.clone(), columns);
        }
    }
    // A large file that many steps send is read once.
    let mut json: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for list in lists(plan) {
        for file in list.all().into_iter().flat_map(|step| &step.files) {
            let path = &file.path;
            if let Some(bytes) = content(files, path, sink) {
                if file.json {
                    let fault = json.entry(path.value.as_str()).or_insert_with(|| fault_of(bytes));
                    sink.extend(fault.as_ref().map(|fault| not_json(path, fault)));
                }
                add(&mut tables, path, bytes);
            }
        }
    }
    for path in plan.endpoints.whole().flat_map(|(_, endpoint)| &endpoint.files) {
        if let Some(bytes) = content(files, path, sink) {
            add(&mut tables, path, bytes);
        }
    }
    tables
}

/// Adds a body file, unless it was before.
fn add(tables: &mut Tables, path: &Spanned<String>, bytes: &[u8]) {
    if !tables.files.contains_key(&path.value) {
        tables.files.insert(path.value.clone(), file_ref(&path.value, bytes));
    }
}

/// Returns why a file holds no JSON.
fn fault_of(bytes: &[u8]) -> Option<String> {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err().map(|error| error.to_string())
}

fn not_json(path: &Spanned<String>, fault: &str) -> Diagnostic {
    let message = format!("`{}` is not JSON: {fault}", path.value);
    let found = Diagnostic::error("plan::file::json", path.span, message);
    found.label("this file").help("correct it, or send it as it is with `file`")
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
        let help = "paths are relative to the file that names them";
        sink.push(found.label("no such file").help(help));
    }
    bytes
}

fn file_ref(path: &str, bytes: &[u8]) -> FileRef {
    FileRef { path: path.to_owned(), bytes: bytes.len() as u64, digest: digest_of(bytes) }
}

fn table(
    source: &DataPlan,
    path: &Spanned<String>,
    format: Format,
    bytes: &[u8],
    sink: &mut Diagnostics,
) -> Option<(Data, Vec<Column>)> {
    let table = match table::read(format, bytes) {
        Ok(table) => table,
        Err((message, help)) => {
            let message = format!("`{}`{message}", path.value);
            let code = match format {
                Format::Csv => "plan::data::csv",
                Format::Jsonl | Format::Json => "plan::data::json",
            };
            let found = Diagnostic::error(code, path.span, message);
            sink.push(found.label("this file").help(help));
            return None;
        }
    };
    let file = file_ref(&path.value, bytes);
    let columns = table.columns.iter().map(|column| column.name.clone()).collect();
    let (take, per) = (source.take, source.per);
    Some((Data { file, format, columns, rows: table.rows, take, per }, table.columns))
}

/// What a scenario took of a file or list before others.
struct Taken<'a> {
    rows: u64,
    /// By the scenario that takes an unknown number.
    open_end: Option<(&'a str, Span)>,
}

/// Decides which rows each scenario takes, in plan order; `None` where that cannot be.
pub(super) fn rows(
    plan: &Plan,
    tables: &Tables,
    planned: &[Option<u64>],
    sink: &mut Diagnostics,
) -> Vec<Option<BTreeMap<String, DataUse>>> {
    // By file or list, not by name: two names for one file must not give out a row twice.
    let mut taken: BTreeMap<String, Taken<'_>> = BTreeMap::new();
    let mut out = Vec::new();
    for (item, planned) in plan.scenarios.items.iter().zip(planned) {
        let Some(scenario) = &item.value else {
            out.push(None);
            continue;
        };
        let mut own = BTreeMap::new();
        let mut whole = true;
        for (name, read) in first_reads(plan, scenario, tables, sink) {
            let Some((source, declared)) = source(plan, tables, name) else {
                whole = false;
                continue;
            };
            let scene = Scene { item, scenario, planned: *planned, read };
            let there = tables.data.get(name);
            let used = match there {
                Some(data) => scene.file_rows(data, source, name, declared, &mut taken, sink),
                None => scene.list_rows(source, name, &mut taken, sink),
            };
            match used {
                Some(used) => {
                    own.insert(name.to_owned(), used);
                }
                None => whole = false,
            }
        }
        out.push(whole.then_some(own));
    }
    out
}

/// Returns the data `name` and where it is declared, if it can be taken from.
fn source<'a>(plan: &'a Plan, tables: &Tables, name: &str) -> Option<(&'a DataPlan, Span)> {
    let item = plan.data.get(name)?;
    let source = item.value.as_ref()?;
    let usable = tables.data.contains_key(name) || matches!(source.origin, Origin::List { .. });
    usable.then_some((source, item.span))
}

/// A scenario that takes rows, and where it first reads them.
struct Scene<'a> {
    item: &'a Named<ScenarioPlan>,
    scenario: &'a ScenarioPlan,
    planned: Option<u64>,
    read: &'a Use,
}

impl<'a> Scene<'a> {
    fn file_rows(
        &self,
        data: &Data,
        source: &DataPlan,
        name: &str,
        declared: Span,
        taken: &mut BTreeMap<String, Taken<'a>>,
        sink: &mut Diagnostics,
    ) -> Option<DataUse> {
        let needed = self.needed(source, sink)?;
        if data.take != Take::Unique {
            return Some(DataUse { first_row: 0, rows: data.rows });
        }
        let Some(rows) = needed else {
            self.unbounded(sink);
            return None;
        };
        let entry = Taken { rows: 0, open_end: None };
        let before = taken.entry(data.file.path.clone()).or_insert(entry);
        let first_row = before.rows;
        before.rows = first_row.saturating_add(rows);
        if before.rows > data.rows {
            sink.push(too_few(name, data, first_row, rows, self.item, self.read, declared));
            return None;
        }
        Some(DataUse { first_row, rows })
    }

    /// How long a list is nobody knows yet; unique ranges follow one another all the same.
    fn list_rows(
        &self,
        source: &DataPlan,
        name: &str,
        taken: &mut BTreeMap<String, Taken<'a>>,
        sink: &mut Diagnostics,
    ) -> Option<DataUse> {
        let Origin::List { step, capture, .. } = &source.origin else { return None };
        let needed = self.needed(source, sink)?;
        if source.take != Take::Unique {
            return Some(DataUse { first_row: 0, rows: 0 });
        }
        let key = format!("before.{step}.{capture}");
        let before = taken.entry(key).or_insert(Taken { rows: 0, open_end: None });
        if let Some((other, place)) = before.open_end {
            let message = format!("nothing bounds how many items of `{name}` `{other}` takes");
            sink.push(
                Diagnostic::error("plan::data::unbounded", self.read.span, message)
                    .label(format!("`{}` cannot know where its own begin", self.item.name))
                    .also(place, "users go on for as long as the stages last")
                    .help("say `per: user` to give each user one item, or `take: circular`"),
            );
            return None;
        }
        let first_row = before.rows;
        match needed {
            Some(rows) => before.rows = first_row.saturating_add(rows),
            None => {
                let place = self.scenario.load.as_ref().map_or(self.item.span, |load| load.span);
                before.open_end = Some((self.item.name.as_str(), place));
            }
        }
        Some(DataUse { first_row, rows: needed.unwrap_or(0) })
    }

    /// Returns how many rows the scenario may take, `None` inside if nothing bounds that; `None` where something is wrong.
    fn needed(&self, source: &DataPlan, sink: &mut Diagnostics) -> Option<Option<u64>> {
        let load = self.scenario.load.as_ref()?;
        match (&load.load, source.per) {
            (Load::Observe { .. }, _) => {
                let message = format!("`{}` observes and takes no rows", self.item.name);
                sink.push(
                    Diagnostic::error("plan::data::unbounded", self.read.span, message)
                        .label("no arrival that a row is fixed for")
                        .also(load.span, "nothing is started")
                        .help("read what the event holds instead"),
                );
                None
            }
            (Load::Open(_), Per::User) => {
                let message = format!("`{}` is open and has no users to take rows", self.item.name);
                sink.push(
                    Diagnostic::error("plan::data::per-user", self.read.span, message)
                        .label("data by user")
                        .also(load.span, "an open load")
                        .help("say `per: arrival`: every arrival of an open load is a new user"),
                );
                None
            }
            (Load::Closed(closed), Per::User) => Some(Some(u64::from(closed.users_max))),
            (Load::Closed(closed), Per::Arrival)
                if source.take == Take::Unique && Closed::new(closed).count().is_none() =>
            {
                Some(None)
            }
            _ => self.planned.map(Some),
        }
    }

    fn unbounded(&self, sink: &mut Diagnostics) {
        let Some(load) = &self.scenario.load else { return };
        let message = format!("nothing bounds how many rows `{}` takes", self.item.name);
        sink.push(
            Diagnostic::error("plan::data::unbounded", self.read.span, message)
                .label("a new row for each iteration")
                .also(load.span, "users go on for as long as the stages last")
                .help("say `per: user` to give each user one row, or `take: circular`"),
        );
    }
}

/// Returns where a scenario first reads each data, by name; columns that are unknown or have no text are reported.
fn first_reads<'a>(
    plan: &'a Plan,
    scenario: &'a ScenarioPlan,
    tables: &Tables,
    sink: &mut Diagnostics,
) -> BTreeMap<&'a str, &'a Use> {
    let mut first: BTreeMap<&str, &Use> = BTreeMap::new();
    for read in scenario_uses(plan, scenario) {
        let SlotSource::Data { data: name, column } = &read.from else { continue };
        first.entry(name).or_insert(read);
        let (Some(table), Some(columns)) = (tables.data.get(name), tables.columns.get(name)) else {
            continue;
        };
        match columns.iter().find(|known| known.name == *column) {
            Some(known) => textless(name, table, known, read, sink),
            None => sink.push(unknown(name, table, column, read)),
        }
    }
    first
}

/// Reports values that have no text where one is sent.
fn textless(name: &str, table: &Data, column: &Column, read: &Use, sink: &mut Diagnostics) {
    if !read.as_text {
        return;
    }
    let (path, column_name) = (&table.file.path, &column.name);
    let (row, what, help) = match (column.nested_at, column.null_at) {
        (Some(row), _) => (
            row,
            "a list or object",
            format!("write it as JSON, `{{{{ data.{name}.{column_name} | json }}}}`"),
        ),
        (None, Some(row)) => (
            row,
            "null",
            format!(
                "say what stands for it: `{{{{ data.{name}.{column_name} | default(\"\") }}}}`"
            ),
        ),
        (None, None) => return,
    };
    let message = format!("`{column_name}` is {what} in row {row} of `{path}`, which has no text");
    let found = Diagnostic::error("plan::value::kind", read.span, message);
    sink.push(found.label("a text is sent here").help(help));
}

fn unknown(name: &str, table: &Data, column: &str, read: &Use) -> Diagnostic {
    let known = table.columns.iter().map(String::as_str);
    let padded = table.columns.iter().find(|known| known.trim() == column);
    let message = format!("`{}` has no column `{column}`", table.file.path);
    let found = Diagnostic::error("plan::data::column", read.span, message).label("unknown column");
    match (padded, nearest(column, known)) {
        (Some(padded), _) => found
            .help(format!("the file calls it `{padded}`: take the blanks out of its first line")),
        (None, Some(near)) => {
            let word = format!("data.{name}.{}", near.word);
            found.suggest(Near { word: &word, sure: near.sure })
        }
        (None, None) => {
            let list: Vec<String> =
                table.columns.iter().take(8).map(|c| format!("`{c}`")).collect();
            found.help(format!("the file's columns are {}", list.join(", ")))
        }
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
