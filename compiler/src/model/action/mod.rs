//! (pure) What a step does: one action in each file, found by its key.

mod answer;
mod awaiting;
mod body;
mod browser;
mod channel;
mod http;
mod message;
mod program;
mod selector;
mod server;
mod sql;
mod stream;
mod wait;

pub(super) use self::answer::check as check_answer;
pub use self::awaiting::AwaitPlan;
use crate::artifact::{Action, EndpointKind};
use crate::diagnostic::Diagnostic;
use crate::model::endpoint::Endpoint;
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::model::step::StepPlan;
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
    let key = entry.key_span;
    match entry.key.as_str() {
        "http" => http::lower(key, node, endpoints, out, work),
        "wait" => out.action = wait::lower(node, work).map(Action::Wait),
        "publish" => message::publish(key, node, endpoints, out, work),
        "await" => awaiting::lower(key, node, endpoints, out, work),
        "browser" => out.action = browser::lower(node, work).map(Action::Browser),
        "websocket" => stream::websocket(key, node, endpoints, out, work),
        "sse" => stream::sse(key, node, endpoints, out, work),
        "grpc" => server::grpc(key, node, endpoints, out, work),
        "sql" => sql::lower(key, node, endpoints, out, work),
        "tcp" => server::tcp(key, node, endpoints, out, work),
        "exec" => out.action = program::exec(node, &mut out.files, work).map(Action::Exec),
        "wasm" => out.action = program::wasm(node, &mut out.files, work).map(Action::Wasm),
        _ => {}
    }
}

/// Returns the endpoint that an action uses, with its kind: the one it names, or the plan's only one that fits.
///
/// `None` too when the endpoint is unknown or broken, so that nobody speaks of its kind.
fn endpoint_of(
    key: Span,
    node: Node<'_>,
    wanted: &[EndpointKind],
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) -> Option<(String, EndpointKind)> {
    if let Some((_, written)) = node.entry("use") {
        let name = work.literal(written, "the name of an endpoint")?;
        out.endpoint = Some((name.value.clone(), name.span));
        let found = endpoints.get(&name.value)?;
        let kind = found.value.as_ref()?.kind();
        if wanted.contains(&kind) {
            return Some((name.value, kind));
        }
        let message = format!("`{}` is {}", name.value, with_article(kind.word()));
        let found = Diagnostic::error("plan::endpoint::kind", name.span, message)
            .label("the wrong kind for this action")
            .also(found.span, "declared here");
        work.push(found.help(wanted_help(wanted, endpoints)));
        return None;
    }
    let known = endpoints.items.iter().filter(|item| item.value.is_some());
    let mut fitting = known.filter_map(|item| {
        let kind = item.value.as_ref()?.kind();
        wanted.contains(&kind).then_some((item, kind))
    });
    let broken = !endpoints.complete || endpoints.items.iter().any(|item| item.value.is_none());
    match (fitting.next(), fitting.next()) {
        _ if broken => None,
        (Some((only, kind)), None) => {
            out.endpoint = Some((only.name.clone(), key));
            Some((only.name.clone(), kind))
        }
        (None, _) => {
            let message = match endpoints.items.is_empty() {
                true => "the plan has no endpoint to send this to".to_owned(),
                false => format!("the plan has no endpoint of the kind {}", listed(wanted)),
            };
            let found = Diagnostic::error("plan::endpoint::none", key, message);
            work.push(found.label("sent where?").help(declare_help(wanted)));
            None
        }
        (Some((first, _)), Some((second, _))) => {
            let message = "the plan has several endpoints, and this request names none";
            let found = Diagnostic::error("plan::endpoint::ambiguous", key, message)
                .label("sent where?")
                .also(first.span, "this one")
                .also(second.span, "or this one");
            work.push(found.help(format!("add `use: {}`", first.name)));
            None
        }
    }
}

/// Joins the keys of kinds.
fn listed(kinds: &[EndpointKind]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.word())).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

fn with_article(word: &str) -> String {
    // `an` before a letter that is spoken with a vowel first.
    let an = matches!(word, "http" | "amqp" | "mqtt" | "sse" | "sql");
    format!("{} `{word}` endpoint", if an { "an" } else { "a" })
}

fn wanted_help(wanted: &[EndpointKind], endpoints: &Section<Endpoint>) -> String {
    let fits = |kind: EndpointKind| wanted.contains(&kind);
    let known = endpoints.whole().find(|(_, endpoint)| fits(endpoint.kind()));
    match known {
        Some((item, _)) => format!("name one of the kind {}: `use: {}`", listed(wanted), item.name),
        None => declare_help(wanted),
    }
}

fn declare_help(wanted: &[EndpointKind]) -> String {
    let example = match wanted.first() {
        Some(EndpointKind::Http) => "shop: { http: { base_url: \"http://127.0.0.1:8080\" } }",
        Some(EndpointKind::Websocket) => "live: { websocket: { url: \"ws://127.0.0.1:8080\" } }",
        Some(EndpointKind::Sse) => "news: { sse: { url: \"http://127.0.0.1:8080\" } }",
        Some(EndpointKind::Grpc) => "stock: { grpc: { target: \"http://127.0.0.1:50051\" } }",
        Some(EndpointKind::Sql) => "db: { sql: { url: \"{{ secrets.db_url }}\" } }",
        Some(EndpointKind::Tcp) => "line: { tcp: { address: \"127.0.0.1:7000\" } }",
        _ => "bus: { nats: { servers: [\"nats://127.0.0.1:4222\"] } }",
    };
    format!("declare one: `endpoints: {{ {example} }}`")
}
