//! (pure) What a value of the wrong kind, or a number without its unit, was probably meant as.

use super::steps::METHODS;
use crate::syntax::{Kind, Node};
use crate::unit::{Length, Rate, Share, parse_bytes};

/// Returns what to write for the bare number `text` where `context` holds a quantity.
pub(super) fn with_unit(context: &str, text: &str) -> Option<String> {
    let text = text.trim();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    match context {
        "duration" | "wait" => {
            let seconds = format!("{text}s");
            Length::parse(&seconds).ok()?;
            let other = if text.contains('.') { "m" } else { "ms" };
            Some(format!("write `{seconds}`, or `{text}{other}` if that is the unit"))
        }
        "rate" | "open_stage.rate" => {
            let ours = format!("{text}/s");
            Rate::parse(&ours).ok()?;
            Some(format!("write `{ours}`, or `{text}/m` or `{text}/h` if it is not by second"))
        }
        "share" => {
            let ours = percent(whole, text.contains('.').then_some(fraction));
            Share::parse(&ours).ok()?;
            Some(format!("write `{ours}`"))
        }
        "size" => {
            parse_bytes(&format!("{text}B")).ok()?;
            Some(format!("write `{text}B`, `{text}KiB` or `{text}MiB`"))
        }
        _ => None,
    }
}

/// Returns `99%` for `0.99` and for `99`, `100%` for `1`.
fn percent(whole: &str, fraction: Option<&str>) -> String {
    match (whole, fraction) {
        ("0", Some(fraction)) => {
            let padded = format!("{fraction:0<2}");
            let (head, tail) = padded.split_at(2);
            let head = head.trim_start_matches('0');
            let head = if head.is_empty() { "0" } else { head };
            let tail = tail.trim_end_matches('0');
            if tail.is_empty() { format!("{head}%") } else { format!("{head}.{tail}%") }
        }
        ("1", None | Some("0" | "00")) => "100%".to_owned(),
        (whole, None) => format!("{whole}%"),
        (whole, Some(fraction)) => format!("{whole}.{fraction}%"),
    }
}

/// Returns what to write for a `node` that is not of the kind that `context` asks for, if it is a short form of it.
pub(super) fn instead(context: &str, node: Node<'_>) -> Option<String> {
    let text = match node.kind() {
        Kind::Str { value, .. } => Some(value.as_str()),
        _ => None,
    };
    let path = text.filter(|text| text.starts_with("$.") || text.starts_with("$["));
    let list = matches!(node.kind(), Kind::Seq(_));
    match context {
        "capture" | "source" | "metric_source" => match (path, text) {
            (Some(path), _) => Some(format!("{{ json: \"{path}\" }}")),
            (None, Some(text)) if is_header(text) => {
                Some(format!("{{ header: {text} }}` or `{{ json: \"$.{text}\" }}"))
            }
            _ => Some("{ json: \"$.id\" }".to_owned()),
        },
        "http" => text.and_then(request),
        "threshold" => text.map(|text| format!("{{ require: {} }}", quoted(text))),
        "load" if list => Some("{ open: [ { rate: 20/s, for: 2m } ] }".to_owned()),
        "step" => text.filter(|text| is_header(text)).map(|text| format!("step: {text}")),
        _ => None,
    }
}

/// Returns whether a list stands where `context` holds entries by their name.
pub(super) fn is_named(context: &str) -> bool {
    matches!(
        context,
        "plan.scenarios"
            | "plan.endpoints"
            | "plan.data"
            | "plan.thresholds"
            | "plan.transactions"
            | "plan.sinks"
            | "plan.traffic"
            | "plan.environments"
            | "nodes.groups"
    )
}

fn is_header(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// Returns `{ get: / }` for `/` and `GET /`.
fn request(text: &str) -> Option<String> {
    let (method, path) = text.trim().split_once(' ').unwrap_or(("get", text.trim()));
    let method = method.to_ascii_lowercase();
    let plain = !path.contains([' ', ',', '{', '}', '"']);
    (METHODS.contains(&method.as_str()) && path.starts_with('/') && plain)
        .then(|| format!("{{ {method}: {path} }}"))
}

fn quoted(text: &str) -> String {
    if text.contains([':', '#', '{', '}', '[', ']', ',']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gets_the_unit_that_is_likely() {
        for (context, text, ours) in [
            ("rate", "10", Some("`10/s`")),
            ("open_stage.rate", "0.5", Some("`0.5/s`")),
            ("duration", "60", Some("`60s`")),
            ("share", "0.99", Some("`99%`")),
            ("share", "0.999", Some("`99.9%`")),
            ("share", "0.05", Some("`5%`")),
            ("share", "0.5", Some("`50%`")),
            ("share", "99", Some("`99%`")),
            ("share", "1", Some("`100%`")),
            ("share", "1.0", Some("`100%`")),
            ("share", "250", None),
            ("size", "10", Some("`10MiB`")),
            ("rate", "many", None),
            ("name", "10", None),
        ] {
            let help = with_unit(context, text);
            assert_eq!(help.is_some(), ours.is_some(), "{context} {text}: {help:?}");
            assert!(help.unwrap_or_default().contains(ours.unwrap_or_default()), "{text}");
        }
    }

    #[test]
    fn a_request_in_one_text_is_written_out() {
        assert_eq!(request("GET /x").as_deref(), Some("{ get: /x }"));
        assert_eq!(request("/x").as_deref(), Some("{ get: /x }"));
        assert_eq!(request("https://x"), None);
    }
}
