//! (pure) Findings of the schema in the plan's words.

use super::fault::{self, Violation};
use super::foreign::{self, Foreign};
use super::steps::METHODS;
use super::{borrowed, inner, kinds, meant};
use crate::diagnostic::{Diagnostic, Near, did_you_mean, nearest};
use crate::source::Span;
use crate::syntax::{Kind, Node};
use crate::unit::{self, Length, Rate, Share, UnitError};

/// Says that `key`, written at `span` in the mapping `parent`, is unknown in `context`, and what may be meant.
pub(super) fn unknown_key(key: &str, context: &str, parent: Node<'_>, span: Span) -> Diagnostic {
    let thing = thing(context);
    let known = fault::known_keys(context);
    // Renaming to a key that is there already would only make it a duplicate.
    let free = |word: &str| known.iter().any(|key| key == word) && parent.entry(word).is_none();
    let error = Diagnostic::error(
        "plan::schema::unknown-key",
        span,
        format!("`{key}` is not a key of {thing}"),
    )
    .label("unknown key");
    if let Some(help) = inner::belongs(context, key) {
        return error.help(help);
    }
    if context == "http"
        && is_method(key)
        && let Some(ours) = request(parent, key)
    {
        return error.help(format!("write the method as the key of the path: `{ours}`"));
    }
    match borrowed::find(context, key) {
        Some((ours, "")) => return error.suggest(Near { word: ours, sure: free(ours) }),
        Some((_, how)) => return error.help(format!("write {how}")),
        None => {}
    }
    if let Some(foreign) = foreign::find(key) {
        return foreign_key(error, foreign, parent.get(key), free(foreign.replaces));
    }
    if let Some(help) = kinds::meant(context, key) {
        return error.help(help);
    }
    let named = context == "step" && matches!(key, "name" | "id");
    let near = nearest(key, known.iter().map(String::as_str));
    if let Some(near) = if named { Some(Near { word: "step", sure: true }) } else { near } {
        return error.suggest(Near { sure: near.sure && free(near.word), ..near });
    }
    if let Some((name, value)) = key.split_once(':').filter(|_| !key.contains(' ')) {
        return error.help(format!("write a space after the colon: `{name}: {value}`"));
    }
    if let Some((name, _)) = key.split_once([' ', '{', '[', '=']) {
        let name = name.trim_end_matches(':');
        return error.help(format!("write a colon and a space behind the key: `{name}: `"));
    }
    let in_action = fault::known_keys("step").iter().any(|known| known == context);
    if in_action && fault::known_keys("step").iter().any(|known| known == key) {
        return error.help(format!("`{key}` belongs to the step: write it beside `{context}`"));
    }
    let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    error.help(format!("it can have {}", known.join(", ")))
}

/// Returns whether `key` of a request is what other tools call its method.
pub(super) fn is_method(key: &str) -> bool {
    matches!(key, "method" | "verb")
}

/// Returns whether `key` of a request is what other tools call its path.
pub(super) fn is_path(key: &str) -> bool {
    matches!(key, "url" | "uri" | "path")
}

/// Returns `get: /` for a request that says `method: GET, url: /`.
fn request(parent: Node<'_>, method: &str) -> Option<String> {
    let method = parent.get(method)?.as_str()?.to_ascii_lowercase();
    let (_, path) = parent.entries().find(|(entry, _)| is_path(&entry.key))?;
    let path = path.as_str()?;
    (METHODS.contains(&method.as_str()) && path.starts_with('/') && !path.contains(['"', '{', ',']))
        .then(|| format!("{method}: {path}"))
}

/// Answers a key of another tool; `free` says whether ours may stand there.
fn foreign_key(
    error: Diagnostic,
    foreign: &Foreign,
    value: Option<Node<'_>>,
    free: bool,
) -> Diagnostic {
    let (tool, meant) = (foreign.tool, foreign.replaces);
    // What k6 calls its executor is the answer, not that it has one.
    let load = value.and_then(Node::as_str).and_then(foreign::load);
    let ours = load.map_or(foreign.ours, |(_, ours)| ours);
    let word = (foreign.renamed && free).then(|| meant.to_owned());
    error.help(format!("`{}` is a word of {tool}; write {ours}", foreign.key)).meant(word)
}

/// Says that `key` is missing in a `context`.
pub(super) fn missing_key(key: &str, context: &str, span: Span) -> Diagnostic {
    let thing = thing(context);
    let what = fault::description(context, key).unwrap_or_default();
    let (what, _) = what.split_once(". ").unwrap_or((what.trim_end_matches('.'), ""));
    let (first, rest) = what.split_at_checked(1).unwrap_or((what, ""));
    let first =
        if rest.starts_with(char::is_lowercase) { first.to_lowercase() } else { first.to_owned() };
    Diagnostic::error("plan::schema::missing-key", span, format!("`{key}` is missing in {thing}"))
        .label(format!("has no `{key}`"))
        .help(format!("add `{key}:` ({first}{rest})"))
}

