//! Texts under compilation and places in them. Reads no files: the command line hands every text in.

use std::collections::BTreeMap;

/// One text, by its place in [`Files`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct FileId(pub u16);

impl FileId {
    /// The plan itself.
    pub const PLAN: FileId = FileId(0);
    /// The file of `--var-file`.
    pub const VAR_FILE: FileId = FileId(1);
    /// The first file that a plan includes; the others follow.
    pub const PARTS: FileId = FileId(2);
}

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
    /// Characters before each stretch of [`STRETCH`] bytes, so that a column in a long line is soon counted.
    chars_before: Vec<u32>,
}

/// Bytes between two counts of characters.
const STRETCH: usize = 1 << 10;

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
        let chars_before = counts(text.as_bytes());
        Source { id, name: name.into(), text, line_starts, chars_before }
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
        let column = self.chars_up_to(end.max(start)) - self.chars_up_to(start) + 1;
        Place { line: offset(line + 1), column: offset(column) }
    }

    /// Returns how many characters begin before byte `at`.
    fn chars_up_to(&self, at: usize) -> usize {
        let stretch = at / STRETCH;
        let before = self.chars_before.get(stretch).copied().unwrap_or(0) as usize;
        let rest = self.text.as_bytes().get(stretch * STRETCH..at).unwrap_or(&[]);
        before + rest.iter().filter(|byte| begins_char(**byte)).count()
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

/// Where the text of a span is looked up: one text, or all of a plan's.
pub trait Texts {
    /// Returns the text `file`.
    fn text_of(&self, file: FileId) -> &Source;

    /// Returns the folder that paths in `file` are relative to, seen from the plan's; empty or with a `/` last.
    fn folder(&self, file: FileId) -> &str;

    /// Returns the bytes of `span`, clipped to its text.
    fn slice(&self, span: Span) -> &str {
        self.text_of(span.file).slice(span)
    }
}

impl Texts for Source {
    fn text_of(&self, _: FileId) -> &Source {
        self
    }

    fn folder(&self, _: FileId) -> &str {
        ""
    }
}

/// What a plan may look at: its own text, its parts, and the files that they name. Paths are relative to the plan's folder, as
/// [`join`] returns them.
#[derive(Clone, Debug)]
pub struct Files {
    plan: Source,
    parts: Vec<Part>,
    data: BTreeMap<String, Vec<u8>>,
}

/// A file that a plan includes.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its path.
    pub path: String,
    /// Its text; what is not UTF-8 in it is replaced.
    pub source: Source,
    /// The first byte that is not UTF-8.
    pub invalid_at: Option<usize>,
}

impl Files {
    /// Takes the plan's text; the files it names follow with [`Files::add`] and [`Files::add_part`].
    pub fn new(plan: Source) -> Files {
        Files { plan, parts: Vec::new(), data: BTreeMap::new() }
    }

    /// Adds a data or body file.
    pub fn add(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.data.insert(path.into(), bytes);
    }

    /// Adds a file that the plan, or one of its parts, includes; reports call it `name`.
    pub fn add_part(&mut self, path: impl Into<String>, name: impl Into<String>, bytes: Vec<u8>) {
        let number = u16::try_from(self.parts.len()).unwrap_or(u16::MAX);
        let id = FileId(FileId::PARTS.0.saturating_add(number));
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(at))
            }
        };
        let source = Source::new(id, name, text);
        self.parts.push(Part { path: path.into(), source, invalid_at });
    }

    /// Returns the plan's text.
    pub fn plan(&self) -> &Source {
        &self.plan
    }

    /// Returns the parts that could be read.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the part at `path`.
    pub fn part(&self, path: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.path == path)
    }

    /// Returns the plan's text and those of its parts.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.plan).chain(self.parts.iter().map(|part| &part.source))
    }

    /// Returns the content of the file at `path`; `None` when it could not be read.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.data.get(path).map(Vec::as_slice)
    }

    fn part_of(&self, file: FileId) -> Option<&Part> {
        self.parts.get(usize::from(file.0.checked_sub(FileId::PARTS.0)?))
    }
}

impl Texts for Files {
    fn text_of(&self, file: FileId) -> &Source {
        self.part_of(file).map_or(&self.plan, |part| &part.source)
    }

    fn folder(&self, file: FileId) -> &str {
        let path = self.part_of(file).map_or("", |part| part.path.as_str());
        path.rfind('/').map_or("", |at| &path[..=at])
    }
}

/// Returns `path`, which is relative to `folder`, without `.` and without `..` behind a name.
pub fn join(folder: &str, path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in folder.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

/// Returns how many characters begin before each stretch of `bytes`.
fn counts(bytes: &[u8]) -> Vec<u32> {
    let mut total: usize = 0;
    let mut counts = vec![0];
    for stretch in bytes.chunks(STRETCH) {
        total += stretch.iter().filter(|byte| begins_char(**byte)).count();
        counts.push(offset(total));
    }
    counts
}

/// Returns whether a byte of UTF-8 is the first of a character.
fn begins_char(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// Narrows a byte offset; texts are bounded by [`Source::BYTES_MAX`].
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_by_name() {
        assert_eq!(join("", "data/users.csv"), "data/users.csv");
        assert_eq!(join("parts/", "./../data//users.csv"), "data/users.csv");
        assert_eq!(join("a/b/", "../../../c"), "../c");
        assert_eq!(join("../a/", "../../c"), "../../c");
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new(FileId(0), "a.yaml", "a: é\r\nb: x");
        assert_eq!(source.place(3), Place { line: 1, column: 4 });
        assert_eq!(source.place(5), Place { line: 1, column: 5 });
        assert_eq!(source.place(7), Place { line: 2, column: 1 });
        assert_eq!(source.place(999), Place { line: 2, column: 5 });
    }
}
