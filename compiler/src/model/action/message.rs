//! (pure) `publish`, and what tells one message from another.

use crate::artifact::{Action, Match, MatchPart, PublishAction};
use crate::model::action::channel::{self, BROKERS, Way};
use crate::model::action::{body, endpoint_of};
use crate::model::check;
use crate::model::endpoint::Endpoint;
use crate::model::header::{action_headers, header_name};
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::step::StepPlan;
use crate::source::Span;
use crate::syntax::Node;

/// Lowers a message that is sent.
pub(super) fn publish(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &BROKERS, endpoints, out, work);
    let kind = endpoint.as_ref().map(|(_, kind)| *kind);
    let channel = kind.and_then(|kind| channel::lower(key, node, kind, Way::Sends, work));
    let headers = action_headers(node, work);
    let body = body::of(node, &mut out.files, work);
    if let (Some((endpoint, _)), Some(channel), Some(headers), Some(body)) =
        (endpoint, channel, headers, body)
    {
        out.action = Some(Action::Publish(PublishAction { endpoint, channel, headers, body }));
    }
}

/// Lowers `{ json: …, equals: … }`; `Some(None)` if there is none.
pub(super) fn matching(node: Node<'_>, work: &mut Lower<'_>) -> Option<Option<Match>> {
    let Some((_, inner)) = node.entry("match") else { return Some(None) };
    let part = part(inner, work);
    let equals = inner.get("equals").and_then(|equals| work.text(equals, Site::Expect));
    Some(Some(Match { part: part?, equals: equals? }))
}

/// Lowers what is read of a message: one of `json`, `header`, `key`, `regex`, `subject`.
pub(super) fn part(node: Node<'_>, work: &mut Lower<'_>) -> Option<MatchPart> {
    if let Some(path) = node.get("json") {
        return check::json_path_at(path, work).map(MatchPart::Json);
    }
    if let Some(header) = node.get("header") {
        let name = work.literal(header, "the name of a header")?;
        return header_name(&name.value, name.span, work).map(MatchPart::Header);
    }
    if let Some(pattern) = node.get("regex") {
        return check::regex(pattern, work).map(MatchPart::Regex);
    }
    if let Some(pattern) = node.get("subject") {
        return check::regex(pattern, work).map(MatchPart::Subject);
    }
    node.get("key").map(|_| MatchPart::Key)
}
