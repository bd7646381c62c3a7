//! (pure) What YAML did with a text that meant something else, said in the plan's words.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::cause::Cause;
use super::layout;
use super::unquoted;
use super::yaml::Stop;
use crate::diagnostic::{Diagnostic, Edit, nearest};
use crate::source::{Source, Span};

/// Reports an unquoted template that begins at byte `at`; `flow` when it stands inside brackets.
pub(super) fn bare_template(source: &Source, at: usize, flow: bool) -> Diagnostic {
    let line = source.text().get(at..).unwrap_or("").lines().next().unwrap_or("");
    let length = line.find("}}").map_or(line.len(), |end| end + 2);
    template_error(source, source.span(at, at + length), flow)
}

fn template_error(source: &Source, span: Span, flow: bool) -> Diagnostic {
    let value = value_at(source, span.lo as usize, flow);
    let text = source.slice(value.unwrap_or(span));
    let found = Diagnostic::error(
        "plan::yaml::template",
        value.unwrap_or(span),
        format!("`{text}` is a template without quotes"),
    )
    .label("YAML reads the braces as mappings");
    match value {
        Some(value) => quote_it(found, source, value),
        None => found.help("quote the whole value, for example `\"{{ vars.x }}\"`"),
    }
}

/// Returns the unquoted value around byte `at`.
fn value_at(source: &Source, at: usize, flow: bool) -> Option<Span> {
    let line = Line::at(source, at);
    let range = unquoted::value_at(line.text, flow, at - line.start)?;
    Some(source.span(line.start + range.start, line.start + range.end))
}

/// Says that the value at `span` needs quotes, and puts it into them.
fn quote_it(found: Diagnostic, source: &Source, span: Span) -> Diagnostic {
    let quoted = unquoted::quoted(source.slice(span));
    found.help(format!("write `{quoted}`")).fix(span, quoted)
}

/// Reports a second document in one text.
pub(super) fn second_document(span: Span) -> Diagnostic {
    Diagnostic::error("plan::syntax::documents", span, "a second document begins in this file")
        .label("begins here")
        .help("write one plan in each file, and remove the `---` between them")
}

/// Reports an alias whose anchor is nowhere before it.
pub(super) fn unknown_alias(name: &str, span: Span) -> Diagnostic {
    let found = Diagnostic::error(
        "plan::yaml::alias",
        span,
        format!("`*{name}` refers to an anchor that is not defined before it"),
    )
    .label("YAML reads a leading `*` as an alias")
    .help(format!("quote it if it is text: `\"*{name}\"`; or define `&{name}` before it"));
    // What no one would call an anchor is a pattern.
    let pattern = name.starts_with(|first: char| !first.is_alphanumeric() && first != '_');
    if pattern && !name.contains(['"', '\\']) {
        found.fix(span, format!("\"*{name}\""))
    } else {
        found
    }
}

/// Reports `&shop`, which marks nothing, in front of `span`.
pub(super) fn anchored_nothing(source: &Source, span: Span) -> Option<Diagnostic> {
    let (_, place) = anchor_before(source, span)?;
    let value = source.slice(place);
    let message = format!("`{value}` marks nothing");
    let found = Diagnostic::error("plan::syntax::anchor", place, message)
        .label("YAML reads a leading `&` as an anchor");
    Some(quote_it(found, source, place))
}

/// Returns the name of the anchor of the value at `span`.
pub(super) fn anchor_name(source: &Source, span: Span) -> Option<&str> {
    let (_, place) = anchor_before(source, span)?;
    source.slice(place).strip_prefix('&')
}

/// Asks whether one of `anchors`, to which nothing refers, was meant by the alias `*name`.
pub(super) fn suggest_anchor(found: &mut Diagnostic, name: &str, anchors: &[&str]) {
    if let Some(near) = nearest(name, anchors.iter().copied()) {
        let ours = format!("*{}", near.word);
        found.help = format!("did you mean `{ours}`?");
        found.fix.clear();
        if near.sure {
            found.fix.push(Edit { span: found.primary.span, text: ours });
        }
    }
}

/// Returns the text up to `span` from its anchor on, and where the anchor stands.
fn anchor_before(source: &Source, span: Span) -> Option<(&str, Span)> {
    let before = source.text().get(..span.lo as usize)?;
    let at = before.rfind('&')?;
    let name = before[at..].split_whitespace().next()?;
    Some((&before[at..], source.span(at, at + name.len())))
}

