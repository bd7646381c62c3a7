//! (pure) An explanation for people: at most 100 columns, aligned.

use std::io::{self, Write};

use super::label::length_us;
use super::{DataView, Explanation, FileView, ScenarioView, SeatView, StepView};
use crate::artifact::{Per, Take};

/// Columns that no line leaves, names of the user's apart.
const WIDTH: usize = 100;

/// Column at which a section's content begins.
const INDENT: usize = 14;

/// Most seats that are listed for each scenario; the JSON form lists all.
const SEATS_SHOWN: usize = 24;

/// Service time beyond which it does not matter when a limit is reached: one hour, in microseconds.
const FAR_US: u64 = 3_600_000_000;

/// Writes `explanation` as text.
///
/// # Errors
/// Only those of `out`.
pub fn render(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "plan {}   seed {}", explanation.plan, explanation.seed)?;
    writeln!(out, "{}", explanation.digest)?;
    writeln!(out)?;
    let more = if explanation.arrivals_open_ended { " and those of timed users" } else { "" };
    let load = format!("{}{more} in {}", explanation.arrivals, length_us(explanation.load_us));
    section(out, "arrivals", &load)?;
    section(out, "run", &format!("at most {} with graceful stops", length_us(explanation.run_us)))?;
    section(out, "seats", &listed(&explanation.seats, 12))?;
    let memory = explanation.histogram_bytes_per_worker.div_ceil(1_000);
    let series = explanation.series;
    section(out, "series", &format!("{series}, about {memory} kB for each worker thread"))?;
    for file in &explanation.data {
        section(out, "data", &file_line(file))?;
    }
    for scenario in &explanation.scenarios {
        writeln!(out)?;
        render_scenario(scenario, out)?;
    }
    Ok(())
}

fn file_line(file: &FileView) -> String {
    let FileView { name, file: path, rows_needed, rows_there, .. } = file;
    let rows = format!("{name}: {} rows of {path} by {}", take(file.take), per(file.per));
    match file.take {
        Take::Unique => format!("{rows}, {rows_needed} needed of {rows_there} there"),
        Take::Circular | Take::Random => format!("{rows}, {rows_there} there"),
    }
}

fn render_scenario(scenario: &ScenarioView, out: &mut dyn Write) -> io::Result<()> {
    let start = match scenario.start_us {
        0 => String::new(),
        start_us => format!("   starts at {}", length_us(start_us)),
    };
    writeln!(out, "scenario {}   {}{start}", scenario.name, scenario.model)?;
    section(out, "load", &load_line(scenario))?;
    if scenario.warm_up_us > 0 {
        section(out, "warm-up", &format!("the first {}", length_us(scenario.warm_up_us)))?;
    }
    let graceful = length_us(scenario.graceful_stop_us);
    section(out, "stop", &format!("running transactions may take {graceful} more"))?;
    for (at, line) in concurrency(scenario).iter().enumerate() {
        section(out, if at == 0 { "in flight" } else { "" }, line)?;
    }
    render_seats(scenario, out)?;
    for (at, data) in scenario.data.iter().enumerate() {
        section(out, if at == 0 { "data" } else { "" }, &data_line(data))?;
    }
    render_steps(&scenario.steps, out)?;
    let path = scenario.longest_path.join(" → ");
    let waits = length_us(scenario.longest_path_wait_us);
    section(out, "longest", &format!("{path} ({waits} of waits, plus service time)"))
}

fn load_line(scenario: &ScenarioView) -> String {
    let length = length_us(scenario.length_us);
    match (&scenario.peak_rate, scenario.users_max, scenario.arrivals) {
        (Some(peak), _, Some(count)) => format!("{count} arrivals in {length}, peak {peak}"),
        (_, Some(users), Some(count)) => {
            format!("{count} arrivals by {users} users within {length}")
        }
        (_, None, _) => format!("starts nothing, looks for events for {length}"),
        (_, users, _) => {
            let (users, time) = (users.unwrap_or(0), length_us(scenario.users_us.unwrap_or(0)));
            format!("at most {users} users for {length}, {time} of user time")
        }
    }
}

/// Little's law: in flight = rate × time in the system; the time that answers take is not known and stays a factor.
fn concurrency(scenario: &ScenarioView) -> Vec<String> {
    let waiting = scenario.in_flight_waiting;
    let Some(limit) = scenario.max_in_flight else {
        if scenario.users_max.is_none() {
            return vec!["one transaction for each event".to_owned()];
        }
        return vec![
            format!("at most {waiting}, one transaction for each user"),
            "connections: at most one for each user and request beside another".to_owned(),
        ];
    };
    let each = scenario.in_flight_per_service_second;
    let wait = length_us(scenario.longest_path_wait_us);
    let mut lines = vec![format!(
        "at peak {waiting} by known waits ({wait}), plus {each} for each second of service time"
    )];
    lines.push(match scenario.full_at_service_us {
        Some(0) => format!("limit {limit}: reached by the waits alone"),
        Some(full_us) if full_us >= FAR_US => {
            format!("limit {limit}: not reached below {} of service time", length_us(FAR_US))
        }
        Some(full_us) => format!(
            "limit {limit}: reached at {} of service time for each transaction",
            length_us(full_us)
        ),
        None => format!("limit {limit}"),
    });
    lines.push(format!("connections: at peak {each} for each second that requests take"));
    lines
}

