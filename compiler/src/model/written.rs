//! (pure) What a template comes to where it is written: a text, a value of its own kind, or what nothing can be equal to.

use crate::artifact::{Filter, Json, Piece, Slot, SlotSource};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, json_name};
use crate::syntax::Node;

impl Lower<'_> {
    /// Warns of `${user}`, which is a template in other tools and text here.
    pub(super) fn warn_of_placeholder(&mut self, node: Node<'_>, value: &str, literal: &str) {
        if let Some(at) = literal.find("{% ").filter(|at| literal[*at..].contains("%}")) {
            let found = &literal[at..at + 2];
            let at = value.find(found).unwrap_or(0);
            let span = self.place(node, at..at + found.len());
            let message = "`{% … %}` is no template here, so it is sent as it is written";
            let found = Diagnostic::warning("plan::template::foreign", span, message);
            self.push(found.label("sent as text").help(
                "templates read values: branch by `when`, `choose` and `for_each` in the steps",
            ));
            return;
        }
        let Some(found) = placeholder(literal) else { return };
        let at = value.find(found).unwrap_or(0);
        let span = self.place(node, at..at + found.len());
        let name = &found[2..found.len() - 1];
        self.placeholders.insert(name.trim_start_matches("vars.").to_owned());
        let root = if name.contains('.') { "" } else { "vars." };
        let message = format!("`{found}` is no template here, so it is sent as it is written");
        self.push(
            Diagnostic::warning("plan::template::foreign", span, message)
                .label("sent as text")
                .help(format!(
                    "write `{{{{ {root}{name} }}}}`, or name the data or step that it is from"
                )),
        );
    }

    /// Reports vars of `pieces` that have no text, such as lists.
    pub(super) fn written_as_text(&mut self, node: Node<'_>, pieces: &[Piece]) -> bool {
        let mut good = true;
        for piece in pieces {
            let Piece::Slot(slot) = piece else { continue };
            let SlotSource::Var(name) = &slot.from else { continue };
            let Some(value @ (Json::List(_) | Json::Object(_))) = self.vars.get(name) else {
                continue;
            };
            if keeps_kind(slot) {
                let message = format!("`vars.{name}` is {}, which has no text", json_name(value));
                let found = Diagnostic::error("plan::value::kind", node.span(), message)
                    .label("a text is sent here")
                    .help(format!(
                        "write it as JSON, `{{{{ vars.{name} | json }}}}`, or use another var"
                    ));
                self.push(found);
                good = false;
            }
        }
        good
    }
}

/// Returns whether no filter of `slot` makes a text of a list.
pub(super) fn keeps_kind(slot: &Slot) -> bool {
    slot.filters.iter().all(|filter| matches!(filter, Filter::Url | Filter::Raw))
}

/// Returns the first `${name}` or `#{name}` in `text`.
fn placeholder(text: &str) -> Option<&str> {
    let starts = text.match_indices("${").chain(text.match_indices("#{")).map(|(at, _)| at);
    starts
        .filter_map(|at| {
            let rest = &text[at + 2..];
            let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c))?;
            (name > 0 && rest[name..].starts_with('}')).then(|| &text[at..at + 2 + name + 1])
        })
        .min_by_key(|found| found.as_ptr())
}

/// Returns what a name is that gives another value each time it is read.
pub(super) fn anew(from: &SlotSource) -> Option<&'static str> {
    match from {
        SlotSource::NowUnixMs | SlotSource::NowIso => Some("the time of day"),
        SlotSource::RandInt { .. } | SlotSource::RandUuid { .. } | SlotSource::RandPick { .. } => {
            Some("a random draw")
        }
        SlotSource::Var(_)
        | SlotSource::Secret(_)
        | SlotSource::Data { .. }
        | SlotSource::Capture { .. }
        | SlotSource::BeforeCapture { .. }
        | SlotSource::UserCapture { .. }
        | SlotSource::Let(_)
        | SlotSource::Param(_)
        | SlotSource::Item
        | SlotSource::ArrivalNumber
        | SlotSource::ArrivalId
        | SlotSource::UserNumber
        | SlotSource::GroupName
        | SlotSource::RunId
        | SlotSource::Seed => None,
    }
}
