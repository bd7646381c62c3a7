//! The page about diagnostics: every code, its cause, a wrong and a right example.

use std::fmt::Write as _;

use compiler::code::{self, Code};

use super::Page;
use super::markdown::anchor;

pub(super) fn page() -> Page {
    let mut codes: Vec<&Code> = code::all().collect();
    codes.sort_by_key(|code| code.code);
    let mut text = String::from(
        "# Diagnostics\n\nEach finding of `plan check` has one of these codes; `plan explain --code CODE` prints what stands here. Below each is a plan\n\
         with that one mistake, and what is said of it.\n\n[All pages](README.md)\n\n| code | what is wrong |\n|---|---|\n",
    );
    for code in &codes {
        writeln!(text, "| [`{}`](#{}) | {} |", code.code, anchor(code.code), code.title).unwrap();
    }
    for code in codes {
        let file = code.code.trim_start_matches("plan::").replace("::", "-");
        writeln!(
            text,
            "\n## `{}`\n\n**{}**\n\n{}\n\n[A plan](../golden/rejected/{file}.yaml), \
             [what is said](../golden/rejected/{file}.txt)",
            code.code,
            code.title,
            code.explanation.trim(),
        )
        .unwrap();
    }
    Page { path: "docs/diagnostics.md".into(), text }
}
