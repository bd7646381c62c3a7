//! [pure] What a slot holds, and what filters do to it.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use compiler::artifact::{Json, Piece};
use hmac::{Hmac, Mac as _};
use serde_json::Value as Tree;
use sha2::Sha256;

use super::encode;

/// A value of a slot. Numbers that fit no integer keep their text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    /// A valid JSON number.
    Decimal(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// A list or an object.
    Tree(Cow<'a, Tree>),
}

/// A filter with everything that it needs; its error is a fragment that follows the slot's name.
pub(super) enum Filter {
    Int,
    Number,
    Bool,
    Text,
    Json,
    Base64,
    Url,
    HmacSha256(Vec<u8>),
    Default(Value<'static>),
}

impl<'a> Value<'a> {
    /// Returns the same value, borrowing from this one.
    pub(super) fn by_ref(&self) -> Value<'_> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Unsigned(number) => Value::Unsigned(*number),
            Value::Signed(number) => Value::Signed(*number),
            Value::Decimal(text) => Value::Decimal(Cow::Borrowed(text)),
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
            Value::Tree(tree) => Value::Tree(Cow::Borrowed(tree)),
        }
    }

    /// Takes a JSON value as it was captured.
    pub(super) fn of_tree(tree: &'a Tree) -> Value<'a> {
        match tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Value::Unsigned(number),
                (None, Some(number)) => Value::Signed(number),
                (None, None) => Value::Decimal(Cow::Owned(number.to_string())),
            },
            Tree::String(text) => Value::Text(Cow::Borrowed(text)),
            Tree::Array(_) | Tree::Object(_) => Value::Tree(Cow::Borrowed(tree)),
        }
    }

    /// Takes the text of a JSON number; `None` if it is none.
    pub(super) fn of_number(text: &str) -> Option<Value<'static>> {
        if !is_number(text) {
            return None;
        }
        let value = match (text.parse::<u64>(), text.parse::<i64>()) {
            (Ok(number), _) => Value::Unsigned(number),
            (Err(_), Ok(number)) if number != 0 => Value::Signed(number),
            _ => Value::Decimal(Cow::Owned(text.to_owned())),
        };
        Some(value)
    }

    /// Takes a JSON value of an artifact; `None` if it holds a slot or a number that is none.
    pub(super) fn of_literal(json: &Json) -> Option<Value<'static>> {
        match json {
            Json::Null => Some(Value::Null),
            Json::Bool(value) => Some(Value::Bool(*value)),
            Json::Number(text) => Value::of_number(text),
            Json::Text(text) => literal_text(&text.0).map(|text| Value::Text(Cow::Owned(text))),
            Json::Slot(_) => None,
            Json::List(_) | Json::Object(_) => {
                tree_of_literal(json).map(|tree| Value::Tree(Cow::Owned(tree)))
            }
        }
    }

    /// Returns the JSON value.
    pub(super) fn into_tree(self) -> Tree {
        match self {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(value),
            Value::Unsigned(number) => Tree::from(number),
            Value::Signed(number) => Tree::from(number),
            Value::Decimal(text) => number_tree(&text).unwrap_or(Tree::Null),
            Value::Text(text) => Tree::String(text.into_owned()),
            Value::Tree(tree) => tree.into_owned(),
        }
    }

    /// Returns the value as text.
    ///
    /// # Errors
    /// Null, lists and objects have no text.
    pub(super) fn text(&self) -> Result<Cow<'_, str>, &'static str> {
        match self {
            Value::Null => Err("is null and has no text"),
            Value::Bool(true) => Ok(Cow::Borrowed("true")),
            Value::Bool(false) => Ok(Cow::Borrowed("false")),
            Value::Unsigned(number) => Ok(Cow::Owned(number.to_string())),
            Value::Signed(number) => Ok(Cow::Owned(number.to_string())),
            Value::Decimal(text) | Value::Text(text) => Ok(Cow::Borrowed(text)),
            Value::Tree(tree) if tree.is_array() => Err("is a list and has no text"),
            Value::Tree(_) => Err("is an object and has no text"),
        }
    }

    /// Appends the value as JSON.
    pub(super) fn push_json(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Unsigned(number) => push_display(out, number),
            Value::Signed(number) => push_display(out, number),
            Value::Decimal(text) => out.push_str(text),
            Value::Text(text) => {
                out.push('"');
                encode::push_json_string(out, text);
                out.push('"');
            }
            Value::Tree(tree) => push_display(out, tree),
        }
    }
}

impl Filter {
    /// Applies the filter to a value that is there.
    ///
    /// # Errors
    /// The value is none that the filter takes.
    pub(super) fn apply<'a>(&'a self, value: Value<'a>) -> Result<Value<'a>, &'static str> {
        match self {
            Filter::Int => int(&value),
            Filter::Number => number(value),
            Filter::Bool => match value {
                Value::Bool(_) => Ok(value),
                Value::Text(text) if text == "true" => Ok(Value::Bool(true)),
                Value::Text(text) if text == "false" => Ok(Value::Bool(false)),
                _ => Err("is neither `true` nor `false`"),
            },
            Filter::Text => match value {
                Value::Text(_) => Ok(value),
                value => owned_text(value.text()?.into_owned()),
            },
            Filter::Json => {
                let mut text = String::new();
                value.push_json(&mut text);
                owned_text(text)
            }
            Filter::Base64 => owned_text(STANDARD.encode(value.text()?.as_bytes())),
            Filter::Url => {
                let mut text = String::new();
                encode::push_component(&mut text, &value.text()?);
                owned_text(text)
            }
            Filter::HmacSha256(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| "has a bad key")?;
                mac.update(value.text()?.as_bytes());
                let mut hex = String::with_capacity(64);
                for byte in mac.finalize().into_bytes() {
                    push_display(&mut hex, &format_args!("{byte:02x}"));
                }
                owned_text(hex)
            }
            Filter::Default(default) => match value {
                Value::Null => Ok(default.by_ref()),
                value => Ok(value),
            },
        }
    }
}

