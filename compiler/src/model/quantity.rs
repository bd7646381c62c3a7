//! (pure) Quantities and words of the language, with vars put in.

use std::ops::Range;

use crate::artifact::Json;
use crate::diagnostic::{Diagnostic, nearest};
use crate::model::lower::{Lower, json_name, scalar};
use crate::source::{Span, Spanned};
use crate::syntax::Node;
use crate::unit::{Length, Rate, Share, UnitError, parse_bytes};

impl Lower<'_> {
    fn wrong_unit(&mut self, span: Span, error: UnitError) {
        let found = Diagnostic::error("plan::value::unit", span, error.message);
        self.push(found.label("not such a quantity").help(error.help));
    }

    /// Returns a constant as text, with its place.
    pub(super) fn word(&mut self, node: Node<'_>, wanted: &str) -> Option<Spanned<String>> {
        let json = self.constant(node)?;
        let text = scalar(&json);
        if text.is_none() {
            self.wrong_value(node, &json, wanted);
        }
        text.map(|text| Spanned::new(text, node.span()))
    }

    pub(super) fn wrong_value(&mut self, node: Node<'_>, json: &Json, wanted: &str) {
        let what = json_name(json);
        let found = Diagnostic::error(
            "plan::value::kind",
            node.span(),
            format!("{what} stands where {wanted} belongs"),
        );
        self.push(found.label(format!("this is {what}")).help(format!("write {wanted}")));
    }

    fn quantity<T>(
        &mut self,
        node: Node<'_>,
        wanted: &str,
        parse: impl Fn(&str) -> Result<T, UnitError>,
    ) -> Option<Spanned<T>> {
        let text = self.word(node, wanted)?;
        match parse(&text.value) {
            Ok(value) => Some(Spanned::new(value, text.span)),
            Err(error) => {
                self.wrong_unit(text.span, error);
                None
            }
        }
    }

    /// Returns a length in nanoseconds.
    pub(super) fn length(&mut self, node: Node<'_>) -> Option<Spanned<u64>> {
        let length = self.quantity(node, "a duration such as `30s`", Length::parse)?;
        Some(Spanned::new(length.value.0, length.span))
    }

    /// Returns a length in nanoseconds above 0.
    pub(super) fn positive_length(&mut self, node: Node<'_>) -> Option<Spanned<u64>> {
        let length = self.length(node)?;
        if length.value == 0 {
            self.out_of_range(
                length.span,
                "a length of 0 does nothing".to_owned(),
                "write a duration above `0s`",
            );
            return None;
        }
        Some(length)
    }

    pub(super) fn rate(&mut self, node: Node<'_>) -> Option<Spanned<Rate>> {
        self.quantity(node, "a rate such as `200/s`", Rate::parse)
    }

    pub(super) fn share(&mut self, node: Node<'_>) -> Option<Spanned<Share>> {
        self.quantity(node, "a share such as `99.9%`", Share::parse)
    }

    pub(super) fn bytes(&mut self, node: Node<'_>) -> Option<Spanned<u64>> {
        self.quantity(node, "a size such as `10MiB`", parse_bytes)
    }

    /// Returns a whole number from `min` to `max`.
    pub(super) fn whole(&mut self, node: Node<'_>, range: Range<u64>) -> Option<Spanned<u64>> {
        let text = self.word(node, "a whole number")?;
        let plain = !text.value.is_empty() && text.value.bytes().all(|b| b.is_ascii_digit());
        let number = plain.then(|| text.value.parse::<u64>().unwrap_or(u64::MAX));
        match number {
            Some(number) if range.contains(&number) => Some(Spanned::new(number, text.span)),
            Some(_) => {
                let message = format!("`{}` is out of range", text.value);
                let help =
                    format!("write a whole number from {} to {}", range.start, range.end - 1);
                self.out_of_range(text.span, message, &help);
                None
            }
            None => {
                let error = UnitError {
                    message: format!("`{}` is not a whole number", text.value),
                    help: "write a whole number without a unit".to_owned(),
                };
                self.wrong_unit(text.span, error);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, node: Node<'_>) -> Option<bool> {
        match self.constant(node)? {
            Json::Bool(value) => Some(value),
            other => {
                self.wrong_value(node, &other, "`true` or `false`");
                None
            }
        }
    }

    /// Returns which of `words` is written.
    pub(super) fn one_of<T: Copy>(&mut self, node: Node<'_>, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<String> = words.iter().map(|(name, _)| format!("`{name}`")).collect();
        let wanted = names.join(" or ");
        let text = self.word(node, &wanted)?;
        let found = words.iter().find(|(name, _)| *name == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` is not one of {}", text.value, names.join(", "));
            let found =
                Diagnostic::error("plan::value::kind", text.span, message).label("unknown word");
            self.push(match nearest(&text.value, words.iter().map(|(name, _)| *name)) {
                Some(near) => found.suggest(near),
                None => found.help(format!("write {wanted}")),
            });
        }
        found
    }
}
