//! (pure) Lines that another tool should have taken out: marks of a merge, directives of text templates.

use std::ops::Range;

use super::recover::blank;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Source, Span};

/// Further places that are shown for one finding.
const SHOWN_MAX: usize = 4;

/// Words that begin a directive of a text template, behind `{{` or `{{-`.
const DIRECTIVES: [&str; 9] =
    ["if", "else", "end", "range", "with", "include", "define", "template", "block"];

/// Reports such lines and blanks them in `text`, of the same length.
pub(super) fn check(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    // Almost every text has none.
    if text.contains("<<<<<<< ") {
        merges(source, text, sink);
    }
    if text.contains("{{") {
        directives(source, text, sink);
    }
}

/// Reports each `<<<<<<<` … `=======` … `>>>>>>>`, and keeps what is between the first two.
fn merges(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    let mut open: Option<(Span, Option<Span>)> = None;
    let mut blanked: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let span = source.span(start, start + content.len());
        start += line.len();
        match (&mut open, content) {
            (None, _) if content.starts_with("<<<<<<< ") => open = Some((span, None)),
            (Some((_, theirs @ None)), _)
                if content == "=======" || content.starts_with("||||||| ") =>
            {
                *theirs = Some(span);
            }
            (Some((ours, Some(theirs))), _) if content.starts_with(">>>>>>> ") => {
                blanked.push(ours.lo as usize..ours.hi as usize);
                blanked.push(theirs.lo as usize..span.hi as usize);
                sink.push(merge(*ours, *theirs, span));
                open = None;
            }
            _ => {}
        }
    }
    blanked.iter().for_each(|range| blank(text, range));
}

fn merge(ours: Span, theirs: Span, end: Span) -> Diagnostic {
    Diagnostic::error("plan::syntax::conflict", ours, "a merge is not finished here")
        .label("one version begins")
        .also(theirs, "the other version begins")
        .also(end, "ends here")
        .help("keep one of the two versions, and remove these lines")
}

/// Reports lines such as `{{- if .Values.x }}`, all in one finding.
fn directives(source: &Source, text: &mut String, sink: &mut Diagnostics) {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if is_directive(content) {
            let lo = start + line.len() - line.trim_start().len();
            lines.push(lo..lo + content.len());
        }
        start += line.len();
    }
    let Some((first, more)) = lines.split_first() else { return };
    let span = |range: &Range<usize>| source.span(range.start, range.end);
    let message = format!("`{}` is no template of a plan", source.slice(span(first)));
    let mut found = Diagnostic::error("plan::yaml::template", span(first), message)
        .label("a directive of a text template")
        .help("a plan is read as it is: put the text through the other tool first, or use `vars` and `environments`");
    for range in more.iter().take(SHOWN_MAX) {
        found = found.also(span(range), "as here");
    }
    sink.push(found);
    lines.iter().for_each(|range| blank(text, range));
}

fn is_directive(content: &str) -> bool {
    let Some(inside) = content.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
        return false;
    };
    let inside = inside.trim_matches('-').trim_start_matches(['#', '/']).trim();
    let word = inside.split_whitespace().next().unwrap_or("");
    DIRECTIVES.contains(&word) && !inside.contains("}}")
}
