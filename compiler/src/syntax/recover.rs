//! (pure) Goes on after a grammar error: blanks the smallest guilty entry, keeps every offset, reads again.

use std::ops::Range;

use super::cause::Cause;
use super::character;
use super::leftover;
use super::trap;
use super::tree::{Kind, Tree};
use super::yaml;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Source;

/// Grammar errors that are reported for one text.
const REPORTED_MAX: usize = 10;

/// How often a text is read again; each time costs as much as the first.
const READ_MAX: usize = 30;

/// Parses the text of `source`; see [`super::parse`].
pub(super) fn parse(source: &Source, sink: &mut Diagnostics) -> Option<Tree> {
    let mut text = source.text().to_owned();
    character::check(source, &mut text, sink);
    leftover::check(source, &mut text, sink);
    let mut blanked: Vec<Range<usize>> = Vec::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut last: Option<usize> = None;
    let mut reported = 0;
    for _ in 0..READ_MAX {
        let reading = yaml::read(source, &text, &blanked);
        let Some(stop) = reading.stop else {
            reading.found.into_iter().for_each(|found| sink.push(found));
            return finished(source, reading.tree, sink);
        };
        let cause = Cause::of(&text, &stop);
        let guilty = cause.place().unwrap_or(stop.at);
        let inside = |range: &Range<usize>| range.start <= guilty && guilty <= range.end + 1;
        if last.is_none_or(|last| last < guilty) && !blanked.iter().any(inside) {
            last = Some(guilty);
            reported += 1;
            sink.push(trap::stopped(source, &stop, &cause));
            // A quote takes along what follows it, but nothing else than its own line is its mistake.
            let own = matches!(cause, Cause::Quote(_) | Cause::Tab(_) | Cause::Dash(_));
            let shows = if own { guilty } else { stop.at };
            candidates = enclosing(source.text(), guilty, shows);
            match &cause {
                Cause::Colon(range) => {
                    // With a colon and without a value the key is there and says no more.
                    let key = text[range.clone()].find([' ', ':']).unwrap_or(range.len());
                    let colon = range.start + key;
                    let ascii = text.as_bytes().get(colon).is_some_and(u8::is_ascii);
                    if colon < range.end && ascii {
                        text.replace_range(colon..=colon, ":");
                        candidates.push(Candidate::Stretch(colon + 1..range.end));
                    } else {
                        candidates.push(Candidate::Stretch(whole_entry(&text, range.start)));
                    }
                }
                Cause::Dash(at) => candidates.push(Candidate::Stretch(whole_entry(&text, *at))),
                Cause::Left { entry, value, .. } => {
                    let end = whole_entry(&text, entry.start).end;
                    candidates.push(Candidate::Stretch(*value..end));
                }
                Cause::Here => {
                    candidates.extend(stray(source.text(), stop.at).map(Candidate::Stretch));
                }
                Cause::Bracket(_) | Cause::Quote(_) | Cause::Tab(_) => {}
            }
        }
        if trap::is_tab(&stop.kind)
            && let Some(leads) = trap::indented_by_tabs(&text).filter(|leads| !leads.is_empty())
        {
            // As many spaces are the same structure, in the same bytes.
            leads.iter().for_each(|lead| blank(&mut text, lead));
            last = None;
            continue;
        }
        let ranges = std::iter::from_fn(|| candidates.pop());
        let next = ranges.map(|one| one.range(source.text())).find(|range| range.start < range.end);
        if reported == REPORTED_MAX || next.is_none() {
            reading.found.into_iter().for_each(|found| sink.push(found));
            return None;
        }
        let range = next?;
        blank(&mut text, &range);
        blanked.push(range);
    }
    None
}

/// Rejects a text without content.
fn finished(source: &Source, tree: Option<Tree>, sink: &mut Diagnostics) -> Option<Tree> {
    let tree = tree.filter(|tree| !matches!(tree.root().kind(), Kind::Null));
    if tree.is_none() && sink.is_clean() {
        let place = source.span(0, source.text().len().min(1));
        sink.push(
            Diagnostic::error("plan::syntax::empty", place, "the file holds no plan")
                .label("nothing but blanks and comments")
                .help("begin with `version: 1`, `name:` and `scenarios:`"),
        );
    }
    tree
}

