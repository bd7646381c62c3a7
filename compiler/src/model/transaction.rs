//! (pure) `steps`: what the transaction of a scenario does.

use crate::artifact::{
    Action, Body, Expect, Filter, HttpAction, Method, NameValue, Piece, Text, WaitAction,
};
use crate::diagnostic::Diagnostic;
use crate::model::check::{self, CapturePlan};
use crate::model::data;
use crate::model::endpoint::{Endpoint, headers};
use crate::model::lower::{Lower, Site, Use, too_much};
use crate::model::name::{Section, check_step_name};
use crate::source::{Span, Spanned};
use crate::syntax::Node;

/// Most steps of one transaction; keeps the search for who comes before whom cheap.
const STEPS_MAX: usize = 1_000;

/// One step with its places.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// Its name; `#` and its place for a `wait` without one.
    pub name: String,
    /// Where the name stands, or the step if it has none.
    pub span: Span,
    /// What it needs, if it says so.
    pub needs: Option<Vec<Spanned<String>>>,
    /// Whether nothing of what it needs and captures was lost to an error.
    pub complete: bool,
    /// Longest time from its send to its end; 0 for the endpoint's alone.
    pub timeout_ns: u64,
    /// What it does; `None` when that is broken.
    pub action: Option<Action>,
    /// Where the endpoint is named.
    pub endpoint: Option<Span>,
    /// Where the body file is named.
    pub body_file: Option<Spanned<String>>,
    /// What must hold of the answer.
    pub expect: Expect,
    /// What is kept of the answer.
    pub captures: Vec<CapturePlan>,
    /// What its templates read.
    pub uses: Vec<Use>,
}

/// The steps of one transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Steps in plan order.
    pub steps: Vec<StepPlan>,
    /// Whether none was lost to an error.
    pub complete: bool,
}

impl StepPlan {
    /// Returns whether it only lets time pass.
    pub fn is_wait(&self) -> bool {
        matches!(self.action, Some(Action::Wait(_)))
    }
}

pub(super) fn lower(
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Transaction {
    let mut steps: Vec<StepPlan> = Vec::new();
    let mut complete = true;
    for (at, item) in node.items().enumerate() {
        if at == STEPS_MAX {
            work.push(too_much("steps in one scenario", STEPS_MAX as u64, item.span()));
            complete = false;
            break;
        }
        match step(at, item, endpoints, work) {
            Some(step) => {
                if let Some(first) = steps.iter().find(|known| known.name == step.name) {
                    let message = format!("two steps are named `{}`", step.name);
                    let found = Diagnostic::error("plan::name::duplicate", step.span, message)
                        .label("named again")
                        .also(first.span, "first named here")
                        .help("a step's name is its metric's name: give each its own");
                    work.push(found);
                }
                steps.push(step);
            }
            None => complete = false,
        }
    }
    Transaction { steps, complete }
}

fn step(
    at: usize,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    work: &mut Lower<'_>,
) -> Option<StepPlan> {
    if node.is_hole() || node.entries().next().is_none() {
        return None;
    }
    let name = match node.entry("step") {
        Some((_, name)) => {
            let name = work.literal(name, "the name of a step")?;
            check_step_name(&name, work.sink);
            name
        }
        None => {
            let (entry, _) = node.entry("wait")?;
            Spanned::new(format!("#{}", at + 1), entry.key_span)
        }
    };
    let mut out = StepPlan {
        name: name.value,
        span: name.span,
        needs: None,
        complete: true,
        timeout_ns: 0,
        action: None,
        endpoint: None,
        body_file: None,
        expect: Expect::default(),
        captures: Vec::new(),
        uses: Vec::new(),
    };
    let broken = |key: &str| node.entry(key).is_some_and(|(_, value)| value.is_hole());
    out.complete = !broken("needs") && !broken("capture");
    if let Some((_, needs)) = node.entry("needs")
        && !needs.is_hole()
    {
        out.complete &= !needs.items().any(Node::is_hole);
        let named = needs.items().filter_map(|item| work.literal(item, "the name of a step"));
        out.needs = Some(named.collect());
    }
    if let Some(timeout) = node.get("timeout") {
        out.timeout_ns = work.positive_length(timeout).map_or(0, |length| length.value);
    }
    for (entry, value) in node.entries() {
        if value.is_hole() {
            continue;
        }
        match entry.key.as_str() {
            "http" => http(entry.key_span, value, endpoints, &mut out, work),
            "wait" => out.action = wait(value, work).map(Action::Wait),
            "expect" => out.expect = check::expect(value, work),
            "capture" => out.captures = check::captures(value, work),
            _ => {}
        }
    }
    out.uses = work.take_uses();
    Some(out)
}

fn wait(node: Node<'_>, work: &mut Lower<'_>) -> Option<WaitAction> {
    let Some(uniform) = node.get("uniform") else {
        return Some(WaitAction::Constant { length_ns: work.length(node)?.value });
    };
    let ends: Vec<_> = uniform.items().map(|item| work.length(item)).collect();
    let [min, max] = ends.as_slice() else { return None };
    let (min, max) = ((*min)?, (*max)?);
    if min.value > max.value {
        let message = "the shortest wait is longer than the longest".to_owned();
        work.out_of_range(uniform.span(), message, "write the shorter one first: `[1s, 3s]`");
        return None;
    }
    Some(WaitAction::Uniform { min_ns: min.value, max_ns: max.value })
}

const METHODS: [(&str, Method); 7] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
    ("head", Method::Head),
    ("options", Method::Options),
];

