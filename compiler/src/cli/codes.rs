//! `plan codes`: every diagnostic code with its one-line title.

use std::io::{self, Write};

use crate::code;

/// Writes all codes, sorted; `plan explain --code` has more of each.
pub(super) fn run(out: &mut dyn Write) -> io::Result<()> {
    let mut codes = code::all().collect::<Vec<_>>();
    codes.sort_by_key(|code| code.code);
    let width = codes.iter().map(|code| code.code.len()).max().unwrap_or(0);
    for code in codes {
        writeln!(out, "{:width$}  {}", code.code, code.title)?;
    }
    Ok(())
}
