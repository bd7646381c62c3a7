//! (pure) `http`: a request.

use crate::artifact::{
    Action, Body, EndpointKind, Filter, HttpAction, HttpOptions, Method, Piece, Text,
};
use crate::diagnostic::Diagnostic;
use crate::model::action::{body, endpoint_of};
use crate::model::endpoint::Endpoint;
use crate::model::header::headers;
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::settings::pairs;
use crate::model::step::StepPlan;
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
    let endpoint = endpoint_of(key, node, &[EndpointKind::Http], endpoints, out, work);
    let mut target = None;
    let mut query = Some(Vec::new());
    let mut fields = Some(Vec::new());
    let mut body = Some(Body::Empty);
    let mut redirects = None;
    for (entry, value) in node.entries() {
        let name = entry.key.as_str();
        if let Some((_, method)) = METHODS.iter().find(|(word, _)| *word == name) {
            target = path(value, work).map(|path| (*method, path));
            continue;
        }
        match name {
            "query" => query = pairs(value, Site::Query, work),
            "headers" => fields = headers(value, Site::Header, work),
            "redirects" => {
                let most = work.whole(value, 0..u64::from(HttpOptions::REDIRECTS_MAX) + 1);
                redirects = most.and_then(|most| u32::try_from(most.value).ok());
            }
            _ => {
                if let Some(found) = body::lower(entry, value, &mut out.files, work) {
                    body = found;
                }
            }
        }
    }
    if let (Some((endpoint, _)), Some((method, path)), Some(query), Some(headers), Some(body)) =
        (endpoint, target, query, fields, body)
    {
        let http = HttpAction { endpoint, method, path, query, headers, body, redirects };
        out.action = Some(Action::Http(http));
    }
}

/// Lowers a path, which begins with `/` and is not broken by what it holds.
pub(super) fn path(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
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
