//! (pure) What a plain scalar means, by the core schema of YAML 1.2.

use super::tree::Kind;

/// Returns what the plain scalar `text` stands for.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    if let Some(integer) = based(text) {
        return Kind::Int(integer);
    }
    number(text).unwrap_or_else(|| Kind::Str { value: text.to_owned(), plain: true })
}

/// Returns whether `text` is a number written with a zero in front, which most readers take for a text or for octal.
pub(super) fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let second = digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    text.len() - digits.len() <= 1 && digits.starts_with('0') && second && number(text).is_some()
}

/// Returns the decimal form of `0x1F` or `0o17`.
fn based(text: &str) -> Option<String> {
    let (digits, base) = match text.split_at_checked(2)? {
        ("0x", digits) => (digits, 16),
        ("0o", digits) => (digits, 8),
        _ => return None,
    };
    let valid = !digits.starts_with('+');
    u128::from_str_radix(digits, base).ok().filter(|_| valid).map(|value| value.to_string())
}

/// Returns the JSON spelling of a decimal number.
fn number(text: &str) -> Option<Kind> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = whole.is_empty() && fraction.unwrap_or("").is_empty();
    if bare || !decimal(whole) || !decimal(fraction.unwrap_or("")) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    };
    let mut json = format!("{sign}{whole}");
    if fraction.is_none() && exponent.is_none() {
        return Some(Kind::Int(json));
    }
    if let Some(fraction) = fraction.filter(|fraction| !fraction.is_empty()) {
        json.push('.');
        json.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if unsigned.is_empty() || !decimal(unsigned) {
            return None;
        }
        json.push('e');
        json.push_str(exponent);
    }
    Some(Kind::Number(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_valid_json() {
        for (text, json) in [("7", "7"), ("+7", "7"), ("-7", "-7"), ("0x1F", "31"), ("0o17", "15")]
        {
            assert_eq!(resolve(text), Kind::Int(json.to_owned()), "{text}");
        }
        for (text, json) in [(".5", "0.5"), ("1.", "1"), ("1e+3", "1e+3"), ("-1.50", "-1.50")] {
            assert_eq!(resolve(text), Kind::Number(json.to_owned()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok());
        }
    }

    #[test]
    fn the_words_of_old_yaml_are_text() {
        for text in
            ["yes", "no", "on", "off", "1_000", "0x", "1e", ".", "-", ".nan", "0x+1", "1:30"]
        {
            assert_eq!(resolve(text), Kind::Str { value: text.to_owned(), plain: true }, "{text}");
        }
    }

    #[test]
    fn a_leading_zero_is_seen_in_numbers_only() {
        assert!(has_leading_zero("007") && has_leading_zero("-01") && has_leading_zero("00.5"));
        assert!(!has_leading_zero("0") && !has_leading_zero("0.5") && !has_leading_zero("01a"));
    }
}
