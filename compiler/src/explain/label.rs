//! (pure) Short words for steps and lengths, as a plan would spell them.

mod driver;

use crate::artifact::{
    Action, Filter, HttpAction, Method, Piece, SlotSource, Step, Text, WaitAction,
};
use crate::unit::Length;

/// Longest action, in characters; a longer one is cut.
const ACTION_MAX: usize = 60;

/// Returns what a step does, such as `POST shop /login` or `wait 1s to 3s`.
pub(super) fn action(step: &Step) -> String {
    let whole = match &step.action {
        Action::Http(HttpAction { endpoint, method, path, .. }) => {
            format!("{} {endpoint} {}", verb(*method), template(path))
        }
        Action::Wait(WaitAction::Constant { length_ns }) => format!("wait {}", length(*length_ns)),
        Action::Wait(WaitAction::Uniform { min_ns, max_ns }) => {
            format!("wait {} to {}", length(*min_ns), length(*max_ns))
        }
        Action::ForEach(_) => "for each item of a list".to_owned(),
        Action::Repeat(block) if block.until.is_some() => {
            format!("repeat at most {} times", block.at_most)
        }
        Action::Repeat(block) => format!("repeat {} times", block.at_most),
        Action::Choose(choose) => format!("choose one of {}", choose.branches.len()),
        Action::Call(call) => format!("call {}", call.transaction),
        other => driver::action(other),
    };
    match whole.char_indices().nth(ACTION_MAX) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// Returns `kind` of a step as results spell it.
pub(super) fn kind(step: &Step) -> &'static str {
    step.action.word()
}

/// Returns a length as plans spell it.
pub(super) fn length(ns: u64) -> String {
    Length(ns).to_string()
}

/// Returns a length given in microseconds as plans spell it.
pub(super) fn length_us(us: u64) -> String {
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

/// Returns a text with its slots spelled as templates, filters by name only.
pub(super) fn template(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Slot(slot) => {
            let filters = slot.filters.iter().map(|filter| format!(" | {}", filter_name(filter)));
            format!("{{{{ {}{} }}}}", source(&slot.from), filters.collect::<String>())
        }
    };
    let text: String = text.0.iter().map(piece).collect();
    // A terminal must not obey what a plan says.
    text.replace(char::is_control, " ")
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
        SlotSource::RandPick { items: _, place: _ } => "rand.pick([…])".to_owned(),
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
        Filter::Default(_) => "default(…)",
        Filter::Raw => "raw",
    };
    name.to_owned()
}
