//! (pure) A difference for people: lines for a terminal, a table for a pull request.

use std::io::{self, Write};

use super::{Change, Difference, Kind, more};
use crate::explain::label::{clipped, number};

/// Longest value that is shown, in characters; the JSON form has all of it.
const VALUE_MAX: usize = 120;

/// Characters of a digest that are shown: its function and twelve digits.
const DIGEST_SHOWN: usize = 19;

/// Characters that two long values share before the place where they differ and that are still shown.
const SHARED_SHOWN: usize = 12;

/// Writes one line for each change.
///
/// # Errors
/// Only those of `out`.
pub fn human(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    if difference.equal {
        return writeln!(out, "no difference");
    }
    for change in &difference.changes {
        writeln!(out, "{}", line(change))?;
    }
    writeln!(out)?;
    writeln!(out, "{}", totals(difference))
}

/// Writes a summary line and a table, for a comment on a pull request.
///
/// # Errors
/// Only those of `out`.
pub fn markdown(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let plan = cell(&difference.new.plan);
    if difference.equal {
        return writeln!(out, "**Plan {plan}**: no difference");
    }
    writeln!(out, "**Plan {plan}**: {}", totals(difference))?;
    writeln!(out)?;
    writeln!(out, "| what | before | after | so |")?;
    writeln!(out, "|---|---|---|---|")?;
    for change in &difference.changes {
        let what = match (change.kind, change.label.as_str()) {
            (Kind::Changed, "") => change.subject.clone(),
            (Kind::Changed, label) => format!("{}: {label}", change.subject),
            (Kind::Added, _) => format!("{} added", change.subject),
            (Kind::Removed, _) => format!("{} removed", change.subject),
            (Kind::Renamed, _) => format!("{} renamed", change.subject),
        };
        let (old, new) = shown(change);
        let cells = [&what, &old.unwrap_or_default(), &new.unwrap_or_default(), &change.note];
        let cells = cells.map(|text| cell(text));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// Returns how much differs, and what that means for the number of arrivals.
fn totals(difference: &Difference) -> String {
    let (old, new) = (difference.old.arrivals, difference.new.arrivals);
    let count = difference.changes.len();
    let differences = if count == 1 { "difference" } else { "differences" };
    let arrivals = match more(old, new, "") {
        same if same.is_empty() && old == 0 => String::new(),
        same if same.is_empty() => format!(", {} arrivals as before", number(old)),
        more => format!(", {} → {} arrivals ({})", number(old), number(new), more.trim()),
    };
    format!("{count} {differences}{arrivals}")
}

fn line(change: &Change) -> String {
    let subject = &change.subject;
    let none = || "none".to_owned();
    let (old, new) = shown(change);
    let mut line = match change.kind {
        Kind::Added => format!("{subject}: added, {}", new.unwrap_or_default()),
        Kind::Removed => format!("{subject}: removed, {}", old.unwrap_or_default()),
        Kind::Renamed => format!("{subject}: renamed to {}", new.unwrap_or_default()),
        Kind::Changed => {
            let label = match change.label.as_str() {
                "" => String::new(),
                label => format!("{label} "),
            };
            format!("{subject}: {label}{} → {}", old.unwrap_or_else(none), new.unwrap_or_else(none))
        }
    };
    if !change.note.is_empty() {
        line.push_str(", ");
        line.push_str(&change.note);
    }
    line
}

/// Returns both values, cut where they are long: what differs stays in sight.
fn shown(change: &Change) -> (Option<String>, Option<String>) {
    let [old, new] = [&change.old, &change.new].map(|value| value.as_deref().map(short_digests));
    let (Some(old), Some(new)) = (&old, &new) else {
        let cut = |value: Option<String>| value.map(|value| clipped(&value, VALUE_MAX));
        return (cut(old), cut(new));
    };
    if old.chars().count().max(new.chars().count()) <= VALUE_MAX {
        return (Some(old.clone()), Some(new.clone()));
    }
    let shared = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    let skipped = shared.saturating_sub(SHARED_SHOWN);
    let cut = |value: &str| {
        let rest: String = value.chars().skip(skipped).collect();
        let lead = if skipped > 0 { "…" } else { "" };
        let end = match rest.char_indices().nth(VALUE_MAX) {
            Some((end, _)) => format!("{}…", &rest[..end]),
            None => rest,
        };
        format!("{lead}{end}")
    };
    (Some(cut(old)), Some(cut(new)))
}

/// Cuts digests to what tells contents apart.
fn short_digests(text: &str) -> String {
    let word = |word: &str| match word.starts_with("blake3:") {
        true => {
            let whole = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let shown: String = whole.chars().take(DIGEST_SHOWN).collect();
            format!("{shown}{}", &word[whole.len()..])
        }
        false => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Escapes a text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '\\' | '[' | ']' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '#' => escaped.push_str("&#35;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{cell, short_digests, shown};
    use crate::diff::Change;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b`c\n<d> @e"), "a\\|b\\`c &lt;d&gt; &#64;e");
    }

    #[test]
    fn what_follows_a_digest_stays() {
        let text = format!("digest blake3:{}, path a.csv", "0".repeat(64));
        assert_eq!(short_digests(&text), "digest blake3:000000000000, path a.csv");
    }

    #[test]
    fn long_values_show_where_they_differ() {
        let old = format!("{}old", "a".repeat(200));
        let new = format!("{}new", "a".repeat(200));
        let change = Change::value("x", "y", Some(old), Some(new));
        let (old, new) = shown(&change);
        assert_eq!(old.as_deref(), Some("…aaaaaaaaaaaaold"));
        assert_eq!(new.as_deref(), Some("…aaaaaaaaaaaanew"));
    }
}