/// Appends what `value` displays; writing into a string cannot fail.
pub(super) fn push_display(out: &mut String, value: &dyn std::fmt::Display) {
    let _infallible = write!(out, "{value}");
}

/// Joins pieces that are all literal.
pub(super) fn literal_text(pieces: &[Piece]) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Slot(_) => return None,
        }
    }
    Some(text)
}

fn tree_of_literal(json: &Json) -> Option<Tree> {
    match json {
        Json::List(items) => {
            items.iter().map(tree_of_literal).collect::<Option<_>>().map(Tree::Array)
        }
        Json::Object(fields) => fields
            .iter()
            .map(|(name, value)| Some((name.clone(), tree_of_literal(value)?)))
            .collect::<Option<_>>()
            .map(Tree::Object),
        Json::Number(text) => number_tree(text),
        Json::Null | Json::Bool(_) | Json::Text(_) | Json::Slot(_) => {
            Value::of_literal(json).map(Value::into_tree)
        }
    }
}

fn number_tree(text: &str) -> Option<Tree> {
    serde_json::from_str::<serde_json::Number>(text).ok().map(Tree::Number)
}

/// Returns whether `text` is a JSON number, of any size.
pub(super) fn is_number(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let ends = text.ends_with(|c: char| c.is_ascii_digit());
    begins && ends && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn owned_text<'a>(text: String) -> Result<Value<'a>, &'static str> {
    Ok(Value::Text(Cow::Owned(text)))
}

fn int<'a>(value: &Value<'a>) -> Result<Value<'a>, &'static str> {
    const NONE: &str = "is no whole number";
    match value {
        Value::Unsigned(_) | Value::Signed(_) => Ok(value.clone()),
        Value::Text(text) => {
            let text = text.trim();
            let unsigned = text.parse::<u64>().map(Value::Unsigned);
            unsigned.or_else(|_| text.parse::<i64>().map(Value::Signed)).map_err(|_| NONE)
        }
        Value::Null | Value::Bool(_) | Value::Decimal(_) | Value::Tree(_) => Err(NONE),
    }
}

fn number(value: Value<'_>) -> Result<Value<'_>, &'static str> {
    const NONE: &str = "is no number";
    match value {
        Value::Unsigned(_) | Value::Signed(_) | Value::Decimal(_) => Ok(value),
        Value::Text(text) => {
            let text = text.trim();
            let float = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            Value::of_number(text)
                .or_else(|| float().map(|number| Value::Decimal(Cow::Owned(number.to_string()))))
                .ok_or(NONE)
        }
        Value::Null | Value::Bool(_) | Value::Tree(_) => Err(NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value<'_> {
        Value::Text(Cow::Borrowed(text))
    }

    #[test]
    fn filters_turn_text_into_values_and_back() {
        let check = |filter: Filter, value: Value<'_>, json: &str| {
            let mut out = String::new();
            match filter.apply(value) {
                Ok(value) => value.push_json(&mut out),
                Err(why) => out.push_str(why),
            }
            assert_eq!(out, json);
        };
        check(Filter::Int, text("0042"), "42");
        check(Filter::Int, text("-7"), "-7");
        check(Filter::Int, text("1.5"), "is no whole number");
        check(Filter::Number, text("1.50"), "1.50");
        check(Filter::Number, text("01.5"), "1.5");
        check(Filter::Number, text("nan"), "is no number");
        check(Filter::Bool, text("true"), "true");
        check(Filter::Bool, text("yes"), "is neither `true` nor `false`");
        check(Filter::Text, Value::Unsigned(7), "\"7\"");
        check(Filter::Text, Value::Null, "is null and has no text");
        check(Filter::Json, text("a\"b"), r#""\"a\\\"b\"""#);
        check(Filter::Base64, text("user:pass"), "\"dXNlcjpwYXNz\"");
        check(Filter::Url, text("a b/ü"), "\"a%20b%2F%C3%BC\"");
        check(Filter::Default(text("x").into_static()), Value::Null, "\"x\"");
        check(Filter::Default(text("x").into_static()), Value::Bool(false), "false");
        // RFC 4231, test case 2.
        let key = Filter::HmacSha256(b"Jefe".to_vec());
        let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        check(key, text("what do ya want for nothing?"), &format!("\"{mac}\""));
    }

    #[test]
    fn numbers_keep_their_text() {
        for number in
            ["0", "-1", "18446744073709551615", "1.0", "1e400", "-0", "123456789012345678901"]
        {
            let mut out = String::new();
            Value::of_number(number).unwrap().push_json(&mut out);
            assert_eq!(out, number);
        }
        for none in ["", "01", "1.", "+1", "1 ", "NaN", "--1", "1,2", "[1]"] {
            assert_eq!(Value::of_number(none), None, "{none}");
        }
    }

    impl Value<'_> {
        fn into_static(self) -> Value<'static> {
            match self {
                Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
                value => Value::Text(Cow::Owned(format!("{value:?}"))),
            }
        }
    }
}
