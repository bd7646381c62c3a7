//! (pure) What an action's answer has: a check or capture of something else can never work.

use crate::artifact::{Action, AwaitSource, Channel};
use crate::diagnostic::Diagnostic;
use crate::model::check;
use crate::model::lower::Lower;
use crate::source::Span;
use crate::syntax::{Entry, Kind, Node};

/// What an answer has, as keys of `expect` and of a capture.
struct Answer {
    /// What it is called.
    name: &'static str,
    expect: &'static [&'static str],
    capture: &'static [&'static str],
}

/// Every source of a capture.
const SOURCES: [&str; 6] = ["json", "header", "regex", "status", "key", "subject"];

/// Every check.
const CHECKS: [&str; 5] = ["status", "duration", "json", "header", "body"];

/// What a step is tried again for, besides statuses.
const RETRIED: [&str; 3] = ["timeout", "connect", "expect"];

fn answer(action: &str, node: Node<'_>, keyless: bool) -> Option<Answer> {
    let of = |name, expect, capture| Some(Answer { name, expect, capture });
    match action {
        "publish" => of("a message that is sent", &["duration"], &[]),
        "await" if node.entry("get").is_some() => answer("http", node, keyless),
        "await" if node.entry("query").is_some() => rows(),
        "await" => {
            let capture: &'static [&'static str] = match keyless {
                true => &["json", "header", "regex", "subject"],
                false => &["json", "header", "regex", "subject", "key"],
            };
            of("a message", &["duration", "json", "header", "body"], capture)
        }
        "http" => of(
            "an answer of HTTP",
            &["status", "duration", "json", "header", "body"],
            &["json", "header", "regex", "status"],
        ),
        "browser" => of("a page", &["duration", "json", "body"], &["json", "regex"]),
        "websocket" | "sse" => of("a message", &["duration", "json", "body"], &["json", "regex"]),
        "grpc" => of(
            "an answer of gRPC",
            &["status", "duration", "json", "header"],
            &["json", "header", "status"],
        ),
        "sql" => rows(),
        "tcp" if node.entry("read").is_none() => {
            of("an exchange without `read`", &["duration"], &[])
        }
        "tcp" => of("an answer of TCP", &["duration", "json", "body"], &["json", "regex"]),
        "exec" => of("the output of a program", &["duration", "json", "body"], &["json", "regex"]),
        "wasm" => of("the value of a function", &["duration", "json"], &["json"]),
        _ => None,
    }
}

fn rows() -> Option<Answer> {
    Some(Answer { name: "a list of rows", expect: &["duration", "json"], capture: &["json"] })
}

/// Reports what a step expects and captures that its answer has not.
pub(in crate::model) fn check(step: Node<'_>, action: Option<&Action>, work: &mut Lower<'_>) {
    let keyless = action.is_some_and(is_keyless);
    let actions = step.entries().filter(|(_, node)| !node.is_hole());
    let known = actions.filter_map(|(entry, node)| {
        answer(&entry.key, node, keyless).map(|answer| (entry, node, answer))
    });
    for (action, node, answer) in known {
        for place in [step.get("expect"), node.get("until")].into_iter().flatten() {
            for (entry, value) in place.entries().filter(|(_, value)| !value.is_hole()) {
                let key = entry.key.as_str();
                if key == "status" && answer.expect.contains(&key) {
                    statuses(value, action, work);
                } else if CHECKS.contains(&key) && !answer.expect.contains(&key) {
                    let what = ("expected", "can be expected", answer.expect);
                    work.push(missing(key, entry.key_span, action.key_span, &answer, what));
                }
            }
        }
        retries(step, action, &answer, work);
        let named = |key: &str| step.get(key).into_iter().flat_map(Node::entries);
        let metrics = named("metrics").flat_map(|(_, metric)| metric.entries());
        let sources = named("capture").chain(metrics).map(|(_, source)| source);
        for source in sources.chain(step.get("split_by")) {
            for (entry, _) in source.entries().filter(|(_, value)| !value.is_hole()) {
                let key = entry.key.as_str();
                if SOURCES.contains(&key) && !answer.capture.contains(&key) {
                    let what = ("captured", "can be captured", answer.capture);
                    work.push(missing(key, entry.key_span, action.key_span, &answer, what));
                }
            }
        }
    }
}

/// Reports statuses that a step is tried again for and that its answer cannot have.
fn retries(step: Node<'_>, action: &Entry, answer: &Answer, work: &mut Lower<'_>) {
    let when = step.get("retry").and_then(|retry| retry.get("when"));
    let is_word = |item: &Node<'_>| item.as_str().is_some_and(|text| RETRIED.contains(&text));
    for item in when.into_iter().flat_map(Node::items) {
        if item.is_hole() || is_word(&item) {
            continue;
        }
        if answer.expect.contains(&"status") {
            status(item, action, work);
            continue;
        }
        let message = format!("{} has no status that it could be tried again for", answer.name);
        let found = Diagnostic::error("plan::answer::kind", item.span(), message);
        let words = RETRIED.map(|word| format!("`{word}`")).join(", ");
        work.push(
            found
                .label("not there")
                .also(action.key_span, "what is done here")
                .help(format!("what can be tried again here: {words}")),
        );
    }
}

/// Returns whether what is awaited are messages of a broker that gives them no key.
fn is_keyless(action: &Action) -> bool {
    let Action::Await(wait) = action else { return false };
    match &wait.source {
        AwaitSource::Message { channel, .. } => !matches!(channel, Channel::Kafka { .. }),
        AwaitSource::Poll { .. } => true,
    }
}

/// Reports statuses of HTTP where gRPC answers, and the other way round.
fn statuses(node: Node<'_>, action: &Entry, work: &mut Lower<'_>) {
    match node.kind() {
        Kind::Seq(_) => node.items().for_each(|item| status(item, action, work)),
        _ => status(node, action, work),
    }
}

fn status(item: Node<'_>, action: &Entry, work: &mut Lower<'_>) {
    let named = item.as_str().is_some_and(|text| check::GRPC_STATUSES.contains(&text));
    let number = matches!(item.kind(), Kind::Int(_))
        || item.as_str().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let (message, help) = match (action.key == "grpc", named, number) {
        (true, false, true) => {
            ("gRPC has no such status", "write its name, such as `ok`, `not_found`, `unavailable`")
        }
        (false, true, _) => (
            "HTTP has no such status",
            "write a code such as `404`, a class such as `4xx`, or a list of them",
        ),
        _ => return,
    };
    let found = Diagnostic::error("plan::answer::kind", item.span(), message);
    let found = found.label("of another protocol").also(action.key_span, "what is done here");
    work.push(found.help(help));
}

fn missing(
    key: &str,
    span: Span,
    action: Span,
    answer: &Answer,
    (done, can_be, has): (&str, &str, &[&str]),
) -> Diagnostic {
    let message = format!("{} has no `{key}` that could be {done}", answer.name);
    let listed: Vec<String> = has.iter().map(|key| format!("`{key}`")).collect();
    let help = match listed.is_empty() {
        true if answer.name.contains("`read`") => {
            "say where the answer ends: `read: { until: \"\\n\" }`".to_owned()
        }
        true => "leave it out: nothing comes back; an `await` reads the answer".to_owned(),
        false => format!("of {} {can_be}: {}", answer.name, listed.join(", ")),
    };
    Diagnostic::error("plan::answer::kind", span, message)
        .label("not there")
        .also(action, "what is done here")
        .help(help)
}
