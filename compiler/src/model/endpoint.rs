//! (pure) `endpoints`: connections of one kind each.

use crate::artifact::{HttpEndpoint, NameValue};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, Site, Use};
use crate::model::name::Section;
use crate::source::Span;
use crate::syntax::Node;
use crate::unit::SECOND_NS;

/// Longest wait for a response where neither endpoint nor step says.
const TIMEOUT_NS_DEFAULT: u64 = 30 * SECOND_NS;

/// Largest response body that is read where the endpoint does not say.
const BODY_BYTES_DEFAULT: u64 = 10 << 20;

/// An HTTP endpoint with what its templates read.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// As the artifact has it.
    pub http: HttpEndpoint,
    /// Where `base_url` stands.
    pub base_url: Span,
    /// What its templates read.
    pub uses: Vec<Use>,
}

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<Endpoint> {
    Section::lower(top, "endpoints", |_, node| endpoint(node, work))
}

fn endpoint(node: Node<'_>, work: &mut Lower<'_>) -> Option<Endpoint> {
    let http = node.get("http")?;
    let base = http.get("base_url");
    let base_url = base.and_then(|node| work.text(node, Site::BaseUrl));
    let headers = http.get("headers").map_or(Some(Vec::new()), |node| headers(node, work));
    let timeout_ns = match http.get("timeout") {
        Some(node) => work.positive_length(node).map(|length| length.value),
        None => Some(TIMEOUT_NS_DEFAULT),
    };
    let max_body_bytes = match http.get("max_body") {
        Some(node) => work.bytes(node).and_then(|bytes| {
            if bytes.value == 0 {
                let message = "a body of 0 bytes holds nothing".to_owned();
                work.out_of_range(bytes.span, message, "write a size above `0B`");
            }
            (bytes.value > 0).then_some(bytes.value)
        }),
        None => Some(BODY_BYTES_DEFAULT),
    };
    let tracking = match http.get("tracking") {
        Some(node) => work.one_of(node, &[("headers", true), ("none", false)]),
        None => Some(true),
    };
    let uses = work.take_uses();
    let http = HttpEndpoint {
        base_url: base_url?,
        headers: headers?,
        timeout_ns: timeout_ns?,
        tracking: tracking?,
        max_body_bytes: max_body_bytes?,
    };
    Some(Endpoint { http, base_url: base?.span(), uses })
}

/// Lowers a mapping of headers; names become lowercase.
pub(super) fn headers(node: Node<'_>, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
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
        match work.text(value, Site::Header) {
            Some(value) => headers.push(NameValue { name, value }),
            None => whole = false,
        }
    }
    whole.then_some(headers)
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
