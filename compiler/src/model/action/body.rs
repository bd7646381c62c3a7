//! (pure) Bodies: `json`, `json_file`, `form`, `text`, `file`, `multipart`.

use crate::artifact::{Body, Part, PartContent};
use crate::diagnostic::Diagnostic;
use crate::model::data;
use crate::model::lower::{Lower, Site};
use crate::model::settings::pairs;
use crate::model::step::FileUse;
use crate::syntax::{Entry, Node};

/// Lowers the body at `entry`; `None` if the key is no body, and a broken one is `Some(None)`.
pub(super) fn lower(
    entry: &Entry,
    value: Node<'_>,
    files: &mut Vec<FileUse>,
    work: &mut Lower<'_>,
) -> Option<Option<Body>> {
    Some(match entry.key.as_str() {
        "json" => work.json(value, Site::Body).map(Body::Json),
        "form" => pairs(value, Site::Body, work).map(Body::Form),
        "text" => work.text(value, Site::Body).map(Body::Text),
        "file" => file(value, false, files, work).map(Body::File),
        "json_file" => file(value, true, files, work).map(Body::JsonFile),
        "multipart" => multipart(value, files, work).map(Body::Multipart),
        _ => return None,
    })
}

/// Lowers the one body of a mapping.
pub(super) fn of(node: Node<'_>, files: &mut Vec<FileUse>, work: &mut Lower<'_>) -> Option<Body> {
    let mut body = Some(Body::Empty);
    for (entry, value) in node.entries() {
        if let Some(found) = lower(entry, value, files, work) {
            body = found;
        }
    }
    body
}

/// Lowers the path of a file that is sent.
pub(super) fn file(
    node: Node<'_>,
    json: bool,
    files: &mut Vec<FileUse>,
    work: &mut Lower<'_>,
) -> Option<String> {
    let path = data::path(node, work)?;
    files.push(FileUse { path: path.clone(), json });
    Some(path.value)
}

fn multipart(node: Node<'_>, files: &mut Vec<FileUse>, work: &mut Lower<'_>) -> Option<Vec<Part>> {
    let parts: Vec<Option<Part>> = node.items().map(|item| part(item, files, work)).collect();
    parts.into_iter().collect()
}

fn part(node: Node<'_>, files: &mut Vec<FileUse>, work: &mut Lower<'_>) -> Option<Part> {
    let name = work.literal(node.get("name")?, "the name of a field");
    let mut content = None;
    let mut filename = Some(None);
    let mut content_type = Some(None);
    for (entry, value) in node.entries() {
        match entry.key.as_str() {
            "json" => content = work.json(value, Site::Body).map(PartContent::Json),
            "text" => content = work.text(value, Site::Body).map(PartContent::Text),
            "file" => content = file(value, false, files, work).map(PartContent::File),
            "filename" => filename = work.text(value, Site::Body).map(Some),
            "content_type" => content_type = media_type(value, work).map(Some),
            _ => {}
        }
    }
    Some(Part {
        name: name?.value,
        content: content?,
        filename: filename?,
        content_type: content_type?,
    })
}

/// Reads `image/png`.
fn media_type(node: Node<'_>, work: &mut Lower<'_>) -> Option<String> {
    let text = work.literal(node, "a content type")?;
    let token = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic());
    let (kind, _) = text.value.split_once(';').unwrap_or((&text.value, ""));
    if kind.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub.trim_end())) {
        return Some(text.value);
    }
    let message = format!("`{}` is not a content type", text.value);
    let found = Diagnostic::error("plan::http::header", text.span, message);
    work.push(found.label("not a content type").help("write type and subtype: `image/png`"));
    None
}