fn render_seats(scenario: &ScenarioView, out: &mut dyn Write) -> io::Result<()> {
    let concurrency = if scenario.max_in_flight.is_some() { "in flight" } else { "users" };
    let titles = ["seat", "slots", "share", "arrivals", concurrency].map(str::to_owned);
    let mut rows = vec![titles];
    rows.extend(scenario.seats.iter().take(SEATS_SHOWN).map(|seat| {
        let SeatView { seat, slots, share, arrivals, concurrency_max } = seat;
        let arrivals = arrivals.map_or("unknown".to_owned(), |count| count.to_string());
        [seat.clone(), slots.to_string(), share.clone(), arrivals, concurrency_max.to_string()]
    }));
    let width = |column: usize| rows.iter().map(|row| chars(&row[column])).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3), width(4)];
    for (at, row) in rows.iter().enumerate() {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            line.push_str(&format!("  {cell:>width$}"));
        }
        section(out, if at == 0 { "seats" } else { "" }, &line)?;
    }
    match scenario.seats.len().saturating_sub(SEATS_SHOWN) {
        0 => Ok(()),
        more => section(out, "", &format!("and {more} more")),
    }
}

fn data_line(data: &DataView) -> String {
    let DataView { name, first_row, rows, rows_there, .. } = data;
    match (data.take, rows.checked_sub(1)) {
        (_, None) => format!("{name}: no rows of {rows_there}"),
        (Take::Unique, Some(more)) => {
            let last = first_row.saturating_add(more);
            format!("{name}: unique rows {first_row} to {last} of {rows_there}")
        }
        (taken, _) => format!("{name}: {} rows, {rows} of {rows_there}", take(taken)),
    }
}

fn render_steps(steps: &[StepView], out: &mut dyn Write) -> io::Result<()> {
    let name_width = steps.iter().map(|step| chars(&step.name)).max().unwrap_or(0);
    let action_width = steps.iter().map(|step| chars(&step.action)).max().unwrap_or(0);
    let action_width = action_width.min(WIDTH / 2);
    for (at, step) in steps.iter().enumerate() {
        let after = match step.after.as_slice() {
            [] => "at once".to_owned(),
            after => format!("after {}", after.join(", ")),
        };
        let (name, action) = (&step.name, &step.action);
        let line = format!("{name:<name_width$}  {action:<action_width$}  {after}");
        section(out, if at == 0 { "steps" } else { "" }, &line)?;
    }
    Ok(())
}

/// Writes a title and its content, broken at spaces where it would leave the width.
fn section(out: &mut dyn Write, title: &str, content: &str) -> io::Result<()> {
    let mut title = title;
    for line in broken(content, WIDTH - INDENT) {
        let line = format!("  {title:<0$}{line}", INDENT - 2);
        writeln!(out, "{}", line.trim_end())?;
        title = "";
    }
    Ok(())
}

/// Breaks a line at spaces so that each part has at most `width` characters; a longer word stays whole.
fn broken(content: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = content.chars().collect();
    while rest.len() > width {
        let space = |at: &usize| rest[*at] == ' ' && rest[..*at].iter().any(|c| *c != ' ');
        let within = (1..=width).rev().find(space);
        let Some(at) = within.or_else(|| (width..rest.len()).find(space)) else { break };
        lines.push(rest[..at].iter().collect());
        // Continued lines stand two columns further in.
        let tail = rest[at..].iter().skip_while(|c| **c == ' ');
        rest = "  ".chars().chain(tail.copied()).collect();
    }
    lines.push(rest.iter().collect());
    lines
}

fn listed(names: &[String], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(String::as_str).collect();
    match names.len().saturating_sub(most) {
        0 => format!("{}: {}", names.len(), shown.join(", ")),
        more => format!("{}: {} and {more} more", names.len(), shown.join(", ")),
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

fn take(take: Take) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn long_lines_break_at_spaces() {
        assert_eq!(broken("a bb ccc dddd", 8), ["a bb ccc", "  dddd"]);
        assert_eq!(broken("aaaaaaaaaaaa b", 8), ["aaaaaaaaaaaa", "  b"]);
        assert_eq!(broken("abc", 8), ["abc"]);
        assert_eq!(broken("", 8), [""]);
    }
}
