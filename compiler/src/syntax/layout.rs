//! (pure) Words for lines that are laid out wrongly: a colon, a dash or a level that is not as YAML wants it.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::recover::heads;
use super::yaml::Stop;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

const CODE: &str = "plan::syntax::invalid";

/// Reports `post /orders`, `post:/orders`, `post = /orders` and `post` where a key and its value stand.
pub(super) fn no_colon(source: &Source, span: Span) -> Diagnostic {
    let line = source.slice(span);
    let found = |what: &str| {
        Diagnostic::error(CODE, span, format!("`{line}` has no {what}"))
            .label("not a key and its value")
    };
    let split = |mark: &str| {
        let (key, value) = line.split_once(mark)?;
        let (key, value) = (key.trim_end(), value.trim());
        (!key.contains(' ') && !value.is_empty()).then(|| format!("{key}: {value}"))
    };
    if let Some(ours) = split(":") {
        return found("space after the colon").help(format!("write `{ours}`")).fix(span, ours);
    }
    if let Some(ours) = split("：").or_else(|| split("= ")) {
        return found("colon with a space behind it")
            .help(format!("write `{ours}`"))
            .fix(span, ours);
    }
    match line.split_once(' ') {
        Some((key, value)) => found("colon").help(format!("write `{key}: {value}`")),
        None => found("colon")
            .help(format!("write `{line}:`, with what belongs to it behind or below it")),
    }
}

/// Reports `-step: home`, whose dash is at byte `at`.
pub(super) fn tight_dash(source: &Source, at: usize) -> Diagnostic {
    let line = source.text()[at..].lines().next().unwrap_or("").trim_end();
    let word = line.split_once(':').map_or(line, |(word, _)| word);
    let message = format!("`{word}` has no space after the dash");
    Diagnostic::error(CODE, source.span(at, at + word.len()), message)
        .label("YAML reads the dash as a part of the key")
        .help(format!("write `- {}`", line.trim_start_matches('-')))
        .fix(source.span(at + 1, at + 1), " ")
}

/// Reports that `entry` stands beside the key above it, whose value begins at byte `value`, instead of in it.
pub(super) fn left(source: &Source, entry: &Range<usize>, value: usize, by: usize) -> Diagnostic {
    let name = |text: &str| text.split_once(':').map_or(text, |(name, _)| name).trim().to_owned();
    let text = source.text();
    let start = text[..value].rfind('\n').map_or(0, |newline| newline + 1);
    let holder = text[start..value].trim();
    let (moved, above) = (name(&text[entry.clone()]), name(holder));
    let lo = value - holder.len();
    let message = format!("`{moved}` stands beside `{above}` and not in it");
    Diagnostic::error(CODE, source.span(entry.start, entry.start + moved.len()), message)
        .label("one level too far left")
        .also(source.span(lo, value.saturating_sub(1)), "has no value")
        .help(format!("indent `{moved}` by {by} more spaces, as the line below it"))
        .fix(source.span(entry.start, entry.start), " ".repeat(by))
}

/// Reports a comment as other languages write it, at the start of the line that holds byte `at`.
pub(super) fn comment(source: &Source, at: usize) -> Option<Diagnostic> {
    let text = source.text();
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or("").trim_end();
    let content = line.trim_start();
    let mark = ["//", "/*", "--", "<!--"].into_iter().find(|mark| content.starts_with(mark))?;
    let lo = start + line.len() - content.len();
    let message = format!("`{mark}` does not begin a comment");
    Some(
        Diagnostic::error(CODE, source.span(lo, lo + content.len()), message)
            .label("YAML reads this as text")
            .help("begin a comment with `#`"),
    )
}

/// Reports a key that is deeper than the key above it, although that one has a value.
pub(super) fn right(source: &Source, stop: &Stop) -> Option<Diagnostic> {
    if stop.kind != ErrorKind::MappingValueNotAllowed || stop.open.is_some() {
        return None;
    }
    let text = source.text();
    let start = text[..stop.at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let above = text[..start].trim_end();
    let above = &above[above.rfind('\n').map_or(0, |newline| newline + 1)..];
    let head = heads(line).into_iter().next().filter(|head| head.key)?;
    let over = heads(above).pop().filter(|over| over.key && over.column < head.column)?;
    // The error is the colon of the line's first key, or something else is wrong in it.
    if stop.at + 1 != start + head.value || above[over.value..].trim().is_empty() {
        return None;
    }
    let (name, holder) = (&line[head.column..head.value - 1], &above[over.column..over.value - 1]);
    let message = format!("`{name}` is indented deeper than `{holder}`, which has a value already");
    let lo = start + head.column;
    Some(
        Diagnostic::error(CODE, source.span(lo, lo + name.len()), message)
            .label("one level too far right")
            .help(format!("write `{name}` and `{holder}` in one column")),
    )
}
