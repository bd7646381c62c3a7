//! Findings for people: the source line, labels, help. Where the terminal is asked what it can show.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use miette::{
    Diagnostic as Shown, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity as Level,
    SourceCode,
};

use super::excerpt::{CONTEXT_LINES, Excerpt};
use crate::Overrides;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Files, Source, Span};

/// Columns of the text around the source lines.
const WIDTH: usize = 100;

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
    let mut sources = vec![files.plan()];
    sources.extend(&overrides.var_file);
    write(&sources, diagnostics, Look::detect(), out)
}

/// Writes `diagnostics`, whose spans are in `sources`.
///
/// # Errors
/// Only those of `out`.
pub fn write(
    sources: &[&Source],
    diagnostics: &[Diagnostic],
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
        writeln!(out)?;
    }
    Ok(())
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
                let text = Some(label.message.clone());
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
        Report { found, excerpt, labels, help }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found.message)
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
