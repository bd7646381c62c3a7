//! (pure) The arrivals of a scenario, one a line: number, due time, seat, rows. Written as they are made, never held.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::label::clipped;
use super::scenario::residues;
use super::scenario_text::clock;
use super::table::WIDTH;
use super::{ExplainError, check_seat};
use crate::artifact::{Artifact, Data, DataUse, Load, OpenLoad, Per, Scenario};
use crate::partition::row;
use crate::schedule::{Closed, Open, slot_in};
use crate::seed::Seed;

/// Columns of the numbers and times, with the gaps around them.
const FIXED: usize = 50;

/// Columns of one data file's row number.
const DATA_WIDTH: usize = 12;

/// Most columns of a seat's name.
const SEAT_MAX: usize = 30;

/// How arrivals are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ArrivalsFormat {
    /// Columns for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// An arrival of an open or counted load, or a user's stay in a timed closed one. Rows count from 0.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Number of the arrival; `null` in a timed closed load.
    number: Option<u64>,
    /// When it is due, in microseconds since the run's start, rounded down; `null` in a closed load.
    due_us: Option<u64>,
    /// Number of the user; `null` in an open load.
    user: Option<u64>,
    /// When the user starts and ends, in microseconds since the run's start; `null` in an open load.
    active_us: Option<(u64, u64)>,
    /// Who executes it; `null` if nobody does (a verified artifact has no such slot).
    seat: Option<&'a str>,
    /// Row of each data file; `null` where the row goes by an arrival that is not known.
    rows: BTreeMap<&'a str, Option<u64>>,
}

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// One seat's alone, or all.
    pub seat: Option<&'a str>,
    /// Most lines; `None` for all of them.
    pub limit: Option<u64>,
    /// How they are written.
    pub format: ArrivalsFormat,
}

/// Writes the arrivals of `scenario`, all or those of one seat, in order of number; in a timed closed load, where no
/// number has a time of its own, the stays of its users. No line is held: any number of them can be written.
///
/// # Errors
/// No such scenario or seat; the inner error is that of `out`.
pub fn list(
    artifact: &Artifact,
    scenario: &str,
    listing: Listing<'_>,
    out: &mut dyn Write,
) -> Result<io::Result<()>, ExplainError> {
    let Listing { seat, limit, format } = listing;
    check_seat(artifact, seat)?;
    let Some((name, body)) = artifact.scenarios.get_key_value(scenario) else {
        let known: Vec<String> =
            artifact.scenarios.keys().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        return Err(ExplainError::Scenario { scenario: scenario.to_owned(), known });
    };
    let lines = Lines::new(artifact, name, body, seat);
    Ok(lines.write(format, limit.unwrap_or(u64::MAX), out))
}

struct Lines<'a> {
    plan_seed: u64,
    name: &'a str,
    scenario: &'a Scenario,
    /// Columns of a seat's name.
    seat_width: usize,
    /// How many of the data have a column in the form for people.
    data_shown: usize,
    owners: Vec<Option<&'a str>>,
    only: Option<&'a str>,
    data: Vec<(&'a str, &'a Data, DataUse, Seed)>,
}

