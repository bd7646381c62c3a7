//! (pure) Takes secrets out of what people read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::encode;

/// Knows the secrets of a run, as they are and as they stand in a URL, a form and JSON.
#[derive(Default)]
pub(super) struct Redactor {
    /// Longest first, so that a secret that holds another is taken out whole.
    needles: Vec<String>,
}

impl Redactor {
    /// Takes the values of the secrets.
    pub(super) fn new(secrets: &BTreeMap<String, String>) -> Redactor {
        let mut needles = Vec::new();
        for secret in secrets.values().filter(|secret| !secret.is_empty()) {
            for write in [encode::push_component, encode::push_form, encode::push_json_string] {
                let mut written = String::new();
                write(&mut written, secret);
                needles.push(written);
            }
            needles.push(secret.clone());
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Redactor { needles }
    }

    /// Returns `text` with `***` for each secret.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for needle in &self.needles {
            if text.contains(needle) {
                text = Cow::Owned(text.replace(needle, "***"));
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("needles", &self.needles.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_in_every_spelling() {
        let values = [("a", "p/w \"x\""), ("b", "p/w \"x\" longer"), ("c", "")];
        let secrets = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let redactor = Redactor::new(&BTreeMap::from(secrets));
        let check = |text: &str, expected: &str| assert_eq!(redactor.redact(text), expected);
        check("is p/w \"x\" longer, is p/w \"x\"!", "is ***, is ***!");
        check("?k=p%2Fw%20%22x%22&f=p%2Fw+%22x%22", "?k=***&f=***");
        check(r#"{"k":"p/w \"x\""}"#, r#"{"k":"***"}"#);
        check("nothing here", "nothing here");
    }
}
