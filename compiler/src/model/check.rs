//! (pure) `expect` and `capture`: what must hold of an answer, and what is kept of it.

use crate::artifact::{
    Capture, CaptureFrom, Expect, JsonCheck, JsonExpect, StatusRange, TextCheck,
};
use crate::diagnostic::Diagnostic;
use crate::expression::{begins_with_bound, parse_duration_bound, parse_number_bound};
use crate::model::header::header_name;
use crate::model::lower::{Lower, Site};
use crate::source::Span;
use crate::syntax::{Kind, Node};
use crate::template::Fault;

/// A capture with the place of its name.
#[derive(Clone, Debug)]
pub struct CapturePlan {
    /// As the artifact has it; `None` when it is broken.
    pub capture: Option<Capture>,
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
}

const PATTERN: &str = "plan::pattern::invalid";

pub(super) fn expect(node: Node<'_>, work: &mut Lower<'_>) -> Expect {
    let mut expect = Expect::default();
    for (entry, value) in node.entries() {
        if value.is_hole() {
            continue;
        }
        match entry.key.as_str() {
            "status" if matches!(value.kind(), Kind::Seq(_)) => {
                expect.status = value.items().filter_map(|item| status(item, work)).collect();
            }
            "status" => expect.status = status(value, work).into_iter().collect(),
            "duration" => expect.duration.extend(duration(value, work)),
            "json" => {
                for (entry, value) in value.entries() {
                    expect.json.extend(json_expect(&entry.key, entry.key_span, value, work));
                }
            }
            "header" => {
                for (entry, value) in value.entries() {
                    let name = header_name(&entry.key, entry.key_span, work);
                    let checks = text_checks(value, work);
                    if let Some(name) = name {
                        let named = checks.into_iter().map(|check| (name.clone(), check));
                        expect.header.extend(named);
                    }
                }
            }
            "body" => expect.body = text_checks(value, work),
            _ => {}
        }
    }
    expect
}

/// Statuses of gRPC by their numbers.
pub(super) const GRPC_STATUSES: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// Reads `201`, `2xx`, or a status of gRPC such as `not_found`.
pub(super) fn status(node: Node<'_>, work: &mut Lower<'_>) -> Option<StatusRange> {
    let text = work.word(node, "a status code")?;
    let of_grpc = GRPC_STATUSES.iter().position(|name| *name == text.value);
    if let Some(code) = of_grpc.and_then(|code| u16::try_from(code).ok()) {
        return Some(StatusRange { from: code, to: code });
    }
    let class = text.value.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
    let range = match class {
        Some(class) => (1..=5)
            .contains(&class)
            .then_some(StatusRange { from: class * 100, to: class * 100 + 99 }),
        None => text
            .value
            .parse::<u16>()
            .ok()
            .filter(|code| (100..=599).contains(code))
            .map(|code| StatusRange { from: code, to: code }),
    };
    if range.is_none() {
        let message = format!("`{}` is not a status code", text.value);
        let help = "write a code such as `201`, a class such as `2xx`, or a list of them";
        work.out_of_range(text.span, message, help);
    }
    range
}

fn duration(node: Node<'_>, work: &mut Lower<'_>) -> Option<crate::artifact::Comparison> {
    let text = work.word(node, "a bound such as `< 800ms`")?;
    match parse_duration_bound(&text.value) {
        Ok(bound) => Some(bound),
        Err(mut fault) => {
            if node.as_str() != Some(text.value.as_str()) {
                fault.range = 0..node.as_str().map_or(0, str::len);
            }
            work.fault(node, fault);
            None
        }
    }
}

fn json_expect(key: &str, span: Span, value: Node<'_>, work: &mut Lower<'_>) -> Option<JsonExpect> {
    let good = json_path(key).map_err(|fault| {
        let place = within_key(key, span, &fault, work);
        let found = Diagnostic::error(fault.code, place, fault.message);
        work.push(found.label(fault.label).help(fault.help));
    });
    let check = if value.as_str().is_some_and(begins_with_bound) {
        number_bound(value, work)?
    } else {
        JsonCheck::Equals(work.json(value, Site::Expect)?)
    };
    good.ok().map(|()| JsonExpect { path: key.to_owned(), check })
}

/// Reads `> 0`; a var in it is put in first.
fn number_bound(node: Node<'_>, work: &mut Lower<'_>) -> Option<JsonCheck> {
    let text = work.word(node, "a bound such as `> 0`")?;
    if let Some((bound, value)) = parse_number_bound(&text.value) {
        return Some(JsonCheck::Number { bound, value });
    }
    let message = format!("`{}` compares with no number", text.value);
    let found = Diagnostic::error("plan::expression::syntax", text.span, message);
    work.push(found.label("not a bound").help(
        "write an operator and a number, such as `> 0`; a value alone must be equal: `accepted`",
    ));
    None
}

/// Narrows a key's place to a fault's, where the key is written without escapes.
fn within_key(key: &str, span: Span, fault: &Fault, work: &Lower<'_>) -> Span {
    let written = work.source.slice(span);
    let Some(at) = written.find(key) else { return span };
    let source = work.source.text_of(span.file);
    let lo = span.lo as usize + at;
    source.span(lo + fault.range.start, lo + fault.range.end)
}

