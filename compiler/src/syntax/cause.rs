//! (pure) Where a grammar error began. It shows where YAML gives up, which may be lines below the mistake.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::recover::heads;
use super::trap::{is_quote, is_tab};
use super::yaml::Stop;

/// What led to an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// The bracket at this byte is not closed.
    Bracket(usize),
    /// The quote at this byte is not closed in its line.
    Quote(usize),
    /// This `key value` or `key:value` has no colon with a space behind it.
    Colon(Range<usize>),
    /// The tab at this byte stands in the indentation.
    Tab(usize),
    /// The dash at this byte has no space behind it.
    Dash(usize),
    /// The entry in this line stands one level too far left, beside the key of the line above, which has no value.
    Left {
        /// The line's content.
        entry: Range<usize>,
        /// Where the value of the key above belongs.
        value: usize,
        /// How many spaces it lacks.
        by: usize,
    },
    /// Nothing before the place where it shows.
    Here,
}

impl Cause {
    /// Finds what led to `stop` in `text`.
    pub(super) fn of(text: &str, stop: &Stop) -> Cause {
        if is_tab(&stop.kind)
            && let Some(tab) = tab(text, stop.at)
        {
            return Cause::Tab(tab);
        }
        if let Some(quote) = quote(text, stop) {
            return Cause::Quote(quote);
        }
        if let Some(open) = stop.open {
            return Cause::Bracket(open);
        }
        let line = line_start(text, stop.at);
        let Some(before) = line_before(text, line) else { return Cause::Here };
        if let Some(open) = unclosed_bracket(text, before) {
            return Cause::Bracket(open);
        }
        if stop.kind == ErrorKind::MappingValueNotAllowed {
            if let Some(range) = no_colon(text, before, line) {
                return Cause::Colon(range);
            }
            if let Some(at) = tight_dash(text, before) {
                return Cause::Dash(at);
            }
        }
        if let Some(range) = lone_word(text, line) {
            return Cause::Colon(range);
        }
        too_far_left(text, before, line).unwrap_or(Cause::Here)
    }

    /// Returns the byte at which the mistake is, if not where it shows.
    pub(super) fn place(&self) -> Option<usize> {
        match self {
            Cause::Bracket(at) | Cause::Quote(at) | Cause::Tab(at) | Cause::Dash(at) => Some(*at),
            Cause::Colon(range) | Cause::Left { entry: range, .. } => Some(range.start),
            Cause::Here => None,
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_at(text: &str, start: usize) -> &str {
    text[start..].lines().next().unwrap_or("")
}

/// Returns the first tab in the line of byte `at`, or in the indentation of the next line that is not blank.
fn tab(text: &str, at: usize) -> Option<usize> {
    let start = line_start(text, at);
    let line = line_at(text, start);
    let next = start + line.len();
    let below = text[next..].find(|c: char| !matches!(c, '\n' | '\r' | ' '));
    let below = below.map(|at| next + at).filter(|at| text[*at..].starts_with('\t'));
    line.find('\t').map(|tab| start + tab).or(below)
}

/// Returns the start of the last line before the one at `line` that is neither blank nor a comment.
fn line_before(text: &str, line: usize) -> Option<usize> {
    let mut start = line;
    while start > 0 {
        start = line_start(text, start - 1);
        let content = line_at(text, start).trim();
        if !content.is_empty() && !content.starts_with('#') {
            return Some(start);
        }
    }
    None
}

/// Returns the first bracket that the line at `start` opens as a value and leaves open.
fn unclosed_bracket(text: &str, start: usize) -> Option<usize> {
    let line = line_at(text, start);
    let from = heads(line).last()?.value;
    let value = from + (line[from..].len() - line[from..].trim_start().len());
    if !line[value..].starts_with(['{', '[']) {
        return None;
    }
    let mut open = Vec::new();
    for (at, c) in unquoted(line, value) {
        match c {
            '{' | '[' => open.push(at),
            '}' | ']' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.first().map(|at| start + at)
}

/// Returns the characters of `line` from byte `from` on that stand in no quotes.
fn unquoted(line: &str, from: usize) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut before = ' ';
    let mut escaped = false;
    line[from..].char_indices().filter_map(move |(at, c)| {
        let last = std::mem::replace(&mut before, c);
        match quote {
            Some(open) => {
                let escape = open == '"' && c == '\\' && !escaped;
                if c == open && !escaped {
                    quote = None;
                }
                escaped = escape;
                return None;
            }
            None if matches!(c, '"' | '\'') && " [{,:-".contains(last) => {
                quote = Some(c);
                return None;
            }
            None => {}
        }
        Some((from + at, c))
    })
}

/// Returns the quote that is opened as a value, not closed in its line, and closed by a quote that opens another.
fn quote(text: &str, stop: &Stop) -> Option<usize> {
    let shows = line_start(text, stop.at);
    if is_quote(&stop.kind) {
        let opened = opened_in(line_at(text, shows));
        if let Some(at) = opened {
            return Some(shows + at);
        }
    }
    let mut start = 0;
    while start <= shows && start < text.len() {
        let line = line_at(text, start);
        let next = text[start..].find('\n').map_or(text.len(), |at| start + at + 1);
        if let Some(at) = opened_in(line).map(|at| start + at) {
            match closing(text, at) {
                None => return is_quote(&stop.kind).then_some(at),
                // YAML gave up inside of it.
                Some(end) if at < stop.at && stop.at < end => return Some(at),
                Some(end) => {
                    let rest = line_at(text, end).trim_start();
                    let ends = rest.is_empty() || rest.starts_with([',', '}', ']', '#', ':']);
                    // YAML gives up right behind the closing quote, or it is not the cause.
                    let between = text.get(end..stop.at.max(end)).unwrap_or("");
                    if !ends && end <= stop.at + 1 && between.matches('\n').count() <= 1 {
                        return Some(at);
                    }
                    // It goes on over several lines, and so does what is read here.
                    start = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
                    continue;
                }
            }
        }
        start = next;
    }
    None
}

/// Returns the quote in `line` that begins a value and is not closed there.
fn opened_in(line: &str) -> Option<usize> {
    let mut from = 0;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if at < from {
            continue;
        }
        let begins =
            matches!(c, '"' | '\'') && " [{,".contains(before) && begins_value(&line[..at]);
        if begins {
            match closing(line, at) {
                Some(end) => from = end,
                None => return Some(at),
            }
        } else if c == '#' && before == ' ' {
            return None;
        }
        before = c;
    }
    None
}

/// Returns whether a value begins behind `lead`, the line up to it.
fn begins_value(lead: &str) -> bool {
    let lead = lead.trim_end();
    lead.is_empty() || lead.ends_with([':', '[', '{', ',']) || lead == "-" || lead.ends_with(" -")
}

/// Returns where the text that is opened by the quote at byte `at` ends, behind its closing quote.
fn closing(text: &str, at: usize) -> Option<usize> {
    let quote = text[at..].chars().next()?;
    let mut chars = text[at + 1..].char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            chars.next();
        } else if c == quote {
            if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') {
                chars.next();
            } else {
                return Some(at + 1 + index + 1);
            }
        }
    }
    None
}

