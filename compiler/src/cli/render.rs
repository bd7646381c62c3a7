//! Findings for people: the source line, labels, help. Where the terminal is asked what it can show.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use miette::{
    Diagnostic as Shown, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity as Level,
    SourceCode,
};

use super::excerpt::{CONTEXT_LINES, Excerpt};
use super::suggestion;
use crate::Overrides;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Files, Source, Span};

/// Columns of the text around the source lines.
const WIDTH: usize = 100;

/// Findings that are shown to people; the machine formats hold all.
const SHOWN_MAX: usize = 200;

/// How findings look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns at which messages and help are wrapped.
    pub width: usize,
    /// Whether to use colours.
    pub colour: bool,
    /// Whether to use line-drawing characters.
    pub lines: bool,
}

impl Look {
    /// Returns what standard error can show: colours only on a terminal that has them and when `NO_COLOR` is not set.
    #[expect(clippy::disallowed_methods, reason = "how findings look is asked of the terminal")]
    pub fn detect() -> Look {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let unwanted = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal();
        Look { width: WIDTH, colour: terminal && !dumb && !unwanted, lines: !dumb }
    }

    /// Returns the look of files that are compared byte by byte: no colour.
    pub fn plain(width: usize) -> Look {
        Look { width, colour: false, lines: true }
    }
}

/// Writes what was found in a plan for people, to a terminal or a file.
///
/// # Errors
/// Only those of `out`.
pub fn render(
    files: &Files,
    overrides: &Overrides,
    diagnostics: &[Diagnostic],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sources: Vec<&Source> = files.sources().collect();
    sources.extend(&overrides.var_file);
    let shown = shown(diagnostics, |found| found.severity);
    let more = diagnostics.len() - shown.len();
    write(&sources, shown, Look::detect(), out)?;
    match more {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more; `plan check --format json` has every one\n"),
    }
}

/// Returns the findings that are shown of `found`: all, or of too many the errors first.
pub(super) fn shown<T>(found: &[T], severity: impl Fn(&T) -> Severity) -> Vec<&T> {
    if found.len() <= SHOWN_MAX {
        return found.iter().collect();
    }
    let severity = &severity;
    let of = |wanted| found.iter().filter(move |one| severity(one) == wanted);
    of(Severity::Error).chain(of(Severity::Warning)).take(SHOWN_MAX).collect()
}

/// Writes `diagnostics`, whose spans are in `sources`.
///
/// # Errors
/// Only those of `out`.
pub fn write<'d>(
    sources: &[&Source],
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let theme = match look {
        Look { colour: true, .. } => GraphicalTheme::unicode(),
        Look { lines: true, .. } => GraphicalTheme::unicode_nocolor(),
        _ => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width)
        .with_context_lines(CONTEXT_LINES)
        .with_links(false)
        // What stands in backticks must not be broken inside a word.
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .without_syntax_highlighting()
        .with_primary_span_start();
    for found in diagnostics {
        let mut text = String::new();
        let report = Report::new(sources, found);
        handler.render_report(&mut text, &report).map_err(|_| io::Error::other("cannot render"))?;
        // Lines that end in blanks differ between editors; nothing needs them.
        for line in text.trim_end().lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        if let Some(source) = source_of(sources, found.primary.span) {
            for line in suggestion::lines(source, &found.fix, look.width) {
                writeln!(out, "{line}")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Returns `text` without control characters: what a plan says must not command the terminal.
fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

/// Returns the source that `span` is in.
pub(super) fn source_of<'s>(sources: &[&'s Source], span: Span) -> Option<&'s Source> {
    sources.iter().copied().find(|source| source.id() == span.file)
}

/// A finding as the renderer takes it.
#[derive(Debug)]
struct Report<'d> {
    found: &'d Diagnostic,
    excerpt: Option<Excerpt<'d>>,
    labels: Vec<LabeledSpan>,
    help: String,
}