/// Reads a text, or `{ contains: … }`, `{ matches: … }`, `{ equals: … }`.
fn text_checks(node: Node<'_>, work: &mut Lower<'_>) -> Vec<TextCheck> {
    if !matches!(node.kind(), Kind::Map(_)) {
        return work.text(node, Site::Expect).map(TextCheck::Equals).into_iter().collect();
    }
    let mut checks = Vec::new();
    for (entry, value) in node.entries() {
        let check = match entry.key.as_str() {
            "equals" => work.text(value, Site::Expect).map(TextCheck::Equals),
            "contains" => work.text(value, Site::Expect).map(TextCheck::Contains),
            "matches" => regex(value, work).map(TextCheck::Matches),
            _ => None,
        };
        checks.extend(check);
    }
    checks
}

pub(super) fn captures(node: Node<'_>, work: &mut Lower<'_>) -> Vec<CapturePlan> {
    let mut captures = Vec::new();
    for (entry, value) in node.entries() {
        let capture = if value.is_hole() { None } else { capture(&entry.key, value, work) };
        captures.push(CapturePlan { capture, name: entry.key.clone(), span: entry.key_span });
    }
    captures
}

fn capture(name: &str, node: Node<'_>, work: &mut Lower<'_>) -> Option<Capture> {
    let from = source(node, work);
    let all = node.get("all").map_or(Some(false), |node| work.flag(node));
    let default = match node.get("default") {
        Some(node) => work.constant(node).map(Some),
        // `default: null` is a value too.
        None => Some(None),
    };
    Some(Capture { name: name.to_owned(), from: from?, all: all?, default: default? })
}

/// Lowers where a value is found in an answer.
pub(super) fn source(node: Node<'_>, work: &mut Lower<'_>) -> Option<CaptureFrom> {
    if let Some(path) = node.get("json") {
        json_path_at(path, work).map(CaptureFrom::Json)
    } else if let Some(header) = node.get("header") {
        let text = work.literal(header, "the name of a header")?;
        let lower = text.value.to_ascii_lowercase();
        // Captured headers may be ones that the connection sets.
        if lower == "connection" || lower == "content-length" || lower == "transfer-encoding" {
            Some(CaptureFrom::Header(lower))
        } else {
            header_name(&text.value, text.span, work).map(CaptureFrom::Header)
        }
    } else if let Some(pattern) = node.get("regex") {
        regex(pattern, work).map(CaptureFrom::Regex)
    } else if let Some(pattern) = node.get("subject") {
        regex(pattern, work).map(CaptureFrom::Subject)
    } else if node.get("key").is_some() {
        Some(CaptureFrom::Key)
    } else {
        node.get("status").map(|_| CaptureFrom::Status)
    }
}

/// Returns a JSONPath's text if it is one.
pub(super) fn json_path_at(node: Node<'_>, work: &mut Lower<'_>) -> Option<String> {
    let text = work.literal(node, "a JSONPath")?;
    match json_path(&text.value) {
        Ok(()) => Some(text.value),
        Err(fault) => {
            work.fault(node, fault);
            None
        }
    }
}

/// Returns a regular expression's text if it compiles.
pub(super) fn regex(node: Node<'_>, work: &mut Lower<'_>) -> Option<String> {
    let text = work.literal(node, "a regular expression")?;
    let Some(fault) = regex_fault(&text.value) else { return Some(text.value) };
    work.fault(node, fault);
    None
}

fn regex_fault(pattern: &str) -> Option<Fault> {
    let help = "the syntax is that of Rust's `regex`: no look-around, no back-references; put it in single quotes";
    let message = format!("the regular expression `{pattern}` does not compile");
    let (range, label) = match regex_syntax::parse(pattern) {
        Ok(_) => match regex::Regex::new(pattern) {
            Ok(_) => return None,
            Err(_) => (0..pattern.len(), "too large when compiled".to_owned()),
        },
        Err(regex_syntax::Error::Parse(error)) => {
            let span = error.span();
            (span.start.offset..span.end.offset, error.kind().to_string())
        }
        Err(regex_syntax::Error::Translate(error)) => {
            let span = error.span();
            (span.start.offset..span.end.offset, error.kind().to_string())
        }
        Err(_) => (0..pattern.len(), "not a regular expression".to_owned()),
    };
    Some(Fault::new(PATTERN, range, message).label(label).help(help))
}

fn json_path(path: &str) -> Result<(), Fault> {
    match serde_json_path::JsonPath::parse(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = (0..=error.position().min(path.len()))
                .rev()
                .find(|at| path.is_char_boundary(*at))
                .unwrap_or(0);
            let message = format!("`{path}` is not a JSONPath");
            let rooted =
                if path.starts_with('[') { format!("${path}") } else { format!("$.{path}") };
            let help = match serde_json_path::JsonPath::parse(&rooted) {
                Ok(_) => format!("write it from the root: `{rooted}`"),
                Err(_) => "write it from the root, as in RFC 9535: `$.items[0].id`".to_owned(),
            };
            Err(Fault::new(PATTERN, at..path.len(), message)
                .label(error.message().to_owned())
                .help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_refused_at_their_place() {
        let place = |fault: Option<Fault>, text: &str| fault.map(|f| text[f.range].to_owned());
        assert_eq!(regex_fault(r"id=(\d+)"), None);
        assert_eq!(place(regex_fault("ab(c"), "ab(c").as_deref(), Some("("));
        assert_eq!(place(regex_fault(r"a(?=b)"), r"a(?=b)").as_deref(), Some("(?="));
        assert!(json_path("$.items[0].id").is_ok());
        assert!(json_path("items.id").is_err());
        assert!(json_path("$.items[").is_err());
        assert!(json_path("").is_err());
    }
}