/// Reports the anchor of the value at `span`, to which nothing refers.
pub(super) fn unused_anchor(source: &Source, span: Span) -> Option<Diagnostic> {
    let (lead, place) = anchor_before(source, span)?;
    // With the blanks behind it, unless the value begins in the next line.
    let end = if lead.contains('\n') { place.hi } else { span.lo };
    let message = format!("nothing refers to the anchor `{}`", source.slice(place));
    Some(
        Diagnostic::warning("plan::syntax::anchor", place, message)
            .label("never used")
            .help("remove it, or refer to it with `*`; quote the value if it is text")
            .fix(Span { hi: end, ..place }, ""),
    )
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
    let found =
        Diagnostic::error("plan::yaml::tag", span, format!("`{text}` begins with a YAML tag"))
            .label("YAML reads a leading `!` as a tag");
    if text.starts_with("!=") && source.slice(span) == text {
        return quote_it(found, source, span);
    }
    found.help("quote the value if it is text; the plan language has no tags")
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
///
/// `item` says that the first key of a list's entry comes again, as where the dash of the next one is forgotten.
pub(super) fn duplicate_key(
    source: &Source,
    key: &str,
    second: Span,
    first: Span,
    item: bool,
) -> Diagnostic {
    let message = format!("`{key}` is written twice");
    let found = Diagnostic::error("plan::syntax::duplicate-key", second, message)
        .label("again here")
        .also(first, "first here");
    if !item {
        return found.help("keep one of the two");
    }
    let found = found.help(format!("begin the next entry with a dash, `- {key}: …`"));
    let lo = second.lo as usize;
    match lo.checked_sub(2).filter(|at| source.text().get(*at..lo) == Some("  ")) {
        Some(at) => found.fix(source.span(at, lo), "- "),
        None => found,
    }
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
    let ours = format!("{name}: {value}");
    Diagnostic::error("plan::yaml::space", span, format!("`{key}` has no space after the colon"))
        .label("YAML reads all of it as one key")
        .help(format!("write `{ours}`"))
        .fix(span, ours)
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
            .help(format!("quote it if it is the value: `{}`", unquoted::quoted(rest)))
            .fix(span, unquoted::quoted(rest)),
    )
}

/// Says why the text stops being YAML at `stop`, in words for the trap that it is if it is a known one.
pub(super) fn stopped(source: &Source, stop: &Stop, cause: &Cause) -> Diagnostic {
    match cause {
        Cause::Quote(at) => return quote(source, *at),
        Cause::Colon(range) => {
            return layout::no_colon(source, source.span(range.start, range.end));
        }
        Cause::Dash(at) => return layout::tight_dash(source, *at),
        Cause::Left { entry, value, by } => return layout::left(source, entry, *value, *by),
        Cause::Bracket(_) | Cause::Tab(_) | Cause::Here => {}
    }
    let line = Line::at(source, stop.at);
    let known = line.template(source, stop).or_else(|| line.path(source, stop));
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
            unquoted_comparison(
                source,
                source.span(stop.at, line.start + line.text.trim_end().len()),
                false,
            )
        }
        ErrorKind::UnexpectedCharacter { character: character @ ('@' | '`' | '%') } => {
            let value = value_at(source, stop.at, line.inside(stop));
            let value = value.filter(|value| value.lo as usize == stop.at);
            let span = value.unwrap_or(span);
            let found = Diagnostic::error(
                "plan::yaml::reserved",
                span,
                format!("a value cannot begin with `{character}` without quotes"),
            )
            .label(format!("YAML reserves a leading `{character}`"));
            quote_it(found, source, span)
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            escape(source, stop.at)
        }
        kind if is_tab(kind) => tab(source, cause.place().unwrap_or(stop.at)),
        ErrorKind::RecursionLimitExceeded => {
            error("plan::syntax::depth", "values are nested too deeply")
                .label("one level too many")
                .help("nest at most 64 levels; put a larger body into a file")
        }
        kind if is_quote(kind) => {
            let here = *kind == ErrorKind::UnclosedQuotedScalar;
            let opened = if here { None } else { text[..stop.at].rfind(['"', '\'']) };
            quote(source, opened.unwrap_or(stop.at))
        }
        kind => layout::comment(source, stop.at)
            .or_else(|| layout::right(source, stop))
            .unwrap_or_else(|| grammar(source, cause, kind, span)),
    }
}

fn unquoted_comparison(source: &Source, span: Span, flow: bool) -> Diagnostic {
    let value = value_at(source, span.lo as usize, flow).filter(|value| value.lo == span.lo);
    let span = value.unwrap_or(span);
    let message = format!("`{}` needs quotes", source.slice(span));
    let found = Diagnostic::error("plan::yaml::comparison", span, message)
        .label("YAML reads a leading `>` as the start of a folded text");
    quote_it(found, source, span)
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
    let found =
        Diagnostic::error("plan::yaml::escape", span, format!("`{text}` is no escape of YAML"))
            .label("in double quotes `\\` begins an escape")
            .help("use single quotes, in which `\\` stands for itself: `'id=(\\d+)'`");
    match single_quoted(&source.text()[at..]) {
        Some((length, ours)) => found.fix(source.span(at, at + length), ours),
        None => found,
    }
}

