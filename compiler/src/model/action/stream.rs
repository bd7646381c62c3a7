//! (pure) `websocket` and `sse`: what is said over a connection that stays open.

use crate::artifact::{
    Action, EndpointKind, Match, Piece, SseAction, Text, WebsocketAct, WebsocketAction,
};
use crate::model::action::{body, endpoint_of, http, message};
use crate::model::endpoint::Endpoint;
use crate::model::header::action_headers;
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::step::{FileUse, StepPlan};
use crate::source::Span;
use crate::syntax::Node;

/// Most messages that one wait can count.
const COUNT_MAX: u64 = 1_000_000;

/// Lowers a conversation into `out`.
pub(super) fn websocket(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &[EndpointKind::Websocket], endpoints, out, work);
    let path = path(node, work);
    let headers = action_headers(node, work);
    let items = node.get("actions").into_iter().flat_map(Node::items);
    let acts: Vec<Option<WebsocketAct>> =
        items.map(|item| act(item, &mut out.files, work)).collect();
    let acts: Option<Vec<WebsocketAct>> = acts.into_iter().collect();
    if let (Some((endpoint, _)), Some(path), Some(headers), Some(actions)) =
        (endpoint, path, headers, acts)
    {
        let action = WebsocketAction { endpoint, path, headers, actions };
        out.action = Some(Action::Websocket(action));
    }
}

fn act(node: Node<'_>, files: &mut Vec<FileUse>, work: &mut Lower<'_>) -> Option<WebsocketAct> {
    let (entry, value) = node.entries().find(|(_, value)| !value.is_hole())?;
    Some(match entry.key.as_str() {
        "send" => WebsocketAct::Send(body::of(value, files, work)?),
        "await" => {
            let (matching, count, within_ns) = counted(value, work)?;
            WebsocketAct::Await { matching, count, within_ns }
        }
        "wait" => WebsocketAct::Wait { length_ns: work.positive_length(value)?.value },
        "close" => WebsocketAct::Close,
        _ => return None,
    })
}

/// Lowers a stream of events into `out`.
pub(super) fn sse(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &[EndpointKind::Sse], endpoints, out, work);
    let path = path(node, work);
    let headers = action_headers(node, work);
    let event = match node.get("event") {
        Some(event) => work.text(event, Site::Expect).map(Some),
        None => Some(None),
    };
    let counted = counted(node, work);
    if let (Some((endpoint, _)), Some(path), Some(headers), Some(event), Some(counted)) =
        (endpoint, path, headers, event, counted)
    {
        let (matching, count, within_ns) = counted;
        let action = SseAction { endpoint, path, headers, event, matching, count, within_ns };
        out.action = Some(Action::Sse(action));
    }
}

/// Lowers `match`, `count` and `within`.
fn counted(node: Node<'_>, work: &mut Lower<'_>) -> Option<(Option<Match>, u32, u64)> {
    let matching = message::matching(node, work);
    let count = match node.get("count") {
        Some(count) => {
            let count = work.whole(count, 1..COUNT_MAX + 1);
            count.and_then(|count| u32::try_from(count.value).ok())
        }
        None => Some(1),
    };
    let within = node.get("within").and_then(|within| work.positive_length(within));
    Some((matching?, count?, within?.value))
}

/// Lowers `path`, by default `/`.
fn path(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
    match node.entry("path") {
        Some((_, path)) if path.is_hole() => None,
        Some((_, path)) => http::path(path, work),
        None => Some(Text(vec![Piece::Literal("/".to_owned())])),
    }
}
