//! Texts under compilation and places in them. Reads no files: the command line hands every text in.

use std::collections::BTreeMap;

/// One text, by its place in [`Files`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct FileId(pub u16);

/// A stretch of UTF-8 bytes in one text; the order of spans is the order of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// First byte.
    pub lo: u32,
    /// One past the last byte; equal to `lo` for a place between two bytes.
    pub hi: u32,
}

impl Span {
    /// Returns whether `inner` lies within it.
    pub fn holds(self, inner: Span) -> bool {
        self.file == inner.file && self.lo <= inner.lo && inner.hi <= self.hi
    }
}

/// A value with the place where the plan says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs `value` with its place.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

/// One text with its name as the user wrote it and the start of each line.
#[derive(Clone, Debug)]
pub struct Source {
    id: FileId,
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

/// A line and a column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Source {
    /// Largest text that is compiled, in bytes; larger ones are refused where they are read.
    pub const BYTES_MAX: usize = 16 << 20;

    /// Takes a text of at most [`Source::BYTES_MAX`] bytes; what is beyond is cut at a character.
    pub fn new(id: FileId, name: impl Into<String>, text: impl Into<String>) -> Source {
        let mut text = text.into();
        if text.len() > Source::BYTES_MAX {
            let cut = (0..=Source::BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(cut.unwrap_or(0));
        }
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = newlines.map(|(at, _)| offset(at + 1));
        let line_starts = std::iter::once(0).chain(starts).collect();
        Source { id, name: name.into(), text, line_starts }
    }

    /// Returns the id that spans in this text carry.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Returns the name as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the bytes of `span`, clipped to the text.
    pub fn slice(&self, span: Span) -> &str {
        let hi = (span.hi as usize).min(self.text.len());
        self.text.get((span.lo as usize).min(hi)..hi).unwrap_or("")
    }

    /// Returns the span of `lo..hi` in this text.
    pub fn span(&self, lo: usize, hi: usize) -> Span {
        Span { file: self.id, lo: offset(lo), hi: offset(hi) }
    }

    /// Returns the line and column of byte `at`; a place past the end is the end.
    pub fn place(&self, at: u32) -> Place {
        let at = at.min(offset(self.text.len()));
        let line = self.line_starts.partition_point(|start| *start <= at) - 1;
        let start = self.line_starts[line] as usize;
        let mut end = at as usize;
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let column = self.text[start..end.max(start)].chars().count() + 1;
        Place { line: offset(line + 1), column: offset(column) }
    }

    /// Returns the byte offset at which line `line` (from 0) starts; the text's end if there is no such line.
    pub fn line_start(&self, line: usize) -> u32 {
        self.line_starts.get(line).copied().unwrap_or(offset(self.text.len()))
    }

    /// Returns how many lines there are, the last possibly empty.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }
}

/// What a plan may look at: its own text and the files that it names, by the path as written in the plan.
#[derive(Clone, Debug)]
pub struct Files {
    plan: Source,
    data: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Takes the plan's text; the files it names follow with [`Files::add`].
    pub fn new(plan: Source) -> Files {
        Files { plan, data: BTreeMap::new() }
    }

    /// Adds a file under the path that the plan writes.
    pub fn add(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.data.insert(path.into(), bytes);
    }

    /// Returns the plan's text.
    pub fn plan(&self) -> &Source {
        &self.plan
    }

    /// Returns the content of the file that the plan names `path`; `None` when it could not be read.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.data.get(path).map(Vec::as_slice)
    }
}

/// Narrows a byte offset; texts are bounded by [`Source::BYTES_MAX`].
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = Source::new(FileId(0), "a.yaml", "a: é\r\nb: x");
        assert_eq!(source.place(3), Place { line: 1, column: 4 });
        assert_eq!(source.place(5), Place { line: 1, column: 5 });
        assert_eq!(source.place(7), Place { line: 2, column: 1 });
        assert_eq!(source.place(999), Place { line: 2, column: 5 });
    }
}
