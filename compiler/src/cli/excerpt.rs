//! [pure] The few lines of a text that a finding shows, clipped, without control characters, for the renderer.

use std::collections::BTreeMap;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::source::{Source, Span};

/// Characters of a line that are shown; a longer line is clipped around its first label.
const LINE_CHARS_MAX: usize = 140;

/// Characters kept before the first label of a clipped line.
const LEAD_CHARS: usize = 40;

/// Lines shown before and after a labelled one.
pub(super) const CONTEXT_LINES: usize = 1;

/// A line as shown.
#[derive(Debug)]
struct Row {
    /// From 0.
    line: usize,
    /// First byte in the shown text.
    start: usize,
    /// Source bytes of the characters shown, each with its place in the shown text.
    places: Vec<(u32, usize)>,
}

/// The lines around some spans, put one after the other. Reading a span costs no scan of the source.
#[derive(Debug)]
pub(super) struct Excerpt<'s> {
    source: &'s Source,
    text: String,
    rows: Vec<Row>,
}

impl<'s> Excerpt<'s> {
    /// Takes the lines around the starts of `spans`.
    pub(super) fn new(source: &'s Source, spans: &[Span]) -> Excerpt<'s> {
        let mut wanted: BTreeMap<usize, Option<u32>> = BTreeMap::new();
        for span in spans {
            let line = source.place(span.lo).line as usize - 1;
            for near in line.saturating_sub(CONTEXT_LINES)..=line + CONTEXT_LINES {
                // What follows the last line break is no line to show.
                let blank = source.line_start(near) as usize >= source.text().len();
                if near < source.lines() && (near == line || !blank) {
                    wanted.entry(near).or_insert(None);
                }
            }
            if let Some(first) = wanted.get_mut(&line) {
                *first = Some(first.map_or(span.lo, |at| at.min(span.lo)));
            }
        }
        let mut excerpt = Excerpt { source, text: String::new(), rows: Vec::new() };
        for (line, label) in wanted {
            excerpt.push(line, label);
        }
        excerpt
    }

    fn push(&mut self, line: usize, label: Option<u32>) {
        let lo = self.source.line_start(line);
        let hi = self.source.line_start(line + 1);
        let span = Span { file: self.source.id(), lo, hi };
        let content = self.source.slice(span).trim_end_matches(['\n', '\r']);
        let total = content.chars().count();
        let before = label.map_or(0, |at| {
            content
                .char_indices()
                .take_while(|(index, _)| lo as usize + index < at as usize)
                .count()
        });
        let skipped = if total > LINE_CHARS_MAX { before.saturating_sub(LEAD_CHARS) } else { 0 };
        let start = self.text.len();
        if skipped > 0 {
            self.text.push('…');
        }
        let mut places = Vec::new();
        for (index, c) in content.char_indices().skip(skipped).take(LINE_CHARS_MAX) {
            let at = lo.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
            places.push((at, self.text.len()));
            // An escape sequence in a plan must not reach the terminal.
            self.text.push(if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
        }
        let shown = places.len();
        let end = lo.saturating_add(u32::try_from(content.len()).unwrap_or(u32::MAX));
        places.push((end, self.text.len()));
        if skipped + shown < total {
            self.text.push('…');
        }
        self.text.push('\n');
        self.rows.push(Row { line, start, places });
    }

    /// Returns where `span` is in the shown text: first byte and length, at least one and within one line.
    pub(super) fn place(&self, span: Span) -> (usize, usize) {
        let line = self.source.place(span.lo).line as usize - 1;
        let Some(row) = self.rows.iter().find(|row| row.line == line) else {
            return (0, 1);
        };
        let shown = |at: u32| {
            let index = row.places.partition_point(|(source, _)| *source < at);
            let place = row.places.get(index).or(row.places.last());
            place.map_or(row.start, |(_, shown)| *shown)
        };
        let lo = shown(span.lo);
        let next = self.text[lo..].chars().next().map_or(1, char::len_utf8);
        (lo, shown(span.hi).saturating_sub(lo).max(next))
    }

    /// Returns the row that holds byte `at` of the shown text.
    fn row(&self, at: usize) -> Option<usize> {
        self.rows.partition_point(|row| row.start <= at).checked_sub(1)
    }

    /// Returns the row `count` steps from `row` in one direction, or the last one before a gap.
    fn reach(&self, row: usize, count: usize, forward: bool) -> usize {
        let mut at = row;
        for _ in 0..count {
            let next = if forward { at.checked_add(1) } else { at.checked_sub(1) };
            match next.and_then(|next| Some((next, self.rows.get(next)?))) {
                Some((next, row)) if row.line.abs_diff(self.rows[at].line) == 1 => at = next,
                _ => break,
            }
        }
        at
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let last = span.offset() + span.len().saturating_sub(1);
        let first = self.row(span.offset()).ok_or(MietteError::OutOfBounds)?;
        let end = self.row(last.min(self.text.len())).ok_or(MietteError::OutOfBounds)?;
        let joined = self.rows[first..=end].windows(2).all(|two| two[1].line == two[0].line + 1);
        if !joined {
            return Err(MietteError::OutOfBounds);
        }
        let row = &self.rows[first];
        // Asked for the label alone, the renderer wants the place for its header.
        let column = if context_lines_before == 0 {
            let shown = row.places.iter().rev().find(|(_, shown)| *shown <= span.offset());
            shown.map_or(0, |(at, _)| self.source.place(*at).column as usize - 1)
        } else {
            0
        };
        let from = self.reach(first, context_lines_before, false);
        let to = self.reach(end, context_lines_after, true);
        let (lo, hi) =
            (self.rows[from].start, self.rows.get(to + 1).map_or(self.text.len(), |row| row.start));
        Ok(Box::new(MietteSpanContents::new_named(
            self.source.name().to_owned(),
            &self.text.as_bytes()[lo..hi],
            (lo, hi - lo).into(),
            self.rows[from].line,
            column,
            to - from + 1,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn long_lines_are_clipped_around_the_label() {
        let text = format!("a\n{}é{}\nb\n", "x".repeat(5_000), "y".repeat(5_000));
        let source = Source::new(FileId(0), "p.yaml", text);
        let span = source.span(5_002, 5_004);
        let excerpt = Excerpt::new(&source, &[span]);
        let (lo, length) = excerpt.place(span);
        assert_eq!(&excerpt.text[lo..lo + length], "é");
        assert!(excerpt.text.chars().count() < 160);
    }

    #[test]
    fn a_label_at_the_end_stays_visible() {
        let source = Source::new(FileId(0), "p.yaml", "a: 1\n");
        let excerpt = Excerpt::new(&source, &[source.span(5, 5)]);
        let (lo, length) = excerpt.place(source.span(5, 5));
        assert_eq!(length, 1);
        assert!(lo + length <= excerpt.text.len());
    }

    #[test]
    fn control_characters_are_not_shown() {
        let source = Source::new(FileId(0), "p.yaml", "a: \u{1b}[31m\n");
        assert!(!Excerpt::new(&source, &[source.span(0, 1)]).text.contains('\u{1b}'));
    }
}