/// Says that a plan has more mistakes than are told.
pub(super) fn endless(start: Span) -> Diagnostic {
    let most = fault::FAULTS_MAX;
    let message = format!("the file has more than {most} keys and values that no plan can have");
    Diagnostic::error("plan::limit::exceeded", start, message)
        .label("is it a plan?")
        .help(format!("mend some of the {most} that are told here, then check again"))
}

/// Says that a key is no name.
pub(super) fn key_name(key: &str, span: Span) -> Diagnostic {
    name(key, span).label("not a name")
}

fn name(text: &str, span: Span) -> Diagnostic {
    let folded: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .skip_while(|c| !c.is_ascii_lowercase())
        .take(63)
        .collect();
    let folded = folded.trim_end_matches('_');
    let rule = "a lower-case letter, then letters, digits or `_`, at most 63";
    let help =
        if folded.is_empty() { rule.to_owned() } else { format!("write `{folded}`: {rule}") };
    Diagnostic::error("plan::schema::name", span, format!("`{}` is not a name", clip(text)))
        .label("not a name")
        .help(help)
}

/// Says what is wrong with a value, called `subject`, that stands in `context`.
pub(super) fn value(
    violation: &Violation,
    context: &str,
    subject: &str,
    node: Node<'_>,
    span: Span,
) -> Diagnostic {
    let text = text_of(node);
    match violation {
        Violation::Type(types) if matches!(node.kind(), Kind::Null) => {
            Diagnostic::error("plan::schema::type", span, format!("{subject} has no value"))
                .label("nothing is written here")
                .help(format!(
                    "write {}, or remove the key",
                    listed(types.iter().map(|t| noun(t, context)))
                ))
        }
        Violation::Type(types) => match quantity(context, text.as_deref()) {
            Some(error) => from_unit(error, context, text.as_deref(), span),
            None => kind(types, context, subject, node, span),
        },
        Violation::Form => form(context, text.unwrap_or_default().as_str(), subject, span),
        Violation::Choice(options) => match text {
            Some(text) => choice(options, context, subject, &text, span),
            None => kind(options, context, subject, node, span),
        },
        Violation::Empty => {
            Diagnostic::error("plan::schema::empty", span, format!("{subject} is empty"))
                .label("nothing in it")
                .help("put something in it, or remove the key")
        }
        Violation::Length(wanted) => {
            let message = format!("{subject} must have exactly {wanted} entries");
            Diagnostic::error("plan::schema::length", span, message)
                .label("not that many")
                .help(format!("write {wanted} entries, such as `[1s, 3s]`"))
        }
        Violation::Range(bound) => {
            let text = text.unwrap_or_default();
            Diagnostic::error(
                "plan::schema::range",
                span,
                format!("{subject} must be {bound}, not `{}`", clip(&text)),
            )
            .label("out of range")
            .help(format!("write a number that is {bound}"))
        }
        _ => Diagnostic::error(
            "plan::schema::repeated",
            span,
            format!("{subject} names something twice"),
        )
        .label("has an entry twice")
        .help("keep each entry once"),
    }
}

/// Says that a text has not the form that its context asks for.
fn form(context: &str, text: &str, subject: &str, span: Span) -> Diagnostic {
    if let Some(error) = quantity(context, Some(text)) {
        return from_unit(error, context, Some(text), span);
    }
    match context {
        "name" | "word" | "threshold.scenario" | "threshold.step" => name(text, span),
        "retry_when" => {
            let words = ["timeout", "connect", "expect"];
            let help = match did_you_mean(text, words) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "write `timeout`, `connect`, `expect`, a status or a class such as `5xx`"
                    .to_owned(),
            };
            let message = format!("`{}` is not a failure", clip(text));
            Diagnostic::error("plan::schema::value", span, message)
                .label("not a failure")
                .help(help)
        }
        "metric_source.value" => {
            let message = format!("{subject} must be a number, not `{}`", clip(text));
            Diagnostic::error("plan::schema::type", span, message)
                .label("not a number")
                .help("write a number without quotes, or one template: `\"{{ order.total }}\"`")
        }
        "status" | "expect.status" => Diagnostic::error(
            "plan::schema::status",
            span,
            format!("`{}` is not a status", clip(text)),
        )
        .label("not a status")
        .help("write a status such as `201`, a class such as `2xx`, or a list of them"),
        "tracking" => Diagnostic::error(
            "plan::schema::value",
            span,
            format!("{subject} must be `headers`, `none` or names, not `{}`", clip(text)),
        )
        .label("not one of them")
        .help("write `headers`, `none`, or names: `{ arrival: x-arrival, step: x-step }`"),
        _ => Diagnostic::error(
            "plan::schema::type",
            span,
            format!("{subject} must be a whole number, not `{}`", clip(text)),
        )
        .label("not a whole number")
        .help("write a number without quotes, or one template: `\"{{ vars.x }}\"`"),
    }
}

