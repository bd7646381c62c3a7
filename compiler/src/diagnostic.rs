//! What the compiler says of a plan: one struct, one sink. Rendering lives in `cli`.

use crate::source::Span;

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
        Diagnostic { code, severity, message, primary, more: Vec::new(), help: String::new() }
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
}

/// Where every pass puts what it finds; sorted once, at the end.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Returns an empty sink.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds findings.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        self.found.extend(found);
    }

    /// Returns whether no error was found; warnings do not count.
    pub fn is_clean(&self) -> bool {
        self.found.iter().all(|found| found.severity != Severity::Error)
    }

    /// Returns whether an error lies within `span`; later passes are silent there.
    pub fn touches(&self, span: Span) -> bool {
        self.found
            .iter()
            .any(|found| found.severity == Severity::Error && span.holds(found.primary.span))
    }

    /// Returns whether the same is said at the same place, whatever the words.
    pub fn says(&self, other: &Diagnostic) -> bool {
        let place = |found: &Diagnostic| (found.code, found.primary.span);
        self.found.iter().any(|found| place(found) == place(other))
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

/// Returns the entry of `known` that `name` probably means: the closest by edit distance, at most a third of its length away.
///
/// Upper case counts as lower; a name of one letter is close to none.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    let folded = name.to_lowercase();
    let scored = known
        .into_iter()
        // The distance is at least the difference of the lengths; most names end here.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate));
    let close = scored.filter(|(score, _)| *score <= limit && *score < length);
    close.min().map(|(_, candidate)| candidate)
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
    }
}
