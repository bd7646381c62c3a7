//! Findings as workflow commands, which GitHub shows beside the changed lines.

use std::io::{self, Write};

use super::checked::{Finding, Region, word};

/// Writes `findings`, one line each.
pub(super) fn write(findings: &[Finding<'_>], out: &mut dyn Write) -> io::Result<()> {
    for one in findings {
        let (source, found) = (one.own(), one.found);
        let place = Region::of(source, found.primary.span);
        let name = property(source.name());
        let message = data(&format!("{}\n{}", found.message, found.help));
        write!(out, "::{} file={name},line={}", word(found.severity), place.line)?;
        write!(out, ",col={},endLine={}", place.column, place.end_line)?;
        // GitHub takes an end column only for a single line.
        if place.end_line == place.line {
            write!(out, ",endColumn={}", place.end_column)?;
        }
        writeln!(out, ",title={}::{message}", property(found.code))?;
    }
    Ok(())
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    // A log is shown on terminals too.
    text.replace(char::is_control, "\u{fffd}")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(property("a,b:c%"), "a%2Cb%3Ac%25");
        assert_eq!(data("a\nb: c"), "a%0Ab: c");
    }
}