/// Lowers a request; fields in the order they are written, so that random draws count in that order.
fn http(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint(key, node, endpoints, out, work);
    let mut target = None;
    let mut query = Some(Vec::new());
    let mut fields = Some(Vec::new());
    let mut body = Some(Body::Empty);
    for (entry, value) in node.entries() {
        let name = entry.key.as_str();
        if let Some((_, method)) = METHODS.iter().find(|(word, _)| *word == name) {
            target = path(value, work).map(|path| (*method, path));
            continue;
        }
        match name {
            "query" => query = pairs(value, Site::Query, work),
            "headers" => fields = headers(value, work),
            "json" => body = work.json(value, Site::Body).map(Body::Json),
            "form" => body = pairs(value, Site::Body, work).map(Body::Form),
            "text" => body = work.text(value, Site::Body).map(Body::Text),
            "file" => {
                out.body_file = data::path(value, work);
                body = out.body_file.clone().map(|path| Body::File(path.value));
            }
            _ => {}
        }
    }
    if let (Some(endpoint), Some((method, path)), Some(query), Some(headers), Some(body)) =
        (endpoint, target, query, fields, body)
    {
        out.action =
            Some(Action::Http(HttpAction { endpoint, method, path, query, headers, body }));
    }
}

/// Returns the endpoint that a request uses: the one it names, or the plan's only one.
fn endpoint(
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

/// Lowers a path, which begins with `/` and is not broken by what it holds.
fn path(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
    let text = work.text(node, Site::Path)?;
    let literals: String = text
        .0
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.as_str(),
            Piece::Slot(_) => "",
        })
        .collect();
    let rooted = match text.0.first() {
        Some(Piece::Literal(literal)) => literal.starts_with('/'),
        Some(Piece::Slot(slot)) => slot.filters.contains(&Filter::Raw),
        None => false,
    };
    let bad = literals.chars().find(|c| !c.is_ascii_graphic() || "#<>`".contains(*c));
    let (message, help) = if !rooted {
        let written = node.as_str().unwrap_or("");
        let mut help = format!("write `/{written}`; it is put after the endpoint's `base_url`");
        if written.starts_with("{{") {
            help = "begin with `/`: the host stands in the endpoint's `base_url`; `| raw` keeps the `/`s of a value".to_owned();
        } else if written.starts_with("http://") || written.starts_with("https://") {
            help = "the host stands in the endpoint's `base_url`; write the path alone".to_owned();
        }
        ("the path does not begin with `/`".to_owned(), help)
    } else if let Some(bad) = bad {
        // Letters of other scripts are shown as they are, what cannot be seen by its number.
        let shown = bad.escape_debug();
        let help = "percent-encode it, or put it in with a template, which encodes".to_owned();
        (format!("the path holds `{shown}`, which no request line can"), help)
    } else {
        return Some(text);
    };
    let found = Diagnostic::error("plan::http::path", node.span(), message);
    work.push(found.label("not a path").help(help));
    None
}

/// Lowers a mapping of names to texts.
fn pairs(node: Node<'_>, site: Site, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
    let mut pairs = Vec::new();
    let mut whole = !node.is_hole();
    for (entry, value) in node.entries() {
        whole &= work.plain_key(&entry.key, entry.key_span);
        match work.text(value, site) {
            Some(value) => pairs.push(NameValue { name: entry.key.clone(), value }),
            None => whole = false,
        }
    }
    whole.then_some(pairs)
}
