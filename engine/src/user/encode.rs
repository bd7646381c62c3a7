//! [pure] How text is written for the place that it stands in.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 §2.3.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What can stand nowhere in the path or query of a request line; `%` may, it begins an escape of the plan's own.
const LITERAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A place that a slot stands in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// Text as it is: text bodies, headers (which are checked when they are whole), whatever the plan calls `raw`.
    Plain,
    /// A segment of a path, or a part of a query.
    Component,
    /// A field of a form.
    Form,
    /// The inside of a JSON string.
    JsonString,
    /// A JSON value of its own type.
    JsonValue,
}

/// Appends `text` with everything escaped that could end a segment or a parameter.
pub(super) fn push_component(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, COMPONENT));
}

/// Appends a stretch of a path or query that the plan spells itself.
pub(super) fn push_path_literal(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, LITERAL));
}

/// Appends `text` as `application/x-www-form-urlencoded` has it.
pub(super) fn push_form(out: &mut String, text: &str) {
    out.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
}

/// Appends `text` as the inside of a JSON string.
pub(super) fn push_json_string(out: &mut String, text: &str) {
    let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        out.push_str(text);
        return;
    }
    for part in text.split_inclusive(|c: char| c < '\u{20}' || c == '"' || c == '\\') {
        let special = part.chars().next_back().filter(|c| *c < '\u{20}' || *c == '"' || *c == '\\');
        let Some(special) = special else {
            out.push_str(part);
            continue;
        };
        out.push_str(&part[..part.len() - 1]);
        match special {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control => {
                super::value::push_display(out, &format_args!("\\u{:04x}", u32::from(control)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plan_s_own_escapes_and_separators_stay() {
        let mut out = String::new();
        push_path_literal(&mut out, "/a b/%2F/ü?x=1&y=[2]#z");
        assert_eq!(out, "/a%20b/%2F/%C3%BC?x=1&y=[2]%23z");
        http::uri::PathAndQuery::try_from(out).unwrap();
    }

    proptest! {
        #[test]
        fn components_decode_to_what_they_were(text in any::<String>()) {
            let mut out = String::new();
            push_component(&mut out, &text);
            prop_assert!(out.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            let back = percent_encoding::percent_decode_str(&out).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn forms_decode_to_what_they_were(name in any::<String>(), value in any::<String>()) {
            let mut out = String::new();
            push_form(&mut out, &name);
            out.push('=');
            push_form(&mut out, &value);
            let back: Vec<_> = url::form_urlencoded::parse(out.as_bytes()).into_owned().collect();
            prop_assert_eq!(back, vec![(name, value)]);
        }

        #[test]
        fn json_strings_decode_to_what_they_were(text in any::<String>()) {
            let mut out = String::from("\"");
            push_json_string(&mut out, &text);
            out.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }

        #[test]
        fn literals_can_stand_in_a_request_line(text in "/\\PC*") {
            let mut out = String::new();
            push_path_literal(&mut out, &text);
            prop_assert!(http::uri::PathAndQuery::try_from(out).is_ok());
        }
    }
}
