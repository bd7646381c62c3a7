//! (pure) One scenario's part of an explanation for people.

use std::io::{self, Write};

use super::human::{SEATS_SHOWN, expected, more_seats, requests, section, take};
use super::label::{clipped, counted, length_us, number};
use super::outline::StepView;
use super::table::{CONTENT, Table, spark};
use super::{DataView, ScenarioView};
use crate::artifact::Take;

/// Service time beyond which it does not matter when a limit is reached: one hour, in microseconds.
const FAR_US: u64 = 3_600_000_000;

/// Longest name in a heading, in characters.
const HEADING_MAX: usize = 40;

/// Writes the scenario's part.
pub(super) fn render(scenario: &ScenarioView, out: &mut dyn Write) -> io::Result<()> {
    let name = clipped(&scenario.name, HEADING_MAX);
    let [start, latest, load_end, end] =
        [scenario.start_us, scenario.latest_start_us, scenario.load_end_us, scenario.end_us]
            .map(length_us);
    let model = scenario.model;
    let start = if start == latest { start } else { format!("{start} or up to {latest}") };
    writeln!(out, "scenario {name}   {model}, {start} to {load_end}, all has ended by {end}")?;
    section(out, "load", &stages(scenario))?;
    section(out, "warm-up", &warm_up(scenario))?;
    section(out, "each", &[each(scenario)])?;
    section(out, "in flight", &concurrency(scenario))?;
    if !scenario.observes() {
        section(out, "seats", &seats(scenario))?;
    }
    let data: Vec<String> = scenario.data.iter().map(data_line).collect();
    section(out, "data", &data)?;
    section(out, "let", &scenario.lets)?;
    section(out, "each user", &steps(&scenario.before_each_user, CONTENT))?;
    section(out, "steps", &steps(&scenario.steps, CONTENT))?;
    let waits = length_us(scenario.transaction_wait_us);
    let path = format!("{} ({waits} of waits)", scenario.longest_path.join(" → "));
    section(out, "longest", &[path])
}

fn stages(scenario: &ScenarioView) -> Vec<String> {
    let mut lines = Vec::new();
    if scenario.profile.iter().any(|cell| *cell > 0) {
        lines.push(spark(&scenario.profile).trim_end().to_owned());
    }
    let mut table = Table::new(&["stage", "from", "to", "arrivals", "requests"], &[0]);
    for stage in &scenario.stages {
        let [start, end] = [stage.start_us, stage.end_us].map(length_us);
        let exact = stage.arrivals.is_some();
        let arrivals = expected(stage.arrivals_expected, exact);
        let requests = requests(stage.requests, exact);
        let sent = match scenario.observes() {
            true => ["–".to_owned(), "–".to_owned()],
            false => [arrivals, requests],
        };
        table.row([stage.what.clone(), start, end].into_iter().chain(sent).collect());
    }
    if scenario.stages.len() > 1 {
        let exact = scenario.arrivals.is_some();
        let late_us = scenario.latest_start_us.saturating_sub(scenario.start_us);
        let end_us = scenario.load_end_us.saturating_sub(late_us);
        let [start, end] = [scenario.start_us, end_us].map(length_us);
        let arrivals = expected(scenario.arrivals_expected, exact);
        table.row(vec!["all".to_owned(), start, end, arrivals, requests(scenario.requests, exact)]);
    }
    lines.extend(table.lines(CONTENT));
    lines.extend(scenario.notes.iter().cloned());
    lines
}

fn warm_up(scenario: &ScenarioView) -> Vec<String> {
    if scenario.warm_up_us == 0 {
        return Vec::new();
    }
    let first = format!("the first {}", length_us(scenario.warm_up_us));
    let arrivals =
        scenario.warm_up_arrivals.map(|arrivals| format!(", {} arrivals", number(arrivals)));
    vec![format!("{first}{}: its latencies stand apart", arrivals.unwrap_or_default())]
}

fn each(scenario: &ScenarioView) -> String {
    let count = requests(scenario.requests_each, true);
    let word = if count == "1" { "request" } else { "requests" };
    let (time, waits) = (length_us(scenario.transaction_us), scenario.transaction_wait_us);
    let waits = match waits {
        0 => String::new(),
        waits => format!(", {} of it waits", length_us(waits)),
    };
    let start = requests(scenario.requests_start, true);
    let start = match start.as_str() {
        "0" => String::new(),
        start => format!("; {start} more for each user"),
    };
    format!("{count} {word}, {time} along the longest path{waits}{start}")
}

