//! (pure) `await`: waits for messages, or asks until the answer is right.

use crate::artifact::{
    Action, AwaitAction, AwaitSource, EndpointKind, Expect, MatchPart, PollRequest,
};
use crate::diagnostic::Diagnostic;
use crate::model::action::channel::{self, BROKERS, Way};
use crate::model::action::{endpoint_of, http, message, sql};
use crate::model::check;
use crate::model::endpoint::Endpoint;
use crate::model::header::action_headers;
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::model::step::StepPlan;
use crate::source::{Span, Spanned};
use crate::syntax::Node;

/// Most messages that an await can count.
const COUNT_MAX: u64 = 1_000_000;

/// Places of an await that the analysis speaks of.
#[derive(Clone, Debug)]
pub struct AwaitPlan {
    /// Its own among all awaits of the plan; those of one anchor share every place.
    pub number: u32,
    /// The step that it says it counts from.
    pub since: Option<Spanned<String>>,
    /// Where the action's key stands.
    pub key: Span,
    /// Where `within` stands.
    pub within: Span,
    /// Where `equals` of its match stands.
    pub equals: Option<Span>,
}

/// Lowers an await into `out`.
pub(super) fn lower(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let poll = node.entry("get").or_else(|| node.entry("query")).map(|(entry, _)| entry);
    let kinds: &[EndpointKind] = match poll.map(|entry| entry.key.as_str()) {
        Some("get") => &[EndpointKind::Http],
        Some(_) => &[EndpointKind::Sql],
        None => &BROKERS,
    };
    let endpoint = endpoint_of(key, node, kinds, endpoints, out, work);
    let kind = endpoint.as_ref().map(|(_, kind)| *kind);
    let within = node.get("within").and_then(|node| work.positive_length(node));
    let since = node.get("since").map(|since| work.literal(since, "the name of a step"));
    let source = match poll {
        Some(entry) => {
            let server = endpoint.as_ref().and_then(|(name, _)| sql::server(name, endpoints));
            polled(entry.key_span, node, (within.as_ref(), server), work)
        }
        None => messages(key, node, kind, work),
    };
    out.awaiting = Some(AwaitPlan {
        number: work.next_await(),
        since: since.clone().flatten(),
        key,
        within: within.map_or(key, |within| within.span),
        equals: node.get("match").and_then(|node| node.get("equals")).map(Node::span),
    });
    let whole = since.is_none_or(|since| since.is_some());
    if let (Some((endpoint, _)), Some(source), Some(within), true) =
        (endpoint, source, within, whole)
    {
        let (within_ns, since) = (within.value, String::new());
        out.action = Some(Action::Await(AwaitAction { endpoint, source, within_ns, since }));
    }
}

fn problem(code: &'static str, span: Span, message: &str, label: &str, help: &str) -> Diagnostic {
    Diagnostic::error(code, span, message).label(label).help(help)
}

fn messages(
    key: Span,
    node: Node<'_>,
    kind: Option<EndpointKind>,
    work: &mut Lower<'_>,
) -> Option<AwaitSource> {
    let mut good = true;
    for word in ["every", "until", "headers", "params"] {
        if let Some((entry, _)) = node.entry(word) {
            let message = format!("`{word}` belongs to an await that asks");
            let help = "add what is asked, `get: /path` or `query: \"select …\"`; messages come by themselves";
            let found = Diagnostic::error("plan::await::poll", entry.key_span, message);
            work.push(found.label("nothing is asked").help(help));
            good = false;
        }
    }
    let channel = kind.and_then(|kind| channel::lower(key, node, kind, Way::Awaits, work));
    let matching = message::matching(node, work);
    let count = match node.get("count") {
        Some(count) => work.whole(count, 0..COUNT_MAX + 1),
        None => Some(Spanned::new(1, key)),
    };
    let distinct = match node.get("distinct") {
        Some(distinct) => message::part(distinct, work).map(Some),
        None => Some(None),
    };
    if let (Some((entry, _)), Some(count)) = (node.entry("distinct"), count)
        && count.value < 2
    {
        let help = "write the number of messages that must differ, such as `count: 3`, or leave `distinct` out";
        let message = "`distinct` needs a `count` of at least 2";
        let found =
            problem("plan::await::count", entry.key_span, message, "nothing to tell apart", help);
        work.push(found);
        good = false;
    }
    let (channel, matching, count, distinct) = (channel?, matching?, count?, distinct?);
    let parts = matching.iter().map(|matching| &matching.part).chain(&distinct);
    let key_less = kind != Some(EndpointKind::Kafka) && parts.clone().any(|p| *p == MatchPart::Key);
    if key_less && let Some(span) = key_of(node) {
        let help =
            "only messages of Kafka have a key: match by `json`, `header`, `regex` or `subject`";
        let message = "messages of this endpoint have no key";
        work.push(problem("plan::channel::kind", span, message, "no key to read", help));
        good = false;
    }
    let count = u32::try_from(count.value).ok()?;
    good.then_some(AwaitSource::Message { channel, matching, count, distinct })
}

/// Returns where `key` stands in `match` or `distinct`.
fn key_of(node: Node<'_>) -> Option<Span> {
    let inner = ["match", "distinct"].into_iter().filter_map(|word| node.get(word));
    inner.filter_map(|inner| inner.entry("key")).map(|(entry, _)| entry.key_span).next()
}

fn polled(
    key: Span,
    node: Node<'_>,
    (within, server): (Option<&Spanned<u64>>, Option<sql::Server>),
    work: &mut Lower<'_>,
) -> Option<AwaitSource> {
    let mut good = true;
    for (entry, _) in node.entries().filter(|(_, value)| !value.is_hole()) {
        let word = entry.key.as_str();
        if channel::is_word(word) || matches!(word, "match" | "count" | "distinct") {
            let message = format!("`{word}` belongs to an await of messages, and this one asks");
            let found = Diagnostic::error("plan::await::poll", entry.key_span, message)
                .label("nothing comes by itself")
                .also(key, "this is asked");
            work.push(found.help("say what an answer must be under `until`"));
            good = false;
        }
    }
    let missing: Vec<&str> =
        ["every", "until"].into_iter().filter(|word| node.entry(word).is_none()).collect();
    if !missing.is_empty() {
        let message = format!("an await that asks needs `{}`", missing.join("` and `"));
        let help = "say how often it asks and what the answer must be: `every: 200ms, until: { json: { \"$.state\": done } }`";
        let found = Diagnostic::error("plan::await::poll", key, message);
        work.push(found.label("this is asked").help(help));
        good = false;
    }
    let every = node.get("every").and_then(|node| work.positive_length(node));
    if let (Some(every), Some(within)) = (&every, within)
        && every.value >= within.value
    {
        let message = "the await asks once: it ends before it would ask again";
        let found = Diagnostic::error("plan::await::poll", every.span, message)
            .label("the time between two requests")
            .also(within.span, "all of the time");
        work.push(found.help("ask more often, such as `every: 200ms`, or wait longer: `within`"));
        good = false;
    }
    let until = node.get("until").map(|node| check::expect(node, work));
    let request = match node.get("get") {
        Some(path) => {
            let path = http::path(path, work);
            let headers = action_headers(node, work);
            PollRequest::Get { path: path?, headers: headers? }
        }
        None => {
            let (query, params) = sql::statement(node, server, work)?;
            PollRequest::Query { query, params }
        }
    };
    let until: Expect = until?;
    let every_ns = every?.value;
    good.then_some(AwaitSource::Poll { request, every_ns, until })
}
