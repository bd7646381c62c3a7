//! (pure) What YAML did with a text that meant something else, said in the plan's words.

use granit_parser::ErrorKind;

use super::yaml::Stop;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Reports an unquoted template that begins at byte `at`.
pub(super) fn bare_template(source: &Source, at: usize) -> Diagnostic {
    let line = source.text().get(at..).unwrap_or("").lines().next().unwrap_or("");
    let length = line.find("}}").map_or(line.len(), |end| end + 2);
    template_error(source, at, at + length)
}

fn template_error(source: &Source, lo: usize, hi: usize) -> Diagnostic {
    let text = source.text().get(lo..hi).unwrap_or("");
    Diagnostic::error(
        "plan::yaml::template",
        source.span(lo, hi),
        format!("`{text}` is a template without quotes"),
    )
    .label("YAML reads the braces as mappings")
    .help("quote the whole value, for example `\"{{ vars.x }}\"`")
}

/// Reports a second document in one text.
pub(super) fn second_document(span: Span) -> Diagnostic {
    Diagnostic::error("plan::syntax::documents", span, "a second document begins in this file")
        .label("begins here")
        .help("write one plan in each file, and remove the `---` between them")
}

/// Reports an alias whose anchor is nowhere before it.
pub(super) fn unknown_alias(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "plan::yaml::alias",
        span,
        format!("`*{name}` refers to an anchor that is not defined before it"),
    )
    .label("YAML reads a leading `*` as an alias")
    .help(format!("quote it if it is text: `\"*{name}\"`; or define `&{name}` before it"))
}

/// Reports an alias that stands inside what it refers to.
pub(super) fn alias_cycle(span: Span) -> Diagnostic {
    Diagnostic::error("plan::syntax::alias", span, "an alias stands inside what it refers to")
        .label("contains itself")
        .help("write the value out instead of referring to it")
}

/// Reports an alias that makes the plan too large.
pub(super) fn alias_bomb(span: Span) -> Diagnostic {
    Diagnostic::error("plan::syntax::alias", span, "aliases make the plan too large")
        .label("with this alias it has too many values or levels")
        .help("use fewer aliases inside what other aliases refer to")
}

/// Reports a tag.
pub(super) fn tag(source: &Source, span: Span) -> Diagnostic {
    let text = source.slice(span).lines().next().unwrap_or("");
    Diagnostic::error("plan::yaml::tag", span, format!("`{text}` begins with a YAML tag"))
        .label("YAML reads a leading `!` as a tag")
        .help("quote the value, for example `\"!= 0\"`; the plan language has no tags")
}

/// Reports a number such as `007`.
pub(super) fn leading_zero(text: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "plan::yaml::leading-zero",
        span,
        format!("`{text}` is a number with a zero in front"),
    )
    .label("the zero would be lost")
    .help(format!("quote it to keep it as text, `\"{text}\"`, or remove the zero"))
}

/// Reports a key that is no text, or a merge.
pub(super) fn bad_key(merge: bool, span: Span) -> Diagnostic {
    let message = if merge { "`<<` merges nothing here" } else { "a key must be plain text" };
    let help = if merge {
        "YAML 1.2 has no merge keys: write the entries out, or use an alias for a whole value"
    } else {
        "write a name before the `:`"
    };
    Diagnostic::error("plan::syntax::key", span, message).label("not a key").help(help)
}

/// Reports the second of two equal keys.
pub(super) fn duplicate_key(key: &str, second: Span, first: Span) -> Diagnostic {
    let help = match key {
        "step" => "keep one of the two; the next step begins with a dash, `- step: …`",
        _ => "keep one of the two",
    };
    Diagnostic::error("plan::syntax::duplicate-key", second, format!("`{key}` is written twice"))
        .label("again here")
        .also(first, "first here")
        .help(help)
}

