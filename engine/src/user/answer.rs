//! (pure) An answer under judgement: its body is decoded at most once, and only if something asks for it.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value as Tree;

use super::redact::Redactor;
use crate::exchange::Outcome;

/// An answer.
pub(super) struct Answer<'a> {
    pub(super) outcome: &'a Outcome,
    redactor: &'a Redactor,
    json: OnceCell<Option<Tree>>,
    text: OnceCell<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(outcome: &'a Outcome, redactor: &'a Redactor) -> Answer<'a> {
        Answer { outcome, redactor, json: OnceCell::new(), text: OnceCell::new() }
    }

    /// Returns the body as JSON; `None` if it is none.
    pub(super) fn json(&self) -> Option<&Tree> {
        self.json.get_or_init(|| serde_json::from_slice(&self.outcome.body).ok()).as_ref()
    }

    /// Returns the body as text; bytes that are no UTF-8 read as U+FFFD.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| String::from_utf8_lossy(&self.outcome.body))
    }

    /// Returns the values of a header; bytes that are no UTF-8 read as U+FFFD.
    pub(super) fn header(&self, name: &http::HeaderName) -> impl Iterator<Item = Cow<'a, str>> {
        let values = self.outcome.headers.get_all(name).into_iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// Returns the beginning of `text` for a message, without secrets.
    pub(super) fn quote(&self, text: &str) -> String {
        const CHARS_MAX: usize = 100;
        // Redacted first: a cut could leave a part of a secret that is then not recognised.
        let text = self.redactor.redact(text);
        match text.char_indices().nth(CHARS_MAX) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text.into_owned(),
        }
    }
}
