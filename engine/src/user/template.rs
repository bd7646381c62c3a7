//! (pure) Texts and JSON values with slots, and what fills them for an arrival.
//!
//! What does not change between arrivals is written once, when a run is prepared.

use std::borrow::Cow;
use std::sync::Arc;

use compiler::artifact::{Json, Piece, Text};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::encode::{self, Encoding};
use super::random::{self, Seed};
use super::rows::RowRule;
use super::slot::Names;
use super::value::{Filter, Value, is_number, push_display};
use super::{Arrival, PrepareError, Values};

/// A text to be rendered.
#[derive(Default)]
pub(super) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Literal(String),
    Slot(Slot, Encoding),
}

/// A value that is known when a request is rendered.
pub(super) struct Slot {
    /// As the plan names it, for messages.
    pub(super) label: String,
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    /// Is not encoded for a place of text.
    pub(super) raw: bool,
    /// Its last filter has encoded it for a URL already.
    pub(super) encoded: bool,
}

/// Where a slot's value comes from; names have become indices, seeds and values.
#[derive(Clone)]
pub(super) enum Source {
    Constant(Value<'static>),
    Data {
        rule: Arc<RowRule>,
        column: usize,
    },
    Capture(usize),
    ArrivalNumber,
    /// `<run>.<scenario>.`
    ArrivalId(String),
    UserNumber,
    RandInt {
        min: i64,
        max: i64,
        seed: Seed,
    },
    RandUuid(Seed),
    RandPick {
        items: Vec<Value<'static>>,
        seed: Seed,
    },
    NowUnixMs,
    NowIso,
}

/// What a slot may look at.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) values: &'a Values,
    /// The wall clock; `None` once the request is sent.
    pub(super) unix_ms: Option<u64>,
}