/// Returns whether a key without a value was probably meant as `key: value`.
pub(super) fn lacks_space(source: &Source, key: Span) -> bool {
    let text = source.slice(key);
    let quoted = text.starts_with(['"', '\'']);
    !quoted
        && text.split_once(':').is_some_and(|(name, value)| {
            !name.is_empty()
                && !value.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

/// Reports `{count:1}`.
pub(super) fn missing_space(key: &str, span: Span) -> Diagnostic {
    let (name, value) = key.split_once(':').unwrap_or((key, ""));
    Diagnostic::error("plan::yaml::space", span, format!("`{key}` has no space after the colon"))
        .label("YAML reads all of it as one key")
        .help(format!("write `{name}: {value}`"))
}

/// Reports `key: #text`, which leaves the key without a value.
pub(super) fn comment_value(
    source: &Source,
    key: &str,
    key_span: Span,
    value: Span,
) -> Option<Diagnostic> {
    let from = (key_span.hi.max(value.lo)) as usize;
    let line = source.text().get(from..)?.lines().next()?;
    let rest = line.trim_start_matches(':').trim_start();
    let word = rest.strip_prefix('#')?;
    if !word.starts_with(|first: char| first.is_alphanumeric() || "_-.".contains(first)) {
        return None;
    }
    let rest = rest.trim_end();
    let lo = from + line.find('#')?;
    let span = source.span(lo, lo + rest.len());
    let message = format!("`{key}` has no value, only the comment `{rest}`");
    Some(
        Diagnostic::error("plan::yaml::comment", span, message)
            .label("YAML reads this as a comment")
            .help(format!("quote it if it is the value: `\"{rest}\"`")),
    )
}

/// Says why the text stops being YAML at `stop`, in words for the trap that it is if it is a known one.
pub(super) fn stopped(source: &Source, stop: &Stop) -> Diagnostic {
    let line = Line::at(source, stop.at);
    let known = line.template(source).or_else(|| line.path(source, stop));
    if let Some(diagnostic) = known.or_else(|| line.comparison(source, stop)) {
        return diagnostic;
    }
    let text = source.text();
    let next = text[stop.at..].chars().next();
    let end = stop.at + next.filter(|c| !c.is_control()).map_or(0, char::len_utf8);
    let span = source.span(stop.at, end);
    let error = |code, message: &str| Diagnostic::error(code, span, message);
    match &stop.kind {
        ErrorKind::InvalidBlockScalarHeader if text[stop.at..].starts_with('>') => {
            let value = line.rest(stop.at);
            unquoted_comparison(value, source.span(stop.at, stop.at + value.len()))
        }
        ErrorKind::UnexpectedCharacter { character: character @ ('@' | '`' | '%') } => {
            let value = line.rest(stop.at);
            let span = source.span(stop.at, stop.at + value.len());
            Diagnostic::error(
                "plan::yaml::reserved",
                span,
                format!("a value cannot begin with `{character}` without quotes"),
            )
            .label(format!("YAML reserves a leading `{character}`"))
            .help(format!("write `\"{value}\"`"))
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            escape(source, stop.at)
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => tab(source, stop, &line),
        ErrorKind::RecursionLimitExceeded => {
            error("plan::syntax::depth", "values are nested too deeply")
                .label("one level too many")
                .help("nest at most 64 levels; put a larger body into a file")
        }
        kind if is_quote(kind) => quote(source, stop),
        kind => grammar(source, stop, kind, span),
    }
}

fn unquoted_comparison(value: &str, span: Span) -> Diagnostic {
    Diagnostic::error("plan::yaml::comparison", span, format!("`{value}` needs quotes"))
        .label("YAML reads a leading `>` as the start of a folded text")
        .help(format!("write `\"{value}\"`"))
}

/// Reports the first `\\` in the text quoted at `at` that YAML gives no meaning.
fn escape(source: &Source, at: usize) -> Diagnostic {
    const KNOWN: &str = "0abtnvfre \"/\\N_LPxuU\t\r\n";
    let mut lo = at;
    let mut chars = source.text()[at..].char_indices();
    while let Some((index, c)) = chars.next() {
        if c == '\\' {
            lo = at + index;
            if chars.next().is_none_or(|(_, letter)| !KNOWN.contains(letter)) {
                break;
            }
        }
    }
    let length = source.text()[lo..].chars().take(2).map(char::len_utf8).sum::<usize>();
    let span = source.span(lo, lo + length);
    let text = source.slice(span);
    Diagnostic::error("plan::yaml::escape", span, format!("`{text}` is no escape of YAML"))
        .label("in double quotes `\\` begins an escape")
        .help("use single quotes, in which `\\` stands for itself: `'id=(\\d+)'`")
}

/// Reports a quoted text without an end.
fn quote(source: &Source, stop: &Stop) -> Diagnostic {
    let text = source.text();
    let here = stop.kind == ErrorKind::UnclosedQuotedScalar;
    let opened = if here { None } else { text[..stop.at].rfind(['"', '\'']) };
    let at = opened.unwrap_or(stop.at);
    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
    Diagnostic::error("plan::syntax::quote", source.span(at, end), "a quoted text is not closed")
        .label("opened here")
        .help(
            "close it with the same quote; inside write `\\\"` in double and `''` in single quotes",
        )
}

fn tab(source: &Source, stop: &Stop, line: &Line<'_>) -> Diagnostic {
    let at = line.text.find('\t').map_or(stop.at, |tab| line.start + tab);
    let end = at + usize::from(source.text().as_bytes().get(at) == Some(&b'\t'));
    Diagnostic::error("plan::syntax::tab", source.span(at, end), "a tab stands in the indentation")
        .label("this is a tab")
        .help("indent with spaces, two for each level")
}

/// Reports what none of the traps explains.
fn grammar(source: &Source, stop: &Stop, kind: &ErrorKind, span: Span) -> Diagnostic {
    if let Some(open) = stop.open {
        let bracket = &source.text()[open..open + 1];
        let close = if bracket == "{" { "}" } else { "]" };
        return Diagnostic::error(
            "plan::syntax::bracket",
            source.span(open, open + 1),
            format!("the `{bracket}` is not closed, or its content is not a list of entries"),
        )
        .label("opened here")
        .also(span, "YAML stops here")
        .help(format!("separate entries with `, ` and close with `{close}`; quote values with any of `{{}}[],`"));
    }
    let (message, help) = match kind {
        ErrorKind::MappingValueNotAllowed => (
            "a `:` is not allowed here",
            "quote a value that holds `: `, and align keys of one mapping in one column",
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("text follows the closing quote", "quote the whole value")
        }
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("a bracket closes what was not opened", "remove it, or quote the value")
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed => (
            "the line does not fit the lines above it",
            "align keys of one mapping, and the `-` of one list, in one column; end a key with `: `",
        ),
        _ => ("this is not YAML", "quote the value if it is text"),
    };
    Diagnostic::error("plan::syntax::invalid", span, message).label("YAML stops here").help(help)
}

/// Returns whether the rest of the text cannot be trusted, because a quote may be open.
pub(super) fn is_quote(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar
    )
}

/// One line of the text.
struct Line<'s> {
    start: usize,
    text: &'s str,
}

impl<'s> Line<'s> {
    fn at(source: &'s Source, at: usize) -> Line<'s> {
        let text = source.text();
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        Line { start, text: text[start..].lines().next().unwrap_or("") }
    }

    /// Returns the line from byte `at` on.
    fn rest(&self, at: usize) -> &'s str {
        self.text.get(at - self.start..).unwrap_or("").trim_end()
    }

    /// Returns the line without what stands in quotes: those bytes are blanks.
    fn bare(&self) -> String {
        let mut open = None;
        let blank = |c: char| " ".repeat(c.len_utf8());
        let mut bare = String::with_capacity(self.text.len());
        let mut before = ' ';
        for c in self.text.chars() {
            match open {
                Some(quote) => {
                    if c == quote && before != '\\' {
                        open = None;
                    }
                    bare.push_str(&blank(c));
                }
                None if matches!(c, '"' | '\'') && " [{,:".contains(before) => {
                    open = Some(c);
                    bare.push(' ');
                }
                None => bare.push(c),
            }
            before = c;
        }
        bare
    }

    /// Reports a template that stands in the line without quotes.
    fn template(&self, source: &Source) -> Option<Diagnostic> {
        let bare = self.bare();
        let open = bare.find("{{")?;
        let close = open + bare[open..].find("}}")? + 2;
        let lo = bare[..open].rfind([' ', '[', '{']).map_or(0, |at| at + 1);
        let tail = bare[close..].find([' ', ',', '}', ']']).unwrap_or(bare.len() - close);
        Some(template_error(source, self.start + lo, self.start + close + tail))
    }

    /// Reports `> 100ms` without quotes inside brackets.
    fn comparison(&self, source: &Source, stop: &Stop) -> Option<Diagnostic> {
        stop.open?;
        let bare = self.bare();
        let lo = bare.find(": >")? + 2;
        let end = bare[lo..].find([',', '}', ']']).unwrap_or(bare.len() - lo);
        let value = bare[lo..lo + end].trim_end();
        let lo = self.start + lo;
        Some(unquoted_comparison(value, source.span(lo, lo + value.len())))
    }

    /// Reports a JSONPath without quotes inside brackets, where its own brackets end it.
    fn path(&self, source: &Source, stop: &Stop) -> Option<Diagnostic> {
        stop.open?;
        let bare = self.bare();
        let lo = bare.find("$.").or_else(|| bare.find("$["))?;
        let bracket = lo + bare[lo..].find('[')?;
        let end = bare[bracket..].find([' ', ',', '}']).unwrap_or(bare.len() - bracket);
        let path = &bare[lo..bracket + end];
        Some(
            Diagnostic::error(
                "plan::yaml::path",
                source.span(self.start + lo, self.start + bracket + end),
                format!("`{path}` needs quotes inside braces"),
            )
            .label("YAML reads its `[` as the start of a list")
            .help(format!("write `\"{path}\"`")),
        )
    }
}
