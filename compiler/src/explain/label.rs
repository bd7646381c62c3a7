//! (pure) Short words for steps and lengths, as a plan would spell them.

mod driver;

use crate::artifact::{
    Action, Condition, Filter, HttpAction, Json, Method, OnFail, Piece, Repeat, Retry, Slot,
    SlotSource, Step, Text, WaitAction,
};
use crate::unit::Length;

/// Longest action, in characters; a longer one is cut.
const ACTION_MAX: usize = 60;

/// Returns what a step does, such as `POST shop /login` or `wait 1s to 3s`.
pub(crate) fn action(step: &Step) -> String {
    let whole = match &step.action {
        Action::Http(HttpAction { endpoint, method, path, .. }) => {
            format!("{} {endpoint} {}", verb(*method), template(path))
        }
        Action::Wait(WaitAction::Constant { length_ns }) => format!("wait {}", length(*length_ns)),
        Action::Wait(WaitAction::Uniform { min_ns, max_ns }) => {
            format!("wait {} to {}", length(*min_ns), length(*max_ns))
        }
        Action::ForEach(block) => format!("for each of {}", operand(&block.list)),
        Action::Repeat(Repeat { at_most, until: Some(until), steps: _ }) => {
            format!("repeat until {}, at most {at_most} times", condition(until))
        }
        Action::Repeat(block) => format!("repeat {} times", block.at_most),
        Action::Choose(choose) => format!("choose one of {}", choose.branches.len()),
        Action::Call(call) => format!("call {}", call.transaction),
        other => driver::action(other),
    };
    clipped(&whole, ACTION_MAX)
}

/// Cuts the middle out of a text of more than `most` characters, so that both ends can be read.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (head, tail) = (kept - kept / 3, kept / 3);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// Returns a number with what it counts: `1 request`, `2 000 requests`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(n))
}

/// Returns a number with a space between thousands.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut spaced = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

/// Returns a condition as a plan spells it.
pub(crate) fn condition(condition: &Condition) -> String {
    let parts = |parts: &[Condition], word: &str| {
        let part = |part: &Condition| match part {
            Condition::All(_) | Condition::Any(_) => format!("({})", self::condition(part)),
            Condition::Not(_)
            | Condition::Compare { .. }
            | Condition::In { .. }
            | Condition::Is(_) => self::condition(part),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match condition {
        Condition::All(all) => parts(all, " and "),
        Condition::Any(any) => parts(any, " or "),
        Condition::Not(inner) => format!("not ({})", self::condition(inner)),
        Condition::Compare { left, bound, right } => {
            format!("{} {} {}", operand(left), bound.symbol(), operand(right))
        }
        Condition::In { value, list } => format!("{} in {}", operand(value), operand(list)),
        Condition::Is(value) => operand(value),
    }
}

/// Returns a value of a condition: names stand without braces.
fn operand(value: &Json) -> String {
    match value {
        Json::Slot(slot) if slot.filters.is_empty() => source(&slot.from),
        value => json(value),
    }
}

/// Returns what else a plan says of a step, such as `when list.total > 100` or `up to 3 attempts`.
pub(crate) fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(when) = &step.when {
        notes.push(format!("when {}", condition(when)));
    }
    if let Some(Retry { attempts, when: _, wait_ns }) = &step.retry {
        notes.push(format!("up to {attempts} attempts, {} apart", length(*wait_ns)));
    }
    match step.on_fail {
        OnFail::EndTransaction => {}
        OnFail::Continue => notes.push("goes on if it fails".to_owned()),
        OnFail::StopScenario => notes.push("stops the scenario if it fails".to_owned()),
        OnFail::AbortRun => notes.push("aborts the run if it fails".to_owned()),
    }
    let metrics: Vec<&str> = step.metrics.iter().map(|metric| metric.name.as_str()).collect();
    if !metrics.is_empty() {
        notes.push(format!("measures {}", metrics.join(", ")));
    }
    if step.split_by.is_some() {
        notes.push("split by what it finds".to_owned());
    }
    notes
}

/// Returns `kind` of a step as results spell it.
pub(crate) fn kind(step: &Step) -> &'static str {
    step.action.word()
}

