//! (pure) `browser`: what a user does in a page.

use crate::artifact::{BrowserAct, BrowserAction, Piece, Text, Vital};
use crate::diagnostic::Diagnostic;
use crate::model::action::selector;
use crate::model::lower::{Lower, Site};
use crate::syntax::Node;
use crate::template::Fault;
/// Lowers what a browser does, in order.
pub(super) fn lower(node: Node<'_>, work: &mut Lower<'_>) -> Option<BrowserAction> {
    let actions: Vec<Option<BrowserAct>> =
        node.get("actions")?.items().map(|item| act(item, work)).collect();
    let collect: Vec<Option<Vital>> = match node.entry("collect") {
        Some((_, collect)) if collect.is_hole() => return None,
        Some((_, collect)) => collect.items().map(|item| work.one_of(item, &Vital::ALL)).collect(),
        None => Vec::new(),
    };
    let actions: Option<Vec<BrowserAct>> = actions.into_iter().collect();
    let collect: Option<Vec<Vital>> = collect.into_iter().collect();
    Some(BrowserAction { actions: actions?, collect: collect? })
}

fn act(node: Node<'_>, work: &mut Lower<'_>) -> Option<BrowserAct> {
    let (entry, value) = node.entries().find(|(_, value)| !value.is_hole())?;
    Some(match entry.key.as_str() {
        "goto" => BrowserAct::Goto(page(value, work)?),
        "click" => BrowserAct::Click(css(value, work)?),
        "wait_for" => BrowserAct::WaitFor(css(value, work)?),
        "wait" => BrowserAct::Wait { length_ns: work.positive_length(value)?.value },
        "screenshot" => BrowserAct::Screenshot(work.literal(value, "the name of a picture")?.value),
        "evaluate" => BrowserAct::Evaluate(work.text(value, Site::Body)?),
        "fill" => {
            let (selector, value) = field(value, work)?;
            BrowserAct::Fill { selector, value }
        }
        "select" => {
            let (selector, value) = field(value, work)?;
            BrowserAct::Select { selector, value }
        }
        "press" => press(value, work)?,
        _ => return None,
    })
}

/// Lowers the address of a page, which stands alone: no endpoint gives its beginning.
fn page(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
    const SCHEMES: [&str; 5] = ["http://", "https://", "about:", "data:", "file:"];
    let text = work.text(node, Site::Page)?;
    let start = match text.0.first() {
        Some(Piece::Literal(literal)) => literal.as_str(),
        Some(Piece::Slot(_)) => return Some(text),
        None => "",
    };
    if SCHEMES.iter().any(|scheme| start.starts_with(scheme)) {
        return Some(text);
    }
    let message = format!("`{}` is no address of a page", node.as_str().unwrap_or(start));
    let found = Diagnostic::error("plan::endpoint::address", node.span(), message);
    let help = "write all of it: `goto: \"https://shop.example/admin\"`, or begin with a var: `\"{{ vars.shop }}/admin\"`";
    work.push(found.label("has no beginning").help(help));
    None
}

fn field(node: Node<'_>, work: &mut Lower<'_>) -> Option<(Text, Text)> {
    let selector = node.get("selector").and_then(|node| css(node, work));
    let value = node.get("value").and_then(|node| work.text(node, Site::Body));
    Some((selector?, value?))
}

/// Reads `Enter`, or `{ selector, key }`.
fn press(node: Node<'_>, work: &mut Lower<'_>) -> Option<BrowserAct> {
    let wanted = "the name of a key";
    if node.as_str().is_some() {
        return Some(BrowserAct::Press { selector: None, key: work.literal(node, wanted)?.value });
    }
    let selector = match node.get("selector") {
        Some(selector) => css(selector, work).map(Some),
        None => Some(None),
    };
    let key = node.get("key").and_then(|key| work.literal(key, wanted));
    Some(BrowserAct::Press { selector: selector?, key: key?.value })
}

/// Lowers a CSS selector; one without templates must parse.
fn css(node: Node<'_>, work: &mut Lower<'_>) -> Option<Text> {
    let text = work.text(node, Site::Body)?;
    let written = match text.0.as_slice() {
        [] => "",
        [Piece::Literal(literal)] => literal.as_str(),
        _ => return Some(text),
    };
    let Err(fault) = selector::check(written) else { return Some(text) };
    let message = format!("`{written}` is not a CSS selector");
    let fault = Fault::new("plan::pattern::invalid", fault.range, message)
        .label(fault.what)
        .help("write it as a style sheet would: `#orders > li.open`, `[data-id='7']`, `button:nth-child(2)`");
    work.fault(node, fault);
    None
}
