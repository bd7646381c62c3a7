//! (pure) Headers: names that a plan may set, and values that a header can hold.

use crate::artifact::{NameValue, Piece, Text};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, Site};
use crate::source::Span;
use crate::syntax::Node;

/// Lowers a mapping of headers; names become lowercase.
pub(super) fn headers(node: Node<'_>, site: Site, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
    let mut headers: Vec<NameValue> = Vec::new();
    let mut whole = !node.is_hole();
    for (entry, value) in node.entries() {
        let Some(name) = header_name(&entry.key, entry.key_span, work) else {
            whole = false;
            continue;
        };
        if headers.iter().any(|known| known.name == name) {
            let message = format!("the header `{name}` is given twice");
            let found = Diagnostic::error("plan::http::header", entry.key_span, message);
            work.push(found.label("given again").help("header names ignore case; keep one"));
            whole = false;
        }
        let bad = value.as_str().and_then(|text| text.chars().find(|c| !in_header(*c)));
        if let Some(bad) = bad {
            let shown = bad.escape_default();
            let message = format!("the header `{name}` holds `{shown}`, which no header can");
            let found = Diagnostic::error("plan::http::header", value.span(), message);
            let help = "write the value on one line, in plain ASCII; encode the rest, such as with `| base64`";
            work.push(found.label("not a header's value").help(help));
            whole = false;
            continue;
        }
        match work.text(value, site) {
            Some(value) if is_credential(&name, &value) => {
                let message = format!("the value of `{name}` is written into the plan");
                let found = Diagnostic::warning("plan::secret::literal", entry.key_span, message);
                work.push(found.label("everybody who has the plan can read it").help(
                    "declare it under `secrets` and put it in: `\"Bearer {{ secrets.token }}\"`",
                ));
                headers.push(NameValue { name, value });
            }
            Some(value) => headers.push(NameValue { name, value }),
            None => whole = false,
        }
    }
    whole.then_some(headers)
}

/// Lowers the headers of the action at `node`; none if it has no such key.
pub(super) fn action_headers(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
    node.get("headers").map_or(Some(Vec::new()), |node| headers(node, Site::Header, work))
}

/// Returns whether a header says who sends it, in words that stand in the plan.
fn is_credential(name: &str, value: &Text) -> bool {
    let names = ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"];
    let literal = |piece: &Piece| matches!(piece, Piece::Literal(_));
    names.contains(&name) && !value.0.is_empty() && value.0.iter().all(literal)
}

/// Returns whether a header's value may hold `c`; what templates put in is checked when it is rendered.
fn in_header(c: char) -> bool {
    c == '\t' || c == ' ' || c.is_ascii_graphic()
}

/// Returns a header's name in lowercase, if it is one that a plan may set.
pub(super) fn header_name(name: &str, span: Span, work: &mut Lower<'_>) -> Option<String> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let lower = name.to_ascii_lowercase();
    let set_for_you = ["host", "content-length", "transfer-encoding", "connection"];
    let (message, help) = if name.is_empty() || !name.chars().all(token) {
        (format!("`{name}` is not the name of a header"), "names are letters, digits and `-`")
    } else if set_for_you.contains(&lower.as_str()) {
        (format!("the header `{lower}` is set by the connection"), "leave it out")
    } else {
        return Some(lower);
    };
    let found = Diagnostic::error("plan::http::header", span, message);
    work.push(found.label("not such a name").help(help));
    None
}