/// Little's law: in flight = rate × time in the system.
fn concurrency(scenario: &ScenarioView) -> Vec<String> {
    let running = counted(scenario.in_flight, "transaction");
    let connections = counted(scenario.connections, "connection");
    let Some(limit) = scenario.max_in_flight else {
        if scenario.users_max.is_none() {
            return vec!["one transaction for each event that is found".to_owned()];
        }
        let users = format!("at most {running}, one for each user");
        return vec![format!("{users}; about {connections} in use")];
    };
    let peak = scenario.peak_rate.as_deref().unwrap_or("0/s");
    let mut lines = vec![format!("at the peak of {peak} about {running}; {connections} in use")];
    let limit = number(limit);
    lines.push(match scenario.full_at_us {
        Some(full_us) if full_us >= FAR_US => {
            format!("limit {limit}: not reached by transactions of less than {}", length_us(FAR_US))
        }
        Some(full_us) => {
            format!("limit {limit}: reached when a transaction takes {}", length_us(full_us))
        }
        None => format!("limit {limit}"),
    });
    lines
}

fn seats(scenario: &ScenarioView) -> Vec<String> {
    let open = scenario.max_in_flight.is_some();
    let exact = scenario.arrivals.is_some();
    let titles = if open {
        vec!["seat", "share", "arrivals", "requests", "first", "last", "limit"]
    } else {
        vec!["seat", "share", "arrivals", "requests", "users"]
    };
    let mut table = Table::new(&titles, &[0]);
    let due = |due_us: Option<u64>| due_us.map_or_else(|| "–".to_owned(), clock);
    for seat in scenario.seats.iter().take(SEATS_SHOWN) {
        let arrivals = expected(seat.arrivals_expected, exact);
        let mut row = vec![seat.seat.clone(), seat.share.clone(), arrivals];
        row.push(requests(seat.requests, exact));
        if open {
            row.extend([due(seat.first_us), due(seat.last_us)]);
        }
        row.push(number(seat.concurrency_max));
        table.row(row);
    }
    let mut lines = table.lines(CONTENT);
    lines.extend(more_seats(scenario.seats.len()));
    lines
}

/// Returns a time of the run's clock as minutes, seconds and milliseconds: `01:02.003`.
pub(super) fn clock(us: u64) -> String {
    let (ms, s) = (us / 1_000 % 1_000, us / 1_000_000);
    let (hours, minutes, seconds) = (s / 3_600, s / 60 % 60, s % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}.{ms:03}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}.{ms:03}"),
    }
}

fn data_line(data: &DataView) -> String {
    let DataView { name, first_row, rows, rows_there, .. } = data;
    let there = number(*rows_there);
    match (data.take, rows.checked_sub(1)) {
        (_, None) => format!("{name}: no rows of {there}"),
        (Take::Unique, Some(more)) => {
            let (first, last) = (number(*first_row), number(first_row.saturating_add(more)));
            format!("{name}: unique rows {first} to {last} of {there}")
        }
        (taken, _) => format!("{name}: {} rows, {} of {there}", take(taken), number(*rows)),
    }
}

/// Returns a line for each step, those of blocks further in; `●` marks the longest path.
pub(super) fn steps(steps: &[StepView], width: usize) -> Vec<String> {
    let mut table = Table::untitled(&[0, 1, 2]);
    add_steps(steps, 0, &mut table);
    table.lines(width)
}

fn add_steps(steps: &[StepView], depth: usize, table: &mut Table) {
    let indent = "  ".repeat(depth);
    for (at, step) in steps.iter().enumerate() {
        let mark = if step.longest { '●' } else { '○' };
        let after = match step.after.as_slice() {
            // The first step of a block starts with the block.
            [] if at == 0 && depth > 0 => String::new(),
            [] => "at once".to_owned(),
            after => format!("after {}", after.join(", ")),
        };
        table.row(vec![format!("{indent}{mark} {}", step.name), step.action.clone(), after]);
        for note in &step.notes {
            table.across(1, note.clone());
        }
        for body in &step.bodies {
            if !body.label.is_empty() {
                table.across(0, format!("{indent}  {}", body.label));
            }
            add_steps(&body.steps, depth + 1, table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_read_as_on_a_clock() {
        assert_eq!(clock(62_003_999), "01:02.003");
        assert_eq!(clock(3_600_000_000), "1:00:00.000");
    }
}