/// Returns the length of the text in double quotes at the start of `text`, and the same in single quotes.
///
/// `None` when a `\\` in it may be meant as an escape, and when it goes on in the next line.
fn single_quoted(text: &str) -> Option<(usize, String)> {
    let line = text.lines().next()?;
    let mut chars = line.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let (_, letter) = chars.next()?;
                // Classes of a regular expression, and what it escapes; `\b`, `\n` and `\t` are of both.
                if !"dDwWsSB.()[]{}+*?|^$/-".contains(letter) {
                    return None;
                }
            }
            '"' => return Some((at + 1, format!("'{}'", line[1..at].replace('\'', "''")))),
            _ => {}
        }
    }
    None
}

/// Reports the quoted text without an end that is opened at byte `at`.
fn quote(source: &Source, at: usize) -> Diagnostic {
    let text = source.text();
    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
    Diagnostic::error("plan::syntax::quote", source.span(at, end), "a quoted text is not closed")
        .label("opened here")
        .help(
            "close it with the same quote; inside write `\\\"` in double and `''` in single quotes",
        )
}

fn tab(source: &Source, at: usize) -> Diagnostic {
    let end = at + usize::from(source.text().as_bytes().get(at) == Some(&b'\t'));
    let found = Diagnostic::error(
        "plan::syntax::tab",
        source.span(at, end),
        "a tab stands in the indentation",
    )
    .label("this is a tab")
    .help("indent with spaces, two for each level");
    tabs_to_spaces(source, found)
}

/// Returns where the indentation of each line is, if all of it is tabs: then two spaces are the same structure.
pub(super) fn indented_by_tabs(text: &str) -> Option<Vec<Range<usize>>> {
    let mut leads = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty();
        if !blank && line[..lead].contains(' ') {
            return None;
        }
        if !blank && lead > 0 {
            leads.push(start..start + lead);
        }
        start += line.len();
    }
    Some(leads)
}

fn tabs_to_spaces(source: &Source, mut found: Diagnostic) -> Diagnostic {
    for lead in indented_by_tabs(source.text()).into_iter().flatten() {
        let spaces = "  ".repeat(lead.len());
        found = found.fix(source.span(lead.start, lead.end), spaces);
    }
    found
}

/// Reports what none of the traps explains.
fn grammar(source: &Source, cause: &Cause, kind: &ErrorKind, span: Span) -> Diagnostic {
    if let Cause::Bracket(open) = *cause {
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

/// Returns whether a tab is what keeps the text from being YAML.
pub(super) fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
    )
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

    /// Returns the line without what stands in quotes: those bytes are blanks.
    fn bare(&self) -> String {
        let mut open = None;
        let blank = |c: char| " ".repeat(c.len_utf8());
        let mut bare = String::with_capacity(self.text.len());
        let mut before = ' ';
        let mut escaped = false;
        for c in self.text.chars() {
            match open {
                Some(quote) => {
                    // Only double quotes know escapes.
                    let escape = quote == '"' && c == '\\' && !escaped;
                    if c == quote && !escaped {
                        open = None;
                    }
                    escaped = escape;
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
    fn template(&self, source: &Source, stop: &Stop) -> Option<Diagnostic> {
        let bare = self.bare();
        let open = bare.find("{{")?;
        let close = open + bare[open..].find("}}")? + 2;
        let span = source.span(self.start + open, self.start + close);
        Some(template_error(source, span, self.inside(stop)))
    }

    /// Returns whether the line begins inside brackets; one that is opened in the line does not count.
    fn inside(&self, stop: &Stop) -> bool {
        stop.open.is_some_and(|open| open < self.start)
    }

    /// Reports `> 100ms` without quotes inside brackets.
    fn comparison(&self, source: &Source, stop: &Stop) -> Option<Diagnostic> {
        stop.open?;
        let bare = self.bare();
        let lo = bare.find(": >")? + 2;
        let end = bare[lo..].find([',', '}', ']']).unwrap_or(bare.len() - lo);
        let end = self.start + lo + bare[lo..lo + end].trim_end().len();
        Some(unquoted_comparison(source, source.span(self.start + lo, end), self.inside(stop)))
    }

    /// Reports a JSONPath without quotes inside brackets, where its own brackets end it.
    fn path(&self, source: &Source, stop: &Stop) -> Option<Diagnostic> {
        stop.open?;
        let bare = self.bare();
        let lo = bare.find("$.").or_else(|| bare.find("$["))?;
        let bracket = lo + bare[lo..].find('[')?;
        let end = bare[bracket..].find([' ', ',', '}']).unwrap_or(bare.len() - bracket);
        // It may be a key.
        let end = lo + bare[lo..bracket + end].trim_end_matches(':').len();
        let span = source.span(self.start + lo, self.start + end);
        let value = value_at(source, self.start + lo, self.inside(stop));
        let span = value.filter(|value| value.lo == span.lo).unwrap_or(span);
        let message = format!("`{}` needs quotes inside braces", source.slice(span));
        let found = Diagnostic::error("plan::yaml::path", span, message)
            .label("YAML reads its `[` as the start of a list");
        Some(quote_it(found, source, span))
    }
}
