//! (pure) An explanation for people: at most 100 columns, aligned.

use std::io::{self, Write};

use super::label::{clipped, counted, length_us, number};
use super::table::{CONTENT, INDENT, Table, broken};
use super::timeline::{NodeView, Timeline};
use super::{Explanation, FileView, Requests, ThresholdView};
use super::{scenario_text, sink};
use crate::artifact::{Per, Take};

/// Most seats that are listed in one table; the JSON form lists all.
pub(super) const SEATS_SHOWN: usize = 24;

/// Longest name in a heading, in characters; names of plans and scenarios have at most 63.
const HEADING_MAX: usize = 63;

/// Longest name within a remark, in characters.
const NAME_MAX: usize = 30;

/// Writes `explanation` as text.
///
/// # Errors
/// Only those of `out`.
pub fn render(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let plan = clipped(&explanation.plan, HEADING_MAX);
    writeln!(out, "plan {plan}   seed {}", explanation.seed)?;
    writeln!(out, "{}", explanation.digest)?;
    writeln!(out)?;
    section(out, "run", &[run(explanation)])?;
    let service = length_us(explanation.assumptions.service_us);
    let assumed =
        format!("{service} for each request (--service-time), and every transaction succeeds");
    section(out, "assumed", &[assumed])?;
    section(out, "each node", &[largest(&explanation.timeline)])?;
    section(out, "sends", &timeline(explanation))?;
    section(out, "before", &scenario_text::steps(&explanation.before, CONTENT))?;
    section(out, "after", &scenario_text::steps(&explanation.after, CONTENT))?;
    let files: Vec<String> = explanation.data.iter().map(file_line).collect();
    section(out, "data", &files)?;
    section(out, "passes if", &thresholds(explanation))?;
    section(out, "valid if", &[explanation.delivery.join(", ")])?;
    section(out, "sinks", &sinks(explanation))?;
    let warnings: Vec<String> =
        explanation.warnings.iter().map(|warning| warning.message.clone()).collect();
    section(out, "warning", &warnings)?;
    for scenario in &explanation.scenarios {
        writeln!(out)?;
        scenario_text::render(scenario, out)?;
    }
    Ok(())
}

fn run(explanation: &Explanation) -> String {
    let arrivals = match explanation.arrivals_open_ended {
        true => expected(explanation.arrivals_expected, false),
        false => number(explanation.arrivals),
    };
    let requests = requests(explanation.requests, explanation.timeline.exact);
    let (load, end) = (length_us(explanation.load_end_us), length_us(explanation.end_us));
    let alone = match &explanation.seat {
        Some(seat) => format!(" on seat {seat} alone"),
        None => String::new(),
    };
    format!("{arrivals} arrivals, {requests} requests in {load}{alone}; all has ended by {end}")
}

fn largest(timeline: &Timeline) -> String {
    let most = |of: fn(&NodeView) -> u64| timeline.seats.iter().map(of).max().unwrap_or(0);
    format!(
        "at most about {} and {} at a time, {} MB of memory",
        counted(most(|node| node.in_flight), "transaction"),
        counted(most(|node| node.connections), "connection"),
        number(most(|node| node.memory_bytes).div_ceil(1_000_000)),
    )
}

/// Returns what each seat sends in all and by stretch; stretches are put together until the table fits.
fn timeline(explanation: &Explanation) -> Vec<String> {
    let timeline = &explanation.timeline;
    let mut tables = [1, 2, 4].iter().map(|joined| sends(timeline, *joined));
    let fitting = tables.find(|table| table.narrowest() <= CONTENT);
    let table = fitting.unwrap_or_else(|| sends(timeline, 8));
    let mut lines = table.lines(CONTENT);
    if let Some(more) = more_seats(timeline.seats.len()) {
        lines.push(more);
    }
    lines.extend(remarks(explanation));
    lines
}

/// Returns what the table of what each seat sends does not say itself.
fn remarks(explanation: &Explanation) -> Vec<String> {
    let timeline = &explanation.timeline;
    let open_ended = timeline.seats.iter().any(|node| node.requests.max.is_none());
    let counted = match open_ended {
        true => "at most as far as known",
        false => "at most",
    };
    let mut lines =
        vec![format!("by time: requests of the transactions that start from then on, {counted}")];
    if !timeline.exact_times {
        let estimated = "users start their next one when the last has ended: when is an estimate";
        lines.push(estimated.to_owned());
    }
    for view in &explanation.scenarios {
        let name = clipped(&view.name, NAME_MAX);
        if view.observes() {
            lines.push(format!(
                "what scenario {name} does follows from the events it finds: not counted"
            ));
        }
        let late_us = view.latest_start_us.saturating_sub(view.start_us);
        if late_us > 0 {
            let late = length_us(late_us);
            lines.push(format!(
                "scenario {name} is shown at its earliest start: it may be {late} later"
            ));
        }
    }
    lines
}

/// Returns a line for each sink.
fn sinks(explanation: &Explanation) -> Vec<String> {
    let mut table = Table::untitled(&[0, 1, 2]);
    for sink in &explanation.sinks {
        table.row(vec![sink.name.clone(), sink::manner(sink), sink.to.clone()]);
    }
    table.lines(CONTENT)
}

