//! (pure) `http`: a request.

use crate::artifact::{Action, Body, Filter, HttpAction, Method, NameValue, Piece, Text};
use crate::diagnostic::Diagnostic;
use crate::model::action::endpoint_of;
use crate::model::data;
use crate::model::endpoint::{Endpoint, headers};
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::transaction::StepPlan;
use crate::source::Span;
use crate::syntax::Node;

const METHODS: [(&str, Method); 7] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
    ("head", Method::Head),
    ("options", Method::Options),
];

/// Lowers a request; fields in the order they are written, so that random draws count in that order.
pub(super) fn lower(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, endpoints, out, work);
    let mut target = None;
    let mut query = Some(Vec::new());
    let mut fields = Some(Vec::new());
    let mut body = Some(Body::Empty);
    for (entry, value) in node.entries() {
        let name = entry.key.as_str();
        if let Some((_, method)) = METHODS.iter().find(|(word, _)| *word == name) {
            target = path(value, work).map(|path| (*method, path));
            continue;
        }
        match name {
            "query" => query = pairs(value, Site::Query, work),
            "headers" => fields = headers(value, work),
            "json" => body = work.json(value, Site::Body).map(Body::Json),
            "form" => body = pairs(value, Site::Body, work).map(Body::Form),
            "text" => body = work.text(value, Site::Body).map(Body::Text),
            "file" => {
                out.body_file = data::path(value, work);
                body = out.body_file.clone().map(|path| Body::File(path.value));
            }
            _ => {}
        }
    }
    if let (Some(endpoint), Some((method, path)), Some(query), Some(headers), Some(body)) =
        (endpoint, target, query, fields, body)
    {
        out.action =
            Some(Action::Http(HttpAction { endpoint, method, path, query, headers, body }));
    }
}

/// Lowers a path, which begins with `/` and is not broken by what it holds.
fn path(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
    let text = work.text(node, Site::Path)?;
    let literals: String = text
        .0
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.as_str(),
            Piece::Slot(_) => "",
        })
        .collect();
    let rooted = match text.0.first() {
        Some(Piece::Literal(literal)) => literal.starts_with('/'),
        Some(Piece::Slot(slot)) => slot.filters.contains(&Filter::Raw),
        None => false,
    };
    let bad = literals.chars().find(|c| !c.is_ascii_graphic() || "#<>`".contains(*c));
    let (message, help) = if !rooted {
        let written = node.as_str().unwrap_or("");
        let mut help = format!("write `/{written}`; it is put after the endpoint's `base_url`");
        if written.starts_with("{{") {
            help = "begin with `/`: the host stands in the endpoint's `base_url`; `| raw` keeps the `/`s of a value".to_owned();
        } else if written.starts_with("http://") || written.starts_with("https://") {
            help = "the host stands in the endpoint's `base_url`; write the path alone".to_owned();
        }
        ("the path does not begin with `/`".to_owned(), help)
    } else if let Some(bad) = bad {
        // Letters of other scripts are shown as they are, what cannot be seen by its number.
        let shown = bad.escape_debug();
        let help = "percent-encode it, or put it in with a template, which encodes".to_owned();
        (format!("the path holds `{shown}`, which no request line can"), help)
    } else {
        return Some(text);
    };
    let found = Diagnostic::error("plan::http::path", node.span(), message);
    work.push(found.label("not a path").help(help));
    None
}

/// Lowers a mapping of names to texts.
fn pairs(node: Node<'_>, site: Site, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
    let mut pairs = Vec::new();
    let mut whole = !node.is_hole();
    for (entry, value) in node.entries() {
        whole &= work.plain_key(&entry.key, entry.key_span);
        match work.text(value, site) {
            Some(value) => pairs.push(NameValue { name: entry.key.clone(), value }),
            None => whole = false,
        }
    }
    whole.then_some(pairs)
}