/// Returns the rest of the line from byte `at` on with the lines below it that are deeper.
///
/// With the blanks before it up to the colon of the key that it is the first entry of.
pub(super) fn whole_entry(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[start..at].chars().count();
    let end = extent(text, start, at, &Head { column, value: column, key: true });
    let above = text[..at].trim_end();
    if above.ends_with(':') { above.len()..end } else { at..end }
}

/// Overwrites `range` with blanks of the same length, line ends kept.
pub(super) fn blank(text: &mut String, range: &Range<usize>) {
    let spaces: String = text[range.clone()]
        .bytes()
        .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' })
        .collect();
    text.replace_range(range.clone(), &spaces);
}

/// What may be blanked.
enum Candidate {
    /// The value of an entry whose head stands in the line that starts at `start`, for an error that shows at `at`.
    Entry { start: usize, head: Head, at: usize },
    /// Just this.
    Stretch(Range<usize>),
}

impl Candidate {
    /// Returns its bytes; it begins behind the `key:` or `-` and ends before the next line that is not inside.
    ///
    /// Found only when it is its turn: in a tower of entries each of them is most of the text.
    fn range(self, text: &str) -> Range<usize> {
        match self {
            Candidate::Entry { start, head, at } => {
                start + head.value..extent(text, start, at, &head)
            }
            Candidate::Stretch(range) => range,
        }
    }
}

/// Returns what may be blanked for an error that shows at `at` and began at `guilty`, the smallest last.
fn enclosing(text: &str, guilty: usize, at: usize) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut limit = usize::MAX;
    let mut start = text[..guilty].rfind('\n').map_or(0, |newline| newline + 1);
    let mut lines = 0;
    loop {
        let line = text[start..].lines().next().unwrap_or("");
        for head in heads(line).into_iter().rev() {
            // Nothing behind the error can be its cause.
            if head.column < limit && start + head.value <= guilty {
                limit = head.column;
                found.push(Candidate::Entry { start, head, at });
            } else if head.column < limit {
                limit = head.column;
            }
        }
        lines += 1;
        // Far above the error nothing can be the smallest entry around it any more.
        if limit == 0 || start == 0 || lines > 10_000 {
            break;
        }
        start = text[..start - 1].rfind('\n').map_or(0, |newline| newline + 1);
    }
    found.reverse();
    found
}

/// Returns the line at `at` with the lines below it, if it is the `key` of an entry without a colon.
fn stray(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let indent = line.len() - line.trim_start_matches(' ').len();
    if start + indent != at || !heads(line).is_empty() {
        return None;
    }
    let head = Head { column: indent, value: indent, key: true };
    Some(at..extent(text, start, at, &head)).filter(|range| range.start < range.end)
}

/// The `-` or `key:` that a line begins with.
pub(super) struct Head {
    /// The byte at which it stands, in the line.
    pub(super) column: usize,
    /// The byte behind it, in the line.
    pub(super) value: usize,
    /// Whether it is a key and no dash.
    pub(super) key: bool,
}

/// Returns the `-`s and the key that a line begins with.
pub(super) fn heads(line: &str) -> Vec<Head> {
    let mut heads = Vec::new();
    let mut column = line.len() - line.trim_start_matches(' ').len();
    while line[column..].starts_with("- ") || &line[column..] == "-" {
        heads.push(Head { column, value: column + 1, key: false });
        let rest = &line[column + 1..];
        column += 1 + rest.len() - rest.trim_start_matches(' ').len();
    }
    let rest = &line[column..];
    let name =
        rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.\"".contains(byte));
    let name = name.count();
    let tail = &rest[name..];
    if name > 0 && (tail.starts_with(": ") || tail == ":") {
        heads.push(Head { column, value: column + name + 1, key: true });
    }
    heads
}

/// Returns where the entry of `head` ends, which begins in the line at `start`; an error at `at` belongs to it.
fn extent(text: &str, start: usize, at: usize, head: &Head) -> usize {
    let column = head.column;
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = line.trim();
        let item_of_key = head.key && indent == column && content.starts_with("- ");
        let inside = content.is_empty() || indent > column || item_of_key;
        if end > start && end > at && !inside {
            break;
        }
        // An error that shows in the next entry, such as an open bracket, must not swallow that entry.
        if end > start && !inside && line_is_entry(line) {
            break;
        }
        end += line.len();
    }
    let body = text[start..end].trim_end_matches(['\n', '\r']);
    start + body.len()
}

fn line_is_entry(line: &str) -> bool {
    !heads(line.trim_end()).is_empty()
}