impl Template {
    /// Appends a literal, as it is.
    pub(super) fn push_literal(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Literal(text.to_owned())),
        }
    }

    /// Appends a text; `literal` writes the stretches that the plan spells itself.
    pub(super) fn push_text(
        &mut self,
        text: &Text,
        names: &Names<'_>,
        encoding: Encoding,
        literal: fn(&mut String, &str),
    ) -> Result<(), PrepareError> {
        for piece in &text.0 {
            match piece {
                Piece::Literal(text) => {
                    let mut written = String::with_capacity(text.len());
                    literal(&mut written, text);
                    self.push_literal(&written);
                }
                Piece::Slot(slot) => self.push_slot(names.slot(slot)?, encoding),
            }
        }
        Ok(())
    }

    /// Appends a JSON value.
    pub(super) fn push_json(&mut self, json: &Json, names: &Names<'_>) -> Result<(), PrepareError> {
        match json {
            Json::Null => self.push_literal("null"),
            Json::Bool(value) => self.push_literal(if *value { "true" } else { "false" }),
            Json::Number(text) if is_number(text) => self.push_literal(text),
            Json::Number(text) => return Err(PrepareError::Number(text.clone())),
            Json::Text(text) => {
                self.push_literal("\"");
                self.push_text(text, names, Encoding::JsonString, encode::push_json_string)?;
                self.push_literal("\"");
            }
            Json::Slot(slot) => self.push_slot(names.slot(slot)?, Encoding::JsonValue),
            Json::List(items) => {
                self.push_literal("[");
                for (at, item) in items.iter().enumerate() {
                    self.push_literal(if at > 0 { "," } else { "" });
                    self.push_json(item, names)?;
                }
                self.push_literal("]");
            }
            Json::Object(fields) => {
                self.push_literal("{");
                for (at, (name, value)) in fields.iter().enumerate() {
                    let mut key = String::from(if at > 0 { ",\"" } else { "\"" });
                    encode::push_json_string(&mut key, name);
                    key.push_str("\":");
                    self.push_literal(&key);
                    self.push_json(value, names)?;
                }
                self.push_literal("}");
            }
        }
        Ok(())
    }

    /// Appends a slot, or what it stands for if that never changes.
    fn push_slot(&mut self, slot: Slot, encoding: Encoding) {
        if matches!(slot.source, Source::Constant(_)) {
            let mut text = String::new();
            // A constant that cannot be rendered fails each arrival that needs it, as any other value does.
            if let Ok(value) = slot.value(None)
                && slot.push(&mut text, encoding, &value).is_ok()
            {
                self.push_literal(&text);
                return;
            }
        }
        self.parts.push(Part::Slot(slot, encoding));
    }

    /// Appends another template.
    pub(super) fn append(&mut self, other: Template) {
        for part in other.parts {
            match part {
                Part::Literal(text) => self.push_literal(&text),
                slot @ Part::Slot(..) => self.parts.push(slot),
            }
        }
    }

    /// Returns the text if it never changes.
    pub(super) fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns whether a slot is not encoded for its place.
    pub(super) fn has_raw(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Slot(slot, _) if slot.raw))
    }

    /// Returns whether a literal stretch holds `c`.
    pub(super) fn literal_has(&self, c: char) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Literal(text) if text.contains(c)))
    }

    /// Appends the text of an arrival.
    ///
    /// # Errors
    /// A value is missing, or has no text where text must stand: a sentence about it.
    pub(super) fn render(&self, out: &mut String, scope: Scope<'_>) -> Result<(), String> {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Slot(slot, encoding) => {
                    let written =
                        slot.value(Some(scope)).and_then(|value| slot.push(out, *encoding, &value));
                    written.map_err(|why| format!("`{}` {why}", slot.label))?;
                }
            }
        }
        Ok(())
    }

    /// Returns the text of an arrival.
    pub(super) fn text(&self, scope: Scope<'_>) -> Result<Cow<'_, str>, String> {
        if let Some(text) = self.constant() {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::with_capacity(self.size_hint());
        self.render(&mut text, scope)?;
        Ok(Cow::Owned(text))
    }

    /// Returns a likely length in bytes.
    pub(super) fn size_hint(&self) -> usize {
        const SLOT_BYTES: usize = 24;
        let size = |part: &Part| match part {
            Part::Literal(text) => text.len(),
            Part::Slot(..) => SLOT_BYTES,
        };
        self.parts.iter().map(size).sum()
    }
}

impl Slot {
    /// Returns the value after the filters. Without a scope only constants have one.
    fn value<'a>(&'a self, scope: Option<Scope<'a>>) -> Result<Value<'a>, &'static str> {
        const MISSING: &str = "has no value";
        let mut value = match (&self.source, scope) {
            (Source::Constant(value), _) => Some(value.by_ref()),
            (source, Some(scope)) => source.value(scope),
            (_, None) => None,
        };
        for filter in &self.filters {
            value = match (filter, value) {
                (Filter::Default(default), None) => Some(default.by_ref()),
                (_, None) => return Err(MISSING),
                (filter, Some(value)) => Some(filter.apply(value)?),
            };
        }
        value.ok_or(MISSING)
    }

    /// Appends `value` as its place wants it.
    fn push(&self, out: &mut String, at: Encoding, value: &Value<'_>) -> Result<(), &'static str> {
        match at {
            Encoding::JsonValue => value.push_json(out),
            Encoding::JsonString => encode::push_json_string(out, &value.text()?),
            Encoding::Plain => push_plain(out, value)?,
            Encoding::Component | Encoding::Form if self.raw || self.encoded => {
                push_plain(out, value)?;
            }
            Encoding::Component => match value {
                // Digits need no encoding.
                Value::Unsigned(number) => push_display(out, number),
                value => encode::push_component(out, &value.text()?),
            },
            Encoding::Form => encode::push_form(out, &value.text()?),
        }
        Ok(())
    }
}

fn push_plain(out: &mut String, value: &Value<'_>) -> Result<(), &'static str> {
    match value {
        Value::Unsigned(number) => push_display(out, number),
        value => out.push_str(&value.text()?),
    }
    Ok(())
}

impl Source {
    fn value<'a>(&'a self, scope: Scope<'a>) -> Option<Value<'a>> {
        let Scope { arrival, values, unix_ms } = scope;
        let number = arrival.number;
        let owned = |text: String| Value::Text(Cow::Owned(text));
        let value = match self {
            Source::Constant(value) => value.by_ref(),
            Source::Data { rule, column } => rule.cell(arrival, *column)?,
            Source::Capture(at) => Value::of_tree(values.get(*at)?),
            Source::ArrivalNumber => Value::Unsigned(number),
            Source::ArrivalId(prefix) => owned(format!("{prefix}{number}")),
            Source::UserNumber => Value::Unsigned(u64::from(arrival.user?)),
            Source::RandInt { min, max, seed } => {
                let drawn = random::between(seed, number, *min, *max);
                u64::try_from(drawn).map_or(Value::Signed(drawn), Value::Unsigned)
            }
            Source::RandUuid(seed) => owned(uuid::Uuid::from_bytes(seed.uuid(number)).to_string()),
            Source::RandPick { items, seed } => {
                let at = seed.below(number, items.len() as u64);
                items.get(usize::try_from(at).ok()?)?.by_ref()
            }
            Source::NowUnixMs => Value::Unsigned(unix_ms?),
            Source::NowIso => owned(iso(unix_ms?)?),
        };
        Some(value)
    }
}

/// Writes a wall clock reading as RFC 3339 in UTC with milliseconds; `None` beyond the year 9999.
fn iso(unix_ms: u64) -> Option<String> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let nanos = i128::from(unix_ms) * 1_000_000;
    time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(FORMAT).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_wall_clock_is_written_in_utc_with_milliseconds() {
        assert_eq!(super::iso(1_700_000_000_007).unwrap(), "2023-11-14T22:13:20.007Z");
        assert_eq!(super::iso(u64::MAX), None);
    }
}
