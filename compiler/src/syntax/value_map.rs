//! (pure) From bytes of a scalar's value to the source bytes that wrote them, through quotes, escapes and folding.

use super::tree::{Kind, Node, ValueRange};
use crate::source::{Source, Span, Texts};

/// One character of a value and the source bytes that stand for it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    what: char,
    lo: usize,
    hi: usize,
}

/// Where each character of one scalar's value was written; made once for all that is found in it.
#[derive(Debug)]
pub struct ValueMap {
    whole: Span,
    bytes: usize,
    /// Each character with the byte of the value that it begins at; `None` if the scalar cannot be followed.
    pieces: Option<Vec<(usize, Piece)>>,
}

impl ValueMap {
    /// Follows the scalar `node` of `source`.
    pub fn of(texts: &dyn Texts, node: Node<'_>) -> ValueMap {
        let whole = node.value_span();
        let source = texts.text_of(whole.file);
        let value = match node.kind() {
            Kind::Str { value, .. } => value.as_str(),
            _ => source.slice(whole),
        };
        let pieces = pieces(source, whole, value).map(|pieces| {
            let mut next = 0;
            let placed = pieces.into_iter().map(|piece| {
                let at = next;
                next += piece.what.len_utf8();
                (at, piece)
            });
            placed.collect()
        });
        ValueMap { whole, bytes: value.len(), pieces }
    }

    /// Returns where the scalar is written.
    pub fn whole(&self) -> Span {
        self.whole
    }

    /// Returns the source bytes that wrote the bytes `range` of the value, exact for every style of scalar; the whole
    /// scalar when `range` is not in its value.
    pub fn span(&self, range: ValueRange) -> Span {
        let valid = range.start <= range.end && range.end <= self.bytes;
        let Some(pieces) = self.pieces.as_ref().filter(|_| valid) else { return self.whole };
        let end = pieces.last().map_or(self.whole.lo as usize, |(_, piece)| piece.hi);
        // The first character that ends behind the byte, and the one before it.
        let first = pieces.partition_point(|(at, piece)| at + piece.what.len_utf8() <= range.start);
        let last = pieces.partition_point(|(at, piece)| at + piece.what.len_utf8() < range.end);
        let lo = pieces.get(first).map_or(end, |(_, piece)| piece.lo);
        let hi = match range.is_empty() {
            true => lo,
            false => pieces.get(last).map_or(end, |(_, piece)| piece.hi),
        };
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { lo: narrow(lo), hi: narrow(hi.max(lo)), ..self.whole }
    }
}

/// Reads the scalar at `span` again in each style that it can have, until one yields `value`.
fn pieces(source: &Source, span: Span, value: &str) -> Option<Vec<Piece>> {
    let raw = source.slice(span);
    let lo = span.lo as usize;
    let inside = |quote: char| raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let same = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.what).eq(value.chars());
    if let Some(inner) = inside('"') {
        let pieces = flow(inner, lo + 1, Some('"'));
        if let Some(pieces) = pieces.filter(same) {
            return Some(pieces);
        }
    }
    if let Some(inner) = inside('\'') {
        let pieces = flow(inner, lo + 1, Some('\''));
        if let Some(pieces) = pieces.filter(same) {
            return Some(pieces);
        }
    }
    if let Some(pieces) = flow(raw, lo, None).filter(same) {
        return Some(pieces);
    }
    let lines = block_lines(source, span, value)?;
    let chomp = |pieces: Vec<Piece>| chomped(pieces, value);
    chomp(literal(&lines)).or_else(|| chomp(folded(&lines)))
}

/// Reads a plain or quoted text; `base` is the source byte of its first.
fn flow(text: &str, base: usize, quote: Option<char>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let what = rest.chars().next()?;
        let length = break_run(rest);
        if length > 0 {
            let breaks = rest[..length].matches('\n').count();
            let (lo, hi) = (base + at, base + at + length);
            if breaks == 1 {
                pieces.push(Piece { what: ' ', lo, hi });
            }
            pieces.extend((1..breaks).map(|_| Piece { what: '\n', lo, hi }));
            at += length;
        } else if quote == Some('\'') && rest.starts_with("''") {
            pieces.push(Piece { what, lo: base + at, hi: base + at + 2 });
            at += 2;
        } else if quote == Some('"') && what == '\\' {
            at += escape(rest, base + at, &mut pieces)?;
        } else {
            let hi = at + what.len_utf8();
            pieces.push(Piece { what, lo: base + at, hi: base + hi });
            at = hi;
        }
    }
    Some(pieces)
}

