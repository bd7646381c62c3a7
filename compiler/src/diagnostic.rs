//! What the compiler says of a plan: one struct, one sink. Rendering lives in `cli`.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::source::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Severity {
    /// The plan is rejected.
    Error,
    /// The plan compiles; `--strict` rejects it.
    Warning,
}

/// A place that belongs to a diagnostic, and what it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// Lowercase fragment, such as "first captured here".
    pub message: String,
}

/// A change of the text that ends a finding for certain.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// One finding about a plan. Passes have constructor functions; the codes are listed in [`crate::code`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// Stable code, such as `plan::variable::unbound`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Lowercase fragment in the user's words, text of the user in backticks, no trailing period.
    pub message: String,
    /// The place to look at, with what is wrong there.
    pub primary: Label,
    /// Other places that belong to it.
    pub more: Vec<Label>,
    /// The next step, a sentence without trailing period.
    pub help: String,
    /// What `plan check --fix` writes; empty unless it is certain that this was meant.
    pub fix: Vec<Edit>,
    /// A word that was meant instead of the one at the primary place; [`Diagnostic::settle`] makes the fix of it.
    meant: Option<String>,
    /// The part of a dotted name that `meant` stands for; all of it when `None`.
    part: Option<String>,
}

impl Diagnostic {
    /// Starts an error; give it a place and a help.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message.into())
    }

    /// Starts a warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Diagnostic {
        let primary = Label { span, message: "here".to_owned() };
        let (more, help, fix) = (Vec::new(), String::new(), Vec::new());
        Diagnostic { code, severity, message, primary, more, help, fix, meant: None, part: None }
    }

    /// Says what is at the primary place.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Diagnostic {
        self.primary.message = message.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.more.push(Label { span, message: message.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }

    /// Asks whether `near` was meant; it becomes the fix where it is the only word that is close.
    #[must_use]
    pub fn suggest(self, near: Near<'_>) -> Diagnostic {
        let asked = self.help(format!("did you mean `{}`?", near.word));
        asked.meant(near.sure.then(|| near.word.to_owned()))
    }

    /// Asks whether `near` was meant for `part` of the dotted name at the primary place.
    #[must_use]
    pub fn suggest_part(self, part: &str, near: Near<'_>) -> Diagnostic {
        Diagnostic { part: Some(part.to_owned()), ..self.suggest(near) }
    }

    /// Says which word was certainly meant at the primary place.
    #[must_use]
    pub fn meant(mut self, word: Option<String>) -> Diagnostic {
        self.meant = word;
        self
    }

    /// Adds a change that ends this finding for certain.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.fix.push(Edit { span, text: text.into() });
        self
    }

    /// Turns the word that was meant into a change, if a word is what is written at the primary place.
    ///
    /// It may come from a var or stand behind an alias: what is written is then something else.
    pub fn settle(&mut self, source: &Source) {
        let span = self.primary.span;
        if span.file != source.id() {
            return;
        }
        let Some(meant) = self.meant.take() else { return };
        let written = source.slice(span);
        let inside = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
        let quoted = inside('"').or_else(|| inside('\''));
        let word = quoted.unwrap_or(written);
        let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            let edge = u32::from(quoted.is_some());
            let mut span = Span { lo: span.lo + edge, hi: span.hi - edge, ..span };
            if let Some(part) = &self.part {
                let mut at = span.lo as usize;
                let lengths = word.split('.').map(|piece| (piece, piece.len()));
                for (piece, length) in lengths {
                    if piece == part {
                        span = source.span(at, at + length);
                        break;
                    }
                    at += length + 1;
                }
            }
            self.fix.push(Edit { span, text: meant });
        }
    }
}

/// Where every pass puts what it finds; sorted once, at the end.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    /// The places of the errors among them: thousands of places are looked up in a plan of thousands of errors.
    errors: BTreeSet<Span>,
    before: Rc<Before>,
}

/// What was said of the same plan before, without its words.
#[derive(Clone, Debug, Default)]
struct Before {
    said: BTreeSet<(&'static str, Span)>,
    errors: BTreeSet<Span>,
}

impl Diagnostics {
    /// Returns an empty sink.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Returns an empty sink for judging the plan once more, which leaves out what this one has said.
    #[must_use]
    pub fn again(&self) -> Diagnostics {
        let said = self.found.iter().map(|found| (found.code, found.primary.span)).collect();
        let errors = self.errors().collect();
        let before = Rc::new(Before { said, errors });
        Diagnostics { before, ..Diagnostics::default() }
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.before.said.contains(&(diagnostic.code, diagnostic.primary.span)) {
            return;
        }
        if diagnostic.severity == Severity::Error {
            self.errors.insert(diagnostic.primary.span);
        }
        self.found.push(diagnostic);
    }

