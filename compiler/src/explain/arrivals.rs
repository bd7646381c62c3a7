//! (pure) The arrivals of a scenario, one a line: number, due time, seat, rows. Written as they are made, never held.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::scenario::residues;
use super::{ExplainError, check_seat};
use crate::artifact::{Artifact, Data, DataUse, Load, OpenLoad, Per, Scenario};
use crate::partition::row;
use crate::schedule::{Closed, Open, slot_in};
use crate::seed::Seed;

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

/// Writes the arrivals of `scenario`, all or those of one seat, in order of number; in a timed closed load, where no
/// number has a time of its own, the stays of its users.
///
/// # Errors
/// No such scenario or seat; the inner error is that of `out`.
pub fn list(
    artifact: &Artifact,
    scenario: &str,
    seat: Option<&str>,
    format: ArrivalsFormat,
    out: &mut dyn Write,
) -> Result<io::Result<()>, ExplainError> {
    check_seat(artifact, seat)?;
    let Some((name, body)) = artifact.scenarios.get_key_value(scenario) else {
        let known: Vec<String> =
            artifact.scenarios.keys().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        return Err(ExplainError::Scenario { scenario: scenario.to_owned(), known });
    };
    let listing = Listing::new(artifact, name, body, seat);
    Ok(listing.write(format, out))
}

struct Listing<'a> {
    seed: u64,
    name: &'a str,
    scenario: &'a Scenario,
    owners: Vec<Option<&'a str>>,
    only: Option<&'a str>,
    data: Vec<(&'a str, &'a Data, DataUse, Seed)>,
}

impl<'a> Listing<'a> {
    fn new(
        artifact: &'a Artifact,
        name: &'a str,
        scenario: &'a Scenario,
        only: Option<&'a str>,
    ) -> Listing<'a> {
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
        Listing { seed: artifact.seed, name, scenario, owners, only, data: used.collect() }
    }

    fn write(&self, format: ArrivalsFormat, out: &mut dyn Write) -> io::Result<()> {
        if format == ArrivalsFormat::Human {
            self.write_titles(out)?;
        }
        match &self.scenario.load {
            Load::Open(load) => self.write_open(load, format, out),
            // Its arrivals are events of others.
            Load::Observe { .. } => Ok(()),
            Load::Closed(load) => {
                let closed = Closed::new(load);
                match closed.count() {
                    Some(count) => (0..count).try_for_each(|number| {
                        let user = number % u64::from(load.users_max.max(1));
                        let line = self.line(Some(number), None, Some(user), None);
                        self.write_line(&line, format, out)
                    }),
                    None => self.write_stays(&closed, format, out),
                }
            }
        }
    }

    fn write_open(
        &self,
        load: &OpenLoad,
        format: ArrivalsFormat,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let open = Open::of(self.seed, self.name, load);
        let owned: Vec<u32> = (0u32..)
            .zip(&self.owners)
            .filter(|(_, owner)| self.only.is_none() || **owner == self.only)
            .map(|(slot, _)| slot)
            .collect();
        for due in open.cursor(&owned, self.scenario.slot_count) {
            let due_us = self.scenario.start_ns.saturating_add(due.due_ns) / 1_000;
            let line = self.line(Some(due.number), Some(due_us), None, None);
            self.write_line(&line, format, out)?;
        }
        Ok(())
    }

    fn write_stays(
        &self,
        closed: &Closed,
        format: ArrivalsFormat,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for user in 0..closed.users_max() {
            for (start_ns, end_ns) in closed.user_spans(user) {
                let at_us = |ns: u64| self.scenario.start_ns.saturating_add(ns) / 1_000;
                let stay = (at_us(start_ns), at_us(end_ns));
                let line = self.line(None, None, Some(u64::from(user)), Some(stay));
                self.write_line(&line, format, out)?;
            }
        }
        Ok(())
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
                format!("{:>10} {:>14}", "number", "due_us")
            }
            Load::Closed(load) if Closed::new(load).count().is_some() => {
                format!("{:>10} {:>10}", "number", "user")
            }
            Load::Closed(_) => format!("{:>10} {:>14} {:>14}", "user", "start_us", "end_us"),
        };
        let mut line = format!("{columns}  {:<16}", "seat");
        for (name, ..) in &self.data {
            line.push_str(&format!(" {name:>10}"));
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn write_line(
        &self,
        line: &Line<'_>,
        format: ArrivalsFormat,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if self.only.is_some() && line.seat != self.only {
            return Ok(());
        }
        if format == ArrivalsFormat::Json {
            serde_json::to_writer(&mut *out, line)?;
            return writeln!(out);
        }
        let cell = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        let mut text = match (line.due_us, line.active_us) {
            (Some(due_us), _) => format!("{:>10} {due_us:>14}", cell(line.number)),
            (None, Some((start_us, end_us))) => {
                format!("{:>10} {start_us:>14} {end_us:>14}", cell(line.user))
            }
            (None, None) => format!("{:>10} {:>10}", cell(line.number), cell(line.user)),
        };
        text.push_str(&format!("  {:<16}", line.seat.unwrap_or("-")));
        for row in line.rows.values() {
            text.push_str(&format!(" {:>10}", cell(*row)));
        }
        writeln!(out, "{}", text.trim_end())
    }
}