/// Says that a value has the wrong type.
fn kind(types: &[String], context: &str, subject: &str, node: Node<'_>, span: Span) -> Diagnostic {
    let wanted = listed(types.iter().map(|kind| noun(kind, context)));
    let found = match node.kind() {
        Kind::Bool(_) => "`true` or `false`",
        Kind::Int(_) | Kind::Number(_) => "a number",
        Kind::Str { .. } => "text",
        Kind::Seq(_) => "a list",
        Kind::Map(_) => "a mapping",
        Kind::Null | Kind::Hole | Kind::Alias(_) => "nothing",
    };
    let message = format!("{subject} must be {wanted}, not {found}");
    let short = meant::instead(context, node);
    let help = match (node.kind(), types.iter().any(|kind| kind == "array")) {
        _ if short.is_some() => format!("write `{}`", short.unwrap_or_default()),
        (Kind::Int(_) | Kind::Number(_), _) if matches!(context, "name" | "word") => {
            "write a name: a lower-case letter, then letters, digits or `_`".to_owned()
        }
        (Kind::Number(_), _) if types.iter().any(|kind| kind == "integer") => {
            "write a whole number".to_owned()
        }
        (Kind::Int(text) | Kind::Number(text), _) if types.iter().any(|kind| kind == "string") => {
            format!("quote it: `\"{text}\"`")
        }
        (Kind::Map(_), true) if context.ends_with(".multipart") => {
            "write a list of parts: `[ { name: note, text: hello }, { name: picture, file: a.png } ]`"
                .to_owned()
        }
        (Kind::Seq(_), false) if meant::is_named(context) => {
            "leave the dash out and begin each entry with its name as the key: `browse:`".to_owned()
        }
        (Kind::Seq(_), false) if types.iter().any(|kind| kind == "object") => {
            "leave the dashes out, or the brackets: each entry is `key: value`".to_owned()
        }
        (Kind::Map(_), true) => {
            "begin each entry with `- `, or put brackets around it: `[ … ]`".to_owned()
        }
        (Kind::Str { plain: true, value }, _) if value.contains(':') && !value.contains("://") => {
            "write a space after the colon: `key: value`".to_owned()
        }
        _ => match example(context) {
            Some(example) => format!("write {wanted}, such as `{example}`"),
            None => format!("write {wanted}"),
        },
    };
    Diagnostic::error("plan::schema::type", span, message).label(found).help(help)
}

/// Returns what a value in a context may look like, where the name of its type says too little.
fn example(context: &str) -> Option<&'static str> {
    match context {
        "endpoint" => Some("{ http: { base_url: \"http://127.0.0.1:8080\" } }"),
        "data" => Some("{ file: users.csv, take: circular }"),
        "file_sink" => Some("{ path: metrics.csv }"),
        "sink" => Some("{ jsonl: { path: metrics.jsonl } }"),
        "match" | "distinct" => Some("{ json: \"$.order_id\" }"),
        "tcp_read" => Some("{ until: \"\\n\" }"),
        "exec.command" => Some("[./check, --fast]"),
        "websocket_message" => Some("{ text: hello }"),
        "retry" => Some("{ attempts: 3 }"),
        "retry.when" => Some("[timeout, 5xx]"),
        "repeat" => Some("3"),
        "source" => Some("{ json: \"$.region\" }"),
        "own_metric" => Some("{ trend: { json: \"$.total\" } }"),
        "metric_source" => Some("{ json: \"$.total\" }"),
        "step.metrics" => Some("{ cart: { trend: { json: \"$.total\" } } }"),
        "step.with" => Some("{ name: ada }"),
        "transaction.returns" => Some("{ token: \"{{ login.token }}\" }"),
        _ => None,
    }
}

/// Says that a value is none of those that there are.
fn choice(options: &[String], context: &str, subject: &str, text: &str, span: Span) -> Diagnostic {
    if context == "plan.version" && text.trim() == "1" {
        let message = "`version` must be a number, not text";
        return Diagnostic::error("plan::schema::version", span, message)
            .label("text")
            .help("write it without quotes: `version: 1`");
    }
    if context == "plan.version" {
        let message = format!("version `{}` of the plan language is not known", clip(text));
        return Diagnostic::error("plan::schema::version", span, message)
            .label("not known")
            .help("write `version: 1`");
    }
    let listed = listed(options.iter().map(|option| format!("`{option}`")));
    let message = format!("{subject} must be {listed}, not `{}`", clip(text));
    let error = Diagnostic::error("plan::schema::value", span, message).label("not one of them");
    if let Some((tool, ours)) = foreign::value(text, options) {
        let help = format!("`{}` is a word of {tool}; write `{ours}`", clip(text));
        return error.help(help).meant(Some(ours.to_owned()));
    }
    match nearest(text, options.iter().map(String::as_str)) {
        Some(near) => error.suggest(near),
        None => error.help(format!("write {listed}")),
    }
}