    /// Adds findings.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        found.into_iter().for_each(|found| self.push(found));
    }

    /// Changes every finding in place.
    pub fn amend(&mut self, each: impl FnMut(&mut Diagnostic)) {
        self.found.iter_mut().for_each(each);
        self.index();
    }

    /// Leaves out the findings that `keep` does not want.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.found.retain(keep);
        self.index();
    }

    /// Notes the places of errors anew.
    fn index(&mut self) {
        let errors = self.found.iter().filter(|found| found.severity == Severity::Error);
        self.errors = errors.map(|found| found.primary.span).collect();
    }

    /// Returns whether no error was found; warnings do not count.
    pub fn is_clean(&self) -> bool {
        self.errors().next().is_none()
    }

    /// Returns the places of all errors, also those that were found in the same plan before.
    pub fn errors(&self) -> impl Iterator<Item = Span> {
        self.before.errors.iter().chain(&self.errors).copied()
    }

    /// Returns whether an error lies within `span`; later passes are silent there.
    pub fn touches(&self, span: Span) -> bool {
        let first = Span { hi: 0, ..span };
        let last = Span { lo: span.hi, hi: u32::MAX, ..span };
        let within = |errors: &BTreeSet<Span>| errors.range(first..=last).any(|at| span.holds(*at));
        within(&self.before.errors) || within(&self.errors)
    }

    /// Returns everything found, in source order, then by code, each once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| {
            (a.primary.span, a.code, &a.message).cmp(&(b.primary.span, b.code, &b.message))
        });
        self.found.dedup();
        self.found
    }
}

/// A word that was probably meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Near<'a> {
    /// The word.
    pub word: &'a str,
    /// Whether no other is as close.
    pub sure: bool,
}

/// Returns the entry of `known` that `name` probably means; see [`nearest`].
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(name, known).map(|near| near.word)
}

/// Returns the entry of `known` that `name` probably means: the closest by edit distance, at most a third of its length away.
///
/// Upper case counts as lower; a name of one letter is close to none.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Near<'a>> {
    let name: Vec<u8> = name.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    let limit = (name.len() / 3).max(1);
    let mut known = known.into_iter();
    let scored = known.by_ref().take(SUGGESTED_OF_MAX).filter_map(|candidate| {
        let (one, other) = differing(&name, candidate.as_bytes());
        // The distance is at least the difference of the lengths, and one edit leaves at most two bytes.
        let far = one.len().abs_diff(other.len()) > limit || (limit == 1 && one.len() > 2);
        let score = || strsim::generic_damerau_levenshtein(one, &other.to_ascii_lowercase());
        (!far).then(|| (score(), candidate))
    });
    let close = scored.filter(|(score, _)| *score <= limit && *score < name.len());
    let mut best: Option<(usize, &str)> = None;
    let mut sure = true;
    for (score, word) in close {
        match best {
            Some((least, first)) if least == score && first != word => {
                sure = false;
                best = best.min(Some((score, word)));
            }
            Some((least, _)) if least <= score => {}
            _ => (best, sure) = (Some((score, word)), true),
        }
    }
    // One that was not compared may be as close.
    let sure = sure && known.next().is_none();
    best.map(|(_, word)| Near { word, sure })
}

/// Names that are compared with one that is unknown, so that a plan with thousands of both is judged soon.
const SUGGESTED_OF_MAX: usize = 2_000;

/// Returns both texts without their common start and end, upper case of the second as lower.
fn differing<'a>(one: &'a [u8], other: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let same = |(one, other): &(&u8, &u8)| **one == other.to_ascii_lowercase();
    let start = one.iter().zip(other).take_while(same).count();
    let (one, other) = (&one[start..], &other[start..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(same).count();
    (&one[..one.len() - end], &other[..other.len() - end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        let known = ["timeout", "headers", "query", "get"];
        assert_eq!(did_you_mean("tiemout", known), Some("timeout"));
        assert_eq!(did_you_mean("header", known), Some("headers"));
        assert_eq!(did_you_mean("zzz", known), None);
        assert_eq!(did_you_mean("GET", known), Some("get"));
        assert_eq!(did_you_mean("z", ["a", "s"]), None);
        let near = |word, sure| Some(Near { word, sure });
        assert_eq!(nearest("shap", ["shop", "shape", "x"]), near("shape", false));
        assert_eq!(nearest("shp", ["shape", "shop", "shop"]), near("shop", true));
    }
}
