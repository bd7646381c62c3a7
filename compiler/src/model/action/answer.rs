//! (pure) What an action's answer has: a check or capture of something else can never work.

use crate::diagnostic::Diagnostic;
use crate::model::lower::Lower;
use crate::source::Span;
use crate::syntax::Node;

/// What an answer has, as keys of `expect` and of a capture.
struct Answer {
    /// What it is called.
    name: &'static str,
    expect: &'static [&'static str],
    capture: &'static [&'static str],
}

/// Every source of a capture.
const SOURCES: [&str; 4] = ["json", "header", "regex", "status"];

/// Every check.
const CHECKS: [&str; 5] = ["status", "duration", "json", "header", "body"];

fn answer(action: &str, node: Node<'_>) -> Option<Answer> {
    let of = |name, expect, capture| Some(Answer { name, expect, capture });
    match action {
        "publish" => of("a message that is sent", &["duration"], &[]),
        "await" if node.entry("get").is_some() => None,
        "await" if node.entry("query").is_some() => rows(),
        "await" => {
            of("a message", &["duration", "json", "header", "body"], &["json", "header", "regex"])
        }
        "browser" => of("a page", &["duration", "json", "body"], &["json", "regex"]),
        "websocket" | "sse" => of("a message", &["duration", "json", "body"], &["json", "regex"]),
        "grpc" => of("an answer of gRPC", &["duration", "json", "header"], &["json", "header"]),
        "sql" => rows(),
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
pub(in crate::model) fn check(step: Node<'_>, work: &mut Lower<'_>) {
    let actions = step.entries().filter(|(_, node)| !node.is_hole());
    let known = actions
        .filter_map(|(entry, node)| answer(&entry.key, node).map(|answer| (entry, node, answer)));
    for (action, node, answer) in known {
        for place in [step.get("expect"), node.get("until")].into_iter().flatten() {
            for (entry, _) in place.entries().filter(|(_, value)| !value.is_hole()) {
                let key = entry.key.as_str();
                if CHECKS.contains(&key) && !answer.expect.contains(&key) {
                    let what = ("expected", "can be expected", answer.expect);
                    work.push(missing(key, entry.key_span, action.key_span, &answer, what));
                }
            }
        }
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
        true => "leave it out: nothing comes back; an `await` reads the answer".to_owned(),
        false => format!("of {} {can_be}: {}", answer.name, listed.join(", ")),
    };
    Diagnostic::error("plan::answer::kind", span, message)
        .label("not there")
        .also(action, "what is done here")
        .help(help)
}