fn from_unit(error: UnitError, context: &str, text: Option<&str>, span: Span) -> Diagnostic {
    let found = Diagnostic::error("plan::schema::quantity", span, error.message)
        .label("not a quantity with its unit");
    match text.and_then(|text| respelled(context, text)) {
        Some(ours) => found.help(format!("write `{ours}`")).fix(span, ours),
        None => {
            let bare = text.and_then(|text| meant::with_unit(context, text));
            found.help(bare.unwrap_or(error.help))
        }
    }
}

/// Returns the quantity of `context` that `text` spells as other tools do.
fn respelled(context: &str, text: &str) -> Option<String> {
    match context {
        "duration" | "wait" => unit::spelling::length(text),
        "rate" | "open_stage.rate" => unit::spelling::rate(text),
        "size" => unit::spelling::size(text),
        _ => None,
    }
}

/// Returns what is wrong with `text` as the quantity that `context` holds.
fn quantity(context: &str, text: Option<&str>) -> Option<UnitError> {
    let text = text?;
    match context {
        "duration" | "wait" => Length::parse(text).err(),
        "rate" | "open_stage.rate" => Rate::parse(text).err(),
        "share" => Share::parse(text).err(),
        "size" => unit::parse_bytes(text).err(),
        _ => None,
    }
}

/// Returns the text of a scalar.
fn text_of(node: Node<'_>) -> Option<String> {
    match node.kind() {
        Kind::Bool(value) => Some(value.to_string()),
        Kind::Int(text) | Kind::Number(text) => Some(text.clone()),
        Kind::Str { value, .. } => Some(value.clone()),
        Kind::Null | Kind::Seq(_) | Kind::Map(_) | Kind::Alias(_) | Kind::Hole => None,
    }
}

/// Returns the words for a type of JSON in a context.
fn noun(kind: &str, context: &str) -> String {
    let noun = match (kind, context) {
        ("string", "duration" | "wait") => "a duration",
        ("string", "rate" | "open_stage.rate") => "a rate",
        ("string", "share") => "a percentage",
        ("string", "size") => "a size",
        ("string", "name" | "word") => "a name",
        (
            "string",
            "whole" | "count" | "closed_stage.users" | "repeat" | "repeat.at_most"
            | "retry.attempts",
        ) => "a template of one",
        ("string", "condition") => "a condition such as `poll.state == \"done\"`",
        ("string", "retry_when") => "a failure such as `timeout`",
        ("string", "step.for_each") => "the name of a list",
        ("object", "repeat") => "`{ until, at_most }`",
        ("string", _) => "text",
        ("integer", _) => "a whole number",
        ("number", _) => "a number",
        ("boolean", _) => "`true` or `false`",
        ("array", _) => "a list",
        ("object", _) => "a mapping",
        // One of a few words.
        (word, _) => return format!("`{word}`"),
    };
    noun.to_owned()
}

/// Joins `a`, `b` and `c` as a person lists alternatives.
fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "something else".to_owned(),
    }
}

/// Returns what a context is called in a message.
fn thing(context: &str) -> &'static str {
    match context {
        "plan" => "the plan",
        "secret" => "a secret",
        "environment" => "an environment",
        "endpoint" => "an endpoint",
        "http_endpoint" => "an HTTP endpoint",
        "data" => "a data file",
        "nodes" => "`nodes`",
        "group" => "a group",
        "tuning" => "`tuning`",
        "scenario" => "a scenario",
        "start_after" => "an entry of `start_after`",
        "load" => "a load",
        "observe" => "`observe`",
        "traffic" => "a traffic",
        "open_stage" => "an open stage",
        "closed_stage" => "a closed stage",
        "open_stage.rate" | "closed_stage.users" => "a ramp",
        "transaction" => "a transaction",
        "step" => "a step",
        "retry" => "`retry`",
        "repeat" => "`repeat`",
        "branch" => "a branch",
        "own_metric" | "metric_source" => "a metric",
        "source" => "`split_by`",
        "http" => "an HTTP request",
        "wait" => "a wait",
        "expect" => "`expect`",
        "text_check" => "a check of text",
        "capture" => "a capture",
        "threshold" => "a threshold",
        "delivery" => "`delivery`",
        _ => kinds::thing(context).unwrap_or("this mapping"),
    }
}

/// Cuts a long text of the user.
fn clip(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= SHOWN_MAX && line.len() == text.len() {
        return text.to_owned();
    }
    line.chars().take(SHOWN_MAX).chain(['…']).collect()
}