impl<'d> Report<'d> {
    fn new(sources: &[&'d Source], found: &'d Diagnostic) -> Report<'d> {
        let span = found.primary.span;
        let source = source_of(sources, span);
        let all = || std::iter::once(&found.primary).chain(&found.more);
        let here: Vec<_> = all().filter(|label| label.span.file == span.file).collect();
        let spans: Vec<Span> = here.iter().map(|label| label.span).collect();
        let excerpt = source.map(|source| Excerpt::new(source, &spans));
        let mut labels = Vec::new();
        if let Some(excerpt) = &excerpt {
            for (at, label) in here.iter().enumerate() {
                let place = excerpt.place(label.span);
                let text = Some(harmless(&label.message));
                labels.push(match at {
                    0 => LabeledSpan::new_primary_with_span(text, place),
                    _ => LabeledSpan::new_with_span(text, place),
                });
            }
        }
        let mut help = found.help.clone();
        for label in found.more.iter().filter(|label| label.span.file != span.file) {
            if let Some(source) = source_of(sources, label.span) {
                let place = source.place(label.span.lo);
                let (name, line, column) = (source.name(), place.line, place.column);
                help.push_str(&format!("\n{name}:{line}:{column}: {}", label.message));
            }
        }
        Report { found, excerpt, labels, help: harmless(&help) }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.found.message))
    }
}

impl std::error::Error for Report<'_> {}

impl Shown for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.found.code))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.found.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn rendered(text: &str, found: Diagnostic) -> String {
        let source = Source::new(FileId(0), "p.yaml", text);
        let mut out = Vec::new();
        write(&[&source], [&found], Look::plain(80), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_of_a_plan_commands_the_terminal() {
        let span = Span { file: FileId(0), lo: 0, hi: 2 };
        let found = Diagnostic::error("plan::x", span, "`\u{1b}[2J` is\u{7} odd")
            .label("\u{1b}")
            .help("write `\u{9b}`");
        let elsewhere = Span { file: FileId(1), lo: 0, hi: 1 };
        let found = found.also(elsewhere, "includes `\u{1b}[2J`");
        let sources = ["p.yaml", "part\u{1b}.yaml"].into_iter().zip(0..);
        let sources = sources.map(|(name, id)| Source::new(FileId(id), name, "a\u{1b}[31m: 1\n"));
        let sources: Vec<Source> = sources.collect();
        let mut out = Vec::new();
        write(&sources.iter().collect::<Vec<_>>(), &[found], Look::plain(80), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("includes"), "{text:?}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn columns_count_characters_and_the_end_is_visible() {
        let span = Span { file: FileId(0), lo: 8, hi: 8 };
        let text = rendered("é: \"日\"\n", Diagnostic::error("plan::x", span, "m").label("end"));
        assert!(text.contains("[p.yaml:1:6]"), "{text}");
        assert!(text.contains("╰── end"), "{text}");
    }

    #[test]
    fn of_too_many_findings_the_errors_are_shown() {
        let mut found = vec![Severity::Warning; SHOWN_MAX];
        assert_eq!(shown(&found, |one| *one).len(), SHOWN_MAX);
        found.push(Severity::Error);
        let shown = shown(&found, |one| *one);
        assert_eq!((shown.len(), *shown[0]), (SHOWN_MAX, Severity::Error));
    }

    #[test]
    fn labels_far_apart_show_both_places() {
        let plan: String = (0..50).map(|n| format!("k{n}: 1\n")).collect();
        let source = Source::new(FileId(0), "p.yaml", plan.as_str());
        let at = |line| Span {
            file: FileId(0),
            lo: source.line_start(line),
            hi: source.line_start(line) + 2,
        };
        let found = Diagnostic::error("plan::x", at(40), "m").label("second").also(at(3), "first");
        let text = rendered(&plan, found);
        assert!(text.contains("k3: 1") && text.contains("k40: 1") && !text.contains("k20: 1"));
        assert!(text.contains("[p.yaml:41:1]") && text.contains("[p.yaml:4:1]"), "{text}");
    }
}