/// Returns a length as plans spell it.
pub(crate) fn length(ns: u64) -> String {
    Length(ns).to_string()
}

/// Returns a length given in microseconds as plans spell it.
pub(crate) fn length_us(us: u64) -> String {
    length(us.saturating_mul(1_000))
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
    }
}

/// Returns a text with its slots spelled as templates.
pub(crate) fn template(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Slot(slot) => self::slot(slot),
    };
    let text: String = text.0.iter().map(piece).collect();
    printable(&text)
}

/// Returns a text on one line that a terminal does not obey: control characters as their pictures, `␊` for a line end.
/// Texts that differ still do.
pub(crate) fn printable(text: &str) -> String {
    let picture = |c: char| match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(c).to_string(),
        0x7f => "\u{2421}".to_owned(),
        _ if c.is_control() => c.escape_unicode().to_string(),
        _ => c.to_string(),
    };
    text.chars().map(picture).collect()
}

/// Returns a slot spelled as a template.
pub(crate) fn slot(slot: &Slot) -> String {
    let filters = slot.filters.iter().map(|filter| format!(" | {}", filter_name(filter)));
    format!("{{{{ {}{} }}}}", source(&slot.from), filters.collect::<String>())
}

/// Returns a JSON value on one line, its slots spelled as templates.
pub(crate) fn json(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(text) => text.clone(),
        Json::Text(text) => format!("\"{}\"", template(text)),
        Json::Slot(slot) => self::slot(slot),
        Json::List(items) => {
            let items: Vec<String> = items.iter().map(json).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entry = |(key, value): &(String, Json)| format!("{key}: {}", json(value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn source(from: &SlotSource) -> String {
    match from {
        SlotSource::Var(name) => format!("vars.{name}"),
        SlotSource::Secret(name) => format!("secrets.{name}"),
        SlotSource::Data { data, column } => format!("data.{data}.{column}"),
        SlotSource::Capture { step, name } => format!("{step}.{name}"),
        SlotSource::BeforeCapture { step, name } => format!("before.{step}.{name}"),
        SlotSource::UserCapture { step, name } => format!("user.{step}.{name}"),
        SlotSource::Let(name) => format!("let.{name}"),
        SlotSource::Param(name) => format!("params.{name}"),
        SlotSource::Item => "item".to_owned(),
        SlotSource::ArrivalNumber => "arrival.number".to_owned(),
        SlotSource::ArrivalId => "arrival.id".to_owned(),
        SlotSource::UserNumber => "user.number".to_owned(),
        SlotSource::GroupName => "group.name".to_owned(),
        SlotSource::RunId => "run.id".to_owned(),
        SlotSource::Seed => "seed".to_owned(),
        SlotSource::RandInt { min, max, place: _ } => format!("rand.int({min}, {max})"),
        SlotSource::RandUuid { place: _ } => "rand.uuid()".to_owned(),
        SlotSource::RandPick { items, place: _ } => {
            let items: Vec<String> = items.iter().map(json).collect();
            format!("rand.pick([{}])", items.join(", "))
        }
        SlotSource::NowUnixMs => "now.unix_ms".to_owned(),
        SlotSource::NowIso => "now.iso".to_owned(),
    }
}

fn filter_name(filter: &Filter) -> String {
    let name = match filter {
        Filter::Int => "int",
        Filter::Number => "number",
        Filter::Bool => "bool",
        Filter::Text => "text",
        Filter::Json => "json",
        Filter::Base64 => "base64",
        Filter::Url => "url",
        Filter::HmacSha256(secret) => return format!("hmac_sha256(secrets.{secret})"),
        Filter::Default(value) => return format!("default({})", json(value)),
        Filter::Raw => "raw",
    };
    name.to_owned()
}
