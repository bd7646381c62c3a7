//! (pure) What a step does: one action in each file, found by its key.

mod http;
mod wait;

use crate::artifact::Action;
use crate::diagnostic::Diagnostic;
use crate::model::endpoint::Endpoint;
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::model::transaction::StepPlan;
use crate::source::Span;
use crate::syntax::{Entry, Node};

/// Lowers the action that stands at `entry` into `out`; keys of a step that are no action do nothing.
pub(super) fn lower(
    entry: &Entry,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    match entry.key.as_str() {
        "http" => http::lower(entry.key_span, node, endpoints, out, work),
        "wait" => out.action = wait::lower(node, work).map(Action::Wait),
        _ => {}
    }
}

/// Returns the endpoint that a request uses: the one it names, or the plan's only one.
fn endpoint_of(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) -> Option<String> {
    if let Some((_, written)) = node.entry("use") {
        let name = work.literal(written, "the name of an endpoint")?;
        out.endpoint = Some(name.span);
        return Some(name.value);
    }
    out.endpoint = Some(key);
    match endpoints.items.as_slice() {
        [only] if endpoints.complete => Some(only.name.clone()),
        _ if !endpoints.complete => None,
        [] => {
            let message = "the plan has no endpoint to send this to";
            let found = Diagnostic::error("plan::endpoint::none", key, message);
            work.push(found.label("sent where?").help(
                "declare one: `endpoints: { shop: { http: { base_url: \"http://127.0.0.1:8080\" } } }`",
            ));
            None
        }
        [first, second, ..] => {
            let message = "the plan has several endpoints, and this request names none";
            let found = Diagnostic::error("plan::endpoint::ambiguous", key, message)
                .label("sent where?")
                .also(first.span, "this one")
                .also(second.span, "or this one");
            work.push(found.help(format!("add `use: {}`", first.name)));
            None
        }
        [_] => None,
    }
}
