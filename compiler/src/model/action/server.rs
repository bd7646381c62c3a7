//! (pure) `grpc` and `tcp`.

use crate::artifact::{Action, EndpointKind, GrpcAction, Json, TcpAction, TcpRead};
use crate::diagnostic::Diagnostic;
use crate::model::action::{body, endpoint_of};
use crate::model::endpoint::Endpoint;
use crate::model::header::action_headers;
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::step::StepPlan;
use crate::source::Span;
use crate::syntax::Node;

/// Largest answer of a known length, in bytes.
const READ_MAX: u64 = 1 << 30;

/// Lowers a call into `out`.
pub(super) fn grpc(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &[EndpointKind::Grpc], endpoints, out, work);
    // A `service` beside it, which is no key, is the first half of the name.
    let halved = node.entry("service").is_some();
    let method = node.get("method").filter(|_| !halved).and_then(|method| called(method, work));
    let json = match node.entry("json") {
        Some((_, json)) => work.json(json, Site::Body),
        None => Some(Json::Object(Vec::new())),
    };
    let headers = action_headers(node, work);
    if let (Some((endpoint, _)), Some((service, method)), Some(json), Some(headers)) =
        (endpoint, method, json, headers)
    {
        out.action = Some(Action::Grpc(GrpcAction { endpoint, service, method, json, headers }));
    }
}

/// Reads `package.Service/Call`.
fn called(node: Node<'_>, work: &mut Lower<'_>) -> Option<(String, String)> {
    let text = work.literal(node, "a method")?;
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let parts = text.value.split_once('/');
    let parts = parts.filter(|(service, call)| service.split('.').all(name) && name(call));
    if let Some((service, call)) = parts {
        return Some((service.to_owned(), call.to_owned()));
    }
    let help = match text.value.strip_prefix('/') {
        Some(rest) => format!("leave the first `/` out: `{rest}`"),
        None => match text.value.rsplit_once('.') {
            Some((service, call)) if !text.value.contains('/') => {
                format!("write a `/` before the method: `{service}/{call}`")
            }
            _ => "write package, service and method: `shop.v1.Stock/Reserve`".to_owned(),
        },
    };
    let message = format!("`{}` is no gRPC method", text.value);
    let found = Diagnostic::error("plan::grpc::method", text.span, message);
    work.push(found.label("not `package.Service/Method`").help(help));
    None
}

/// Lowers an exchange of bytes into `out`.
pub(super) fn tcp(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &[EndpointKind::Tcp], endpoints, out, work);
    let body = body::of(node, &mut out.files, work);
    let read = match node.entry("read") {
        Some((_, read)) => answer(read, work),
        None => Some(TcpRead::Nothing),
    };
    if let (Some((endpoint, _)), Some(body), Some(read)) = (endpoint, body, read) {
        out.action = Some(Action::Tcp(TcpAction { endpoint, body, read }));
    }
}

fn answer(node: Node<'_>, work: &mut Lower<'_>) -> Option<TcpRead> {
    if let Some(until) = node.get("until") {
        return work
            .literal(until, "the end of an answer")
            .map(|until| TcpRead::Until(until.value));
    }
    if let Some(bytes) = node.get("bytes") {
        let bytes = work.whole(bytes, 1..READ_MAX + 1)?;
        return u32::try_from(bytes.value).ok().map(TcpRead::Bytes);
    }
    node.get("close").map(|_| TcpRead::Close)
}