impl<'a> Lines<'a> {
    fn new(
        artifact: &'a Artifact,
        name: &'a str,
        scenario: &'a Scenario,
        only: Option<&'a str>,
    ) -> Lines<'a> {
        let mut owners = vec![None; scenario.slot_count as usize];
        for (seat, owned) in &scenario.seats {
            for slot in residues(scenario, owned) {
                if let Some(owner) = owners.get_mut(slot as usize) {
                    *owner = Some(seat.as_str());
                }
            }
        }
        let root = Seed::root(artifact.seed);
        let used = scenario.data.iter().filter_map(|(data, used)| {
            let file = artifact.data.get(data)?;
            Some((data.as_str(), file, *used, root.for_rows(name, data)))
        });
        let data: Vec<_> = used.collect();
        let widths = scenario.seats.keys().map(|seat| seat.chars().count());
        let seat_width = widths.max().unwrap_or(0).clamp(4, SEAT_MAX);
        let data_shown = data.len().min((WIDTH - FIXED - seat_width) / (DATA_WIDTH + 1));
        let plan_seed = artifact.seed;
        Lines { plan_seed, name, scenario, seat_width, data_shown, owners, only, data }
    }

    fn write(&self, format: ArrivalsFormat, limit: u64, out: &mut dyn Write) -> io::Result<()> {
        if format == ArrivalsFormat::Human {
            self.write_titles(out)?;
        }
        let mut left = limit;
        for line in self.lines().filter(|line| self.only.is_none() || line.seat == self.only) {
            let Some(less) = left.checked_sub(1) else { break };
            left = less;
            self.write_line(&line, format, out)?;
        }
        Ok(())
    }

    /// Makes the lines one by one.
    fn lines(&self) -> Box<dyn Iterator<Item = Line<'a>> + '_> {
        match &self.scenario.load {
            Load::Open(load) => self.open(load),
            // Its arrivals are events of others.
            Load::Observe { .. } => Box::new(std::iter::empty()),
            Load::Closed(load) => {
                let closed = Closed::new(load);
                match closed.count() {
                    Some(count) => Box::new((0..count).map(|number| {
                        let user = number % u64::from(load.users_max.max(1));
                        self.line(Some(number), None, Some(user), None)
                    })),
                    None => self.stays(closed),
                }
            }
        }
    }

    fn open(&self, load: &OpenLoad) -> Box<dyn Iterator<Item = Line<'a>> + '_> {
        let open = Open::of(self.plan_seed, self.name, load);
        let owned: Vec<u32> = (0u32..)
            .zip(&self.owners)
            .filter(|(_, owner)| self.only.is_none() || **owner == self.only)
            .map(|(slot, _)| slot)
            .collect();
        Box::new(open.cursor(&owned, self.scenario.slot_count).map(|due| {
            let due_us = self.scenario.start_ns.saturating_add(due.due_ns) / 1_000;
            self.line(Some(due.number), Some(due_us), None, None)
        }))
    }

    fn stays(&self, closed: Closed) -> Box<dyn Iterator<Item = Line<'a>> + '_> {
        let at_us = |ns: u64| self.scenario.start_ns.saturating_add(ns) / 1_000;
        Box::new((0..closed.users_max()).flat_map(move |user| {
            closed.user_spans(user).into_iter().map(move |(start_ns, end_ns)| {
                let stay = (at_us(start_ns), at_us(end_ns));
                self.line(None, None, Some(u64::from(user)), Some(stay))
            })
        }))
    }

    fn line(
        &self,
        number: Option<u64>,
        due_us: Option<u64>,
        user: Option<u64>,
        active_us: Option<(u64, u64)>,
    ) -> Line<'a> {
        // A user's own number lies in the same slot as each of its arrivals.
        let slot = number.or(user).map(|number| slot_in(self.scenario, number));
        let place = slot.and_then(|slot| slot.checked_sub(self.scenario.slot_base));
        let seat = place.and_then(|place| self.owners.get(place as usize).copied().flatten());
        let rows = self.data.iter().map(|(name, data, used, seed)| {
            let key = match data.per {
                Per::Arrival => number,
                Per::User => user,
            };
            (*name, key.and_then(|key| row(seed, data.take, *used, key)))
        });
        Line { number, due_us, user, active_us, seat, rows: rows.collect() }
    }

    fn write_titles(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = match &self.scenario.load {
            Load::Open(_) | Load::Observe { .. } => {
                format!("{:>12} {:>16} {:>14}", "number", "due_us", "due")
            }
            Load::Closed(load) if Closed::new(load).count().is_some() => {
                format!("{:>12} {:>12}", "number", "user")
            }
            Load::Closed(_) => format!("{:>12} {:>16} {:>14}", "user", "start_us", "end_us"),
        };
        let mut line = format!("{columns}  {:<1$}", "seat", self.seat_width);
        for (name, ..) in self.data.iter().take(self.data_shown) {
            line.push_str(&format!(" {:>DATA_WIDTH$}", clipped(name, DATA_WIDTH)));
        }
        if self.data_shown < self.data.len() {
            line.push_str(" …");
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn write_line(
        &self,
        line: &Line<'_>,
        format: ArrivalsFormat,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if format == ArrivalsFormat::Json {
            serde_json::to_writer(&mut *out, line)?;
            return writeln!(out);
        }
        let cell = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        let mut text = match (line.due_us, line.active_us) {
            (Some(due_us), _) => {
                format!("{:>12} {due_us:>16} {:>14}", cell(line.number), clock(due_us))
            }
            (None, Some((start_us, end_us))) => {
                format!("{:>12} {start_us:>16} {end_us:>14}", cell(line.user))
            }
            (None, None) => format!("{:>12} {:>12}", cell(line.number), cell(line.user)),
        };
        let seat = clipped(line.seat.unwrap_or("-"), self.seat_width);
        text.push_str(&format!("  {seat:<0$}", self.seat_width));
        for (name, ..) in self.data.iter().take(self.data_shown) {
            let row = line.rows.get(name).copied().flatten();
            text.push_str(&format!(" {:>DATA_WIDTH$}", cell(row)));
        }
        writeln!(out, "{}", text.trim_end())
    }
}
