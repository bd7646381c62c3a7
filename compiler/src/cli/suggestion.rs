//! (pure) A fix as two lines of the plan, as it is and as it would be.

use crate::diagnostic::Edit;
use crate::source::Source;

/// Columns in which line numbers stand, as in the excerpt above.
const NUMBER_COLUMNS: usize = 6;

/// Characters kept before the change in a line that is too long.
const LEAD_CHARS: usize = 20;

/// Returns the lines that show `fix`, at most `width` columns; nothing for a change of several lines or of several places.
pub(super) fn lines(source: &Source, fix: &[Edit], width: usize) -> Vec<String> {
    let [edit] = fix else { return Vec::new() };
    let (old, new) = (source.slice(edit.span), edit.text.as_str());
    if edit.span.file != source.id() || old.contains('\n') || new.contains('\n') {
        return Vec::new();
    }
    let number = source.place(edit.span.lo).line;
    let start = source.line_start(number as usize - 1) as usize;
    let end = source.line_start(number as usize) as usize;
    let (lo, hi) = (edit.span.lo as usize, edit.span.hi as usize);
    let text = source.text();
    let before = text.get(start..lo).unwrap_or("");
    let after = text.get(hi..end.max(hi)).unwrap_or("");
    let after = after.split(['\r', '\n']).next().unwrap_or("");
    let room = width.saturating_sub(NUMBER_COLUMNS + 3);
    let line = |sign: char, middle: &str| {
        let whole = format!("{before}{middle}{after}");
        // No more is left out before the change than must be.
        let surplus = whole.chars().count().saturating_sub(room);
        let skipped = before.chars().count().saturating_sub(LEAD_CHARS).min(surplus);
        let skipped = if skipped > 0 { skipped + 1 } else { 0 };
        let mut shown: String = if skipped > 0 { "…".to_owned() } else { String::new() };
        let kept = room.saturating_sub(usize::from(skipped > 0) + 1);
        let mut chars = whole.chars().skip(skipped);
        shown.extend(chars.by_ref().take(kept));
        let rest: Vec<char> = chars.take(2).collect();
        match rest.as_slice() {
            [only] => shown.push(*only),
            [] => {}
            _ => shown.push('…'),
        }
        // An escape sequence in a plan must not reach the terminal; a tab must be seen.
        let seen = shown.replace('\t', "→").replace(char::is_control, "\u{fffd}");
        format!("{number:>NUMBER_COLUMNS$} {sign} {}", seen.trim_end())
    };
    vec![line('-', old), line('+', new)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn both_lines_are_clipped_around_the_change() {
        let text = format!("a: 1\nb: {}é: {}\n", "x".repeat(300), "y".repeat(300));
        let source = Source::new(FileId(0), "p.yaml", text);
        let span = source.span(308, 310);
        let shown = lines(&source, &[Edit { span, text: "ä".to_owned() }], 80);
        assert_eq!(shown.len(), 2);
        for (line, letter) in shown.iter().zip(["é", "ä"]) {
            assert!(line.chars().count() <= 80 && line.contains(letter), "{line}");
            assert!(line.starts_with("     2 "), "{line}");
        }
        let short = lines(&source, &[Edit { span: source.span(0, 1), text: "c".to_owned() }], 80);
        assert_eq!(short, ["     1 - a: 1", "     1 + c: 1"]);
    }
}
