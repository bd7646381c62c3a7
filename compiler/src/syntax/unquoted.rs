//! (pure) Where an unquoted value begins and ends in its line, for a reader who does not know that YAML ends it earlier.

use std::ops::Range;

use super::recover::heads;

/// Returns the unquoted value of `line` that holds byte `at`; `flow` when a bracket is open before the line.
///
/// Templates count as one word, also inside braces. `None` if `at` is in quotes, in a key, or in a comment.
pub(super) fn value_at(line: &str, flow: bool, at: usize) -> Option<Range<usize>> {
    let line = line.trim_end();
    let mut start = 0;
    if !flow {
        start = heads(line).last().map_or(0, |head| head.value);
        start += line[start..].len() - line[start..].trim_start().len();
        let rest = &line[start..];
        if !rest.starts_with(['[', '"', '\'']) && (!rest.starts_with('{') || rest.starts_with("{{"))
        {
            let end = start + comment(rest).unwrap_or(rest.len());
            let range = trimmed(line, start..end);
            return (range.start <= at && at < range.end).then_some(range);
        }
    }
    in_flow(line, start, at)
}

/// Returns `text` in quotes that need no escapes, or in single quotes with its own doubled.
pub(super) fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

/// Walks the entries between brackets from byte `from` to the value that holds `at`.
fn in_flow(line: &str, from: usize, at: usize) -> Option<Range<usize>> {
    let mut start = from;
    let mut here = from;
    while let Some(c) = line[here..].chars().next() {
        let rest = &line[here..];
        let fresh = line[start..here].trim().is_empty();
        let next = here + c.len_utf8();
        let ends = match c {
            '"' | '\'' if fresh => {
                here = next + closing(&line[next..], c)?;
                start = here;
                continue;
            }
            '{' if rest.starts_with("{{") => {
                here += rest.find("}}")? + 2;
                continue;
            }
            // A bracket inside a word, as in `$.items[0]`, belongs to the word.
            '[' if !fresh => {
                here += rest.find(']').map_or(1, |end| end + 1);
                continue;
            }
            '{' | '[' | ',' | '}' | ']' => true,
            ':' => rest.len() == 1 || rest.starts_with(": "),
            '#' => here == 0 || line[..here].ends_with(' '),
            _ => false,
        };
        if ends {
            let range = trimmed(line, start..here);
            if range.start <= at && at < range.end {
                return (c != ':').then_some(range);
            }
            start = next;
            if c == '#' || here > at {
                return None;
            }
        }
        here = next;
    }
    let range = trimmed(line, start..line.len());
    (range.start <= at && at < range.end).then_some(range)
}

/// Returns where the text that was opened with `quote` ends, behind the closing quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => {
                chars.next();
            }
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Returns where a comment begins in an unquoted value.
fn comment(text: &str) -> Option<usize> {
    text.match_indices('#')
        .map(|(at, _)| at)
        .find(|at| *at > 0 && text[..*at].ends_with([' ', '\t']))
}

fn trimmed(line: &str, range: Range<usize>) -> Range<usize> {
    let part = &line[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_around_a_byte_is_found() {
        for (line, flow, mark, value) in [
            ("a: Bearer {{ x }} b # c", false, "{{", Some("Bearer {{ x }} b")),
            ("- step: {{ x }}", false, "{{", Some("{{ x }}")),
            ("a: { get: /x/{{ y }}/{{ z }}, b: 1 }", false, "{{ z", Some("/x/{{ y }}/{{ z }}")),
            ("a: { b: { json: $.items[0].id } }", false, "$", Some("$.items[0].id")),
            ("a: [ {{ x }}, 2 ]", false, "{{", Some("{{ x }}")),
            ("  b: Bearer {{ x }} }", true, "{{", Some("Bearer {{ x }}")),
            ("a: { b: \"c: d\", e: @me }", false, "@", Some("@me")),
            ("a: { b: 'it''s', e: {{ x }} }", false, "{{", Some("{{ x }}")),
            ("a: \"{{ x }}\"", false, "{{", None),
            ("a: 1 # {{ x }}", false, "{{", None),
            ("a: { b@: 1 }", false, "b", None),
        ] {
            let at = line.find(mark).unwrap();
            let found = value_at(line, flow, at).map(|range| &line[range]);
            assert_eq!(found, value, "{line}");
        }
        assert_eq!(quoted("{{ rand.pick([\"a\", 'b']) }}"), "'{{ rand.pick([\"a\", ''b'']) }}'");
    }
}