/// Returns the content of the line at `before` if it is a key without its colon, beside the key of the line at `line`.
fn no_colon(text: &str, before: usize, line: usize) -> Option<Range<usize>> {
    let (above, below) = (line_at(text, before), line_at(text, line));
    let heads_above = heads(above);
    if heads_above.iter().any(|head| head.key) {
        return None;
    }
    let from = heads_above.last().map_or(0, |head| head.value);
    let column = from + (above[from..].len() - above[from..].trim_start().len());
    let key_below = |fits: &dyn Fn(usize) -> bool| {
        heads(below).iter().any(|head| head.key && fits(head.column))
    };
    let content = above[column..].trim_end();
    let word = content.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // A word alone may also be the key of what is below it.
    let lone = content.chars().all(is_of_key) && key_below(&|below| below > column);
    let aligned = key_below(&|below| below == column);
    (word && (aligned || lone)).then(|| before + column..before + column + content.len())
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the content of the line at `start` if it is `key:value`, `key = value` or a key alone.
fn lone_word(text: &str, start: usize) -> Option<Range<usize>> {
    let line = line_at(text, start);
    let heads = heads(line);
    if heads.iter().any(|head| head.key) {
        return None;
    }
    let from = heads.last().map_or(0, |head| head.value);
    let content = line[from..].trim();
    let name = content.find(|c| !is_of_key(c)).unwrap_or(content.len());
    let tail = &content[name..];
    let lo = start + from + (line[from..].len() - line[from..].trim_start().len());
    let colon = tail.starts_with(':') && !tail.starts_with("://");
    let other = tail.starts_with('：') || tail.trim_start().starts_with("= ");
    let below = text[start + line.len()..].trim_start_matches(['\n', '\r']);
    let column = lo - start;
    let owns = below.len() - below.trim_start_matches(' ').len() > column;
    (name > 0 && (colon || other || (tail.is_empty() && owns))).then(|| lo..lo + content.len())
}

/// Returns the dash of `-step: home` if the line at `start` begins so.
fn tight_dash(text: &str, start: usize) -> Option<usize> {
    let line = line_at(text, start);
    let content = line.trim_start_matches(' ');
    let word = content.strip_prefix('-')?;
    (word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.contains(": "))
        .then(|| start + line.len() - content.len())
}

/// Returns whether the line at `before` belongs one level deeper, as the line below it does.
fn too_far_left(text: &str, before: usize, line: usize) -> Option<Cause> {
    let above = line_before(text, before)?;
    let key = |start| heads(line_at(text, start)).into_iter().next().filter(|head| head.key);
    let (holder, moved, right) = (key(above)?, key(before)?, key(line)?);
    let empty = |start, value: usize| line_at(text, start)[value..].trim().is_empty();
    let fits = holder.column == moved.column && right.column > moved.column;
    if !fits || !empty(above, holder.value) || empty(before, moved.value) {
        return None;
    }
    let content = line_at(text, before).trim_end().len();
    Some(Cause::Left {
        entry: before + moved.column..before + content,
        value: above + holder.value,
        by: right.column - moved.column,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_is_not_closed_in_its_line_is_seen() {
        for (line, open) in [
            ("a: \"b", Some(3)),
            ("a: { b: 'c }", Some(8)),
            ("- \"a", Some(2)),
            ("a: \"b\" # \"c", None),
            ("a: it's", None),
            ("a: 'it''s'", None),
            ("a: \"b\\\"", Some(3)),
            ("a: b \"c", None),
        ] {
            assert_eq!(opened_in(line), open, "{line}");
        }
    }

    #[test]
    fn a_bracket_that_is_left_open_is_seen() {
        for (line, open) in [
            ("- { a: 1, b: [2]", Some(2)),
            ("a: [1, 2", Some(3)),
            ("a: { b: \"}\"", Some(3)),
            ("a: { b: 1 }", None),
            ("a: b {", None),
        ] {
            assert_eq!(unclosed_bracket(line, 0), open, "{line}");
        }
    }
}
