//! (pure) Characters that do not belong into a plan's text: told once each kind, then read as blanks.

use std::collections::BTreeSet;

use super::recover;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Source;

/// Reports control characters, invisible ones that change what is seen, a byte order mark and directives, and blanks them in `text`.
pub(super) fn check(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    if text.starts_with('\u{feff}') {
        let mark = source.span(0, '\u{feff}'.len_utf8());
        sink.push(
            Diagnostic::warning(
                "plan::syntax::mark",
                mark,
                "the file begins with a byte order mark",
            )
            .label("invisible")
            .help("save the file as UTF-8 without a byte order mark")
            .fix(mark, ""),
        );
    }
    directives(source, text, sink);
    indentation(source, text, sink);
    let odd = |c: char| meaning(c).is_some();
    // Almost every text has none.
    if !text.chars().skip(1).any(odd) && !text.starts_with(|c: char| c != '\u{feff}' && odd(c)) {
        return;
    }
    let mut told: BTreeSet<char> = BTreeSet::new();
    let mut clean = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match meaning(c).filter(|_| at > 0 || c != '\u{feff}') {
            Some(what) => {
                if told.insert(c) {
                    sink.push(report(source, at, c, what));
                }
                clean.extend(std::iter::repeat_n(' ', c.len_utf8()));
            }
            None => clean.push(c),
        }
    }
    *text = clean;
}

fn report(source: &Source, at: usize, c: char, what: &str) -> Diagnostic {
    let code = u32::from(c);
    let span = source.span(at, at + c.len_utf8());
    let message = format!("the file holds {what}, U+{code:04X}");
    let found = Diagnostic::error("plan::syntax::character", span, message).label("here");
    if c == '\0' {
        return found
            .help("a plan is text in UTF-8: save it so; a body of bytes belongs into a file");
    }
    found.help(format!("remove it; in double quotes it is written `\\u{code:04x}`"))
}

/// Returns what a character is that must not stand in a plan as it is.
fn meaning(c: char) -> Option<&'static str> {
    match c {
        '\t' | '\n' | '\r' => None,
        '\0' => Some("a NUL byte"),
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a line break that is none in YAML"),
        c if c.is_control() => Some("a control character"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some("a character that turns the direction of the text")
        }
        '\u{feff}' => Some("a byte order mark inside the text"),
        '\u{200b}' | '\u{2060}' => Some("a space of no width"),
        _ => None,
    }
}

/// Reports spaces of other kinds in front of a key or dash, and takes such entries out.
fn indentation(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    let other = |c: char| c.is_whitespace() && !c.is_ascii() && c != '\u{85}';
    if !text.contains(other) {
        return;
    }
    let mut found: Option<Diagnostic> = None;
    let mut blanked = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(|c| c == ' ' || other(c));
        let lead = line.len() - content.len();
        if line[..lead].contains(other) && !recover::heads(content.trim_end()).is_empty() {
            let span = source.span(start, start + lead);
            let spaces = " ".repeat(line[..lead].chars().count());
            let first = found.take().unwrap_or_else(|| {
                Diagnostic::error(
                    "plan::syntax::character",
                    span,
                    "the line is indented by spaces that are none to YAML, such as U+00A0",
                )
                .label("copied from a page or a document")
                .help("indent with ordinary spaces")
            });
            found = Some(first.fix(span, spaces));
            blanked.push(recover::whole_entry(text, start + lead));
            blanked.push(start..start + lead);
        }
        start += line.len();
    }
    sink.extend(found);
    blanked.iter().for_each(|range| recover::blank(text, range));
}

/// Reports lines such as `%YAML 1.1` above the document, which say nothing here.
fn directives(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    let mut start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut lines = Vec::new();
    for line in text[start..].split_inclusive('\n') {
        let content = line.trim_end();
        if content.starts_with('%') {
            lines.push((start, content.len(), line.len()));
        } else if !content.is_empty() && !content.starts_with('#') {
            break;
        }
        start += line.len();
    }
    // Without a document below it is no directive but a broken plan.
    if !text[start..].starts_with("---") {
        return;
    }
    for (start, length, whole) in lines {
        let span = source.span(start, start + length);
        let message = format!("`{}` has no effect here", source.slice(span));
        sink.push(
            Diagnostic::warning("plan::syntax::directive", span, message)
                .label("a directive of YAML")
                .help("remove it: a plan is read as YAML 1.2 whatever it says")
                .fix(source.span(start, start + whole), ""),
        );
        text.replace_range(start..start + length, &" ".repeat(length));
    }
}