/// Returns the length of the blanks at the start of `text` if a line break is among them, else 0.
fn break_run(text: &str) -> usize {
    let length = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
    if text[..length].contains('\n') { length } else { 0 }
}

/// Reads the escape at the start of `text` (at source byte `lo`) and returns its length.
fn escape(text: &str, lo: usize, pieces: &mut Vec<Piece>) -> Option<usize> {
    let after = text[1..].trim_start_matches('\r');
    if after.starts_with('\n') {
        let run = break_run(&text[1..]);
        let hi = lo + 1 + run;
        let breaks = text[1..=run].matches('\n').count();
        pieces.extend((1..breaks).map(|_| Piece { what: '\n', lo, hi }));
        return Some(1 + run);
    }
    let letter = text[1..].chars().next()?;
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let mut length = 1 + letter.len_utf8() + digits;
    let what = match letter {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' | 'u' | 'U' => {
            let high = u32::from_str_radix(text.get(2..length)?, 16).ok()?;
            if (0xd800..0xdc00).contains(&high) {
                let low = text.get(length..)?.strip_prefix("\\u")?.get(..4)?;
                let low = u32::from_str_radix(low, 16).ok()?.checked_sub(0xdc00)?;
                length += 6;
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?
            } else {
                char::from_u32(high)?
            }
        }
        other => other,
    };
    pieces.push(Piece { what, lo, hi: lo + length });
    Some(length)
}

/// A line of a block scalar without its indentation.
struct Line<'s> {
    text: &'s str,
    lo: usize,
    /// One past the line break.
    end: usize,
}

impl Line<'_> {
    fn hi(&self) -> usize {
        self.lo + self.text.len()
    }

    fn spaced(&self) -> bool {
        self.text.starts_with([' ', '\t'])
    }

    fn push(&self, pieces: &mut Vec<Piece>) {
        for (at, what) in self.text.char_indices() {
            let lo = self.lo + at;
            pieces.push(Piece { what, lo, hi: lo + what.len_utf8() });
        }
    }

    fn line_break(&self, what: char) -> Piece {
        Piece { what, lo: self.hi(), hi: self.end }
    }
}

/// Returns the lines of the block scalar at `span`; its indentation is what the source has more than the value.
fn block_lines<'s>(source: &'s Source, span: Span, value: &str) -> Option<Vec<Line<'s>>> {
    let text = source.text();
    let hi = (span.hi as usize).min(text.len());
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mut lo = line_start((span.lo as usize).min(hi));
    while lo > 0 && text[line_start(lo - 1)..lo].trim().is_empty() {
        lo = line_start(lo - 1);
    }
    let lead = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = |text: &str| text.lines().find(|line| !line.trim().is_empty()).map(lead);
    let indent = first(text.get(lo..hi)?)?.checked_sub(first(value)?)?;
    let mut lines = Vec::new();
    for line in text.get(lo..hi)?.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let cut = lead(content).min(indent);
        lines.push(Line { text: &content[cut..], lo: lo + cut, end: lo + line.len() });
        lo += line.len();
    }
    Some(lines)
}

fn literal(lines: &[Line<'_>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for line in lines {
        line.push(&mut pieces);
        pieces.push(line.line_break('\n'));
    }
    pieces
}

fn folded(lines: &[Line<'_>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut before: Option<&Line<'_>> = None;
    let mut blanks: Vec<&Line<'_>> = Vec::new();
    for line in lines {
        if line.text.is_empty() {
            blanks.push(line);
            continue;
        }
        if let Some(before) = before {
            if before.spaced() || line.spaced() {
                pieces.push(before.line_break('\n'));
            } else if blanks.is_empty() {
                pieces.push(before.line_break(' '));
            }
        }
        pieces.extend(blanks.drain(..).map(|blank| blank.line_break('\n')));
        line.push(&mut pieces);
        before = Some(line);
    }
    pieces.extend(before.map(|line| line.line_break('\n')));
    pieces.extend(blanks.into_iter().map(|blank| blank.line_break('\n')));
    pieces
}

/// Cuts or adds line breaks at the end as the scalar's header says, which is seen from `value`; `None` if they differ elsewhere.
fn chomped(mut pieces: Vec<Piece>, value: &str) -> Option<Vec<Piece>> {
    let wanted = value.chars().count();
    let end = pieces.last().map_or(0, |piece| piece.hi);
    while pieces.len() < wanted {
        pieces.push(Piece { what: '\n', lo: end, hi: end });
    }
    let cut = pieces.split_off(wanted);
    let same = pieces.iter().map(|piece| piece.what).eq(value.chars());
    (same && cut.iter().all(|piece| piece.what == '\n')).then_some(pieces)
}

#[cfg(test)]
mod tests;