fn sends(timeline: &Timeline, joined: usize) -> Table {
    let stretches = |cells: &[u64]| -> Vec<String> {
        let sums =
            cells.chunks(joined).map(|cells| cells.iter().copied().fold(0, u64::saturating_add));
        sums.map(short).collect()
    };
    let starts = (0..timeline.stretches).step_by(joined);
    let starts = starts.map(|at| length_us(at.saturating_mul(timeline.stretch_us)));
    let titles: Vec<String> =
        ["seat", "arrivals", "requests"].map(str::to_owned).into_iter().chain(starts).collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>(), &[0]);
    let row = |name: &str, arrivals: u64, all: Requests, cells: &[u64]| {
        let mut row = vec![name.to_owned(), expected(arrivals, timeline.exact)];
        row.push(requests(all, timeline.exact));
        row.extend(stretches(cells));
        row
    };
    for node in timeline.seats.iter().take(SEATS_SHOWN) {
        table.row(row(&node.seat, node.arrivals, node.requests, &node.requests_by_stretch));
    }
    if timeline.seats.len() > 1 {
        let arrivals = timeline.seats.iter().map(|node| node.arrivals).fold(0, u64::saturating_add);
        let all =
            timeline.seats.iter().map(|node| node.requests).fold(Requests::NONE, Requests::and);
        let cells = usize::try_from(timeline.stretches).unwrap_or(0);
        let sum = |at: usize| {
            let each = timeline.seats.iter().filter_map(|node| node.requests_by_stretch.get(at));
            each.copied().fold(0, u64::saturating_add)
        };
        let cells: Vec<u64> = (0..cells).map(sum).collect();
        table.row(row("all", arrivals, all, &cells));
    }
    table
}

/// Returns what to do about seats that are not listed.
pub(super) fn more_seats(seats: usize) -> Option<String> {
    let more = seats.checked_sub(SEATS_SHOWN).filter(|more| *more > 0)?;
    Some(format!("and {} more; --seat GROUP/NUMBER shows one", number(more as u64)))
}

/// Returns a number, marked if it is an estimate.
pub(super) fn expected(n: u64, exact: bool) -> String {
    if exact { number(n) } else { format!("~{}", number(n)) }
}

/// Returns a number of requests: one, a range, or its lower end.
pub(super) fn requests(requests: Requests, exact: bool) -> String {
    let Requests { min, max } = requests;
    match max {
        Some(max) if max == min => expected(min, exact),
        Some(max) => format!("{}–{}", expected(min, exact), number(max)),
        None => format!("{}+", expected(min, exact)),
    }
}

/// Returns a number in at most seven characters.
fn short(n: u64) -> String {
    match n {
        0..1_000_000 => number(n),
        1_000_000..1_000_000_000 => format!("{}.{}M", n / 1_000_000, n / 100_000 % 10),
        1_000_000_000.. => format!("{}.{}G", n / 1_000_000_000, n / 100_000_000 % 10),
    }
}

fn file_line(file: &FileView) -> String {
    let FileView { name, file: path, rows_needed, rows_there, .. } = file;
    let rows = format!("{name}: {} rows of {path} by {}", take(file.take), per(file.per));
    let there = number(*rows_there);
    match file.take {
        Take::Unique => format!("{rows}, {} needed of {there} there", number(*rows_needed)),
        Take::Circular | Take::Random => format!("{rows}, {there} there"),
    }
}

/// Returns the pass conditions, each on one line if all fit so, else on two.
fn thresholds(explanation: &Explanation) -> Vec<String> {
    let wide = |of: fn(&ThresholdView) -> &String| {
        explanation.thresholds.iter().map(|each| of(each).chars().count()).max().unwrap_or(0)
    };
    let width = wide(|each| &each.name) + wide(|each| &each.require) + wide(|each| &each.select);
    let on_one_line = width + 4 <= CONTENT;
    let mut table = Table::untitled(&[0, 1, 2]);
    for threshold in &explanation.thresholds {
        let mut more = threshold.terms.clone();
        let mut row = vec![threshold.name.clone(), threshold.require.clone()];
        if on_one_line {
            row.push(threshold.select.clone());
        } else {
            more.insert(0, threshold.select.clone());
        }
        table.row(row);
        if !more.is_empty() {
            table.across(1, more.join(", "));
        }
    }
    table.lines(CONTENT)
}

/// Writes a title and its lines, broken at spaces where one would leave the width.
pub(super) fn section(out: &mut dyn Write, title: &str, lines: &[String]) -> io::Result<()> {
    let mut title = title;
    for line in lines.iter().flat_map(|line| broken(line, CONTENT)) {
        let line = format!("  {title:<0$}{line}", INDENT - 2);
        writeln!(out, "{}", line.trim_end())?;
        title = "";
    }
    Ok(())
}

/// Returns the word of the plan language.
pub(super) fn take(take: Take) -> &'static str {
    match take {
        Take::Unique => "unique",
        Take::Circular => "circular",
        Take::Random => "random",
    }
}

fn per(per: Per) -> &'static str {
    match per {
        Per::Arrival => "arrival",
        Per::User => "user",
    }
}
