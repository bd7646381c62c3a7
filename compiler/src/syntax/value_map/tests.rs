//! Every style of scalar, with both line ends, by hand and at random.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostics;
use crate::source::FileId;
use crate::syntax::{Kind, parse};

fn spans_of(text: &str, word: &str) -> Vec<String> {
    let source = Source::new(FileId(0), "p.yaml", text);
    let tree = parse(&source, &mut Diagnostics::new()).unwrap();
    let (_, node) = tree.root().entry("a").unwrap();
    let value = node.as_str().unwrap();
    let found = value.match_indices(word);
    found
        .map(|(at, word)| {
            let span = ValueMap::of(&source, node).span(at..at + word.len());
            source.slice(span).to_owned()
        })
        .collect()
}

#[test]
fn a_word_is_found_in_every_style() {
    for text in [
        "a: one WORD two\n",
        "a: one\n  WORD two\n",
        "a: 'it''s é WORD'\n",
        "a: \"\\u00e9\\t\\\"日 WORD\"\n",
        "a: \"one \\\n  WORD\"\n",
        "a: \"\\ud83d\\ude00 WORD\"\n",
        "a: |\n  one\n\n    WORD\n",
        "a: |+\n\n\n   é WORD\n\n",
        "a: >-\n  one\n  two\n\n    deep\n  WORD\n",
        "a: >2\n    WORD\n  x\n",
        "a: |2-\n    x\n  WORD",
        "a:\n  # first\n  |\n  WORD\n",
    ] {
        assert_eq!(spans_of(text, "WORD"), ["WORD"], "{text:?}");
        let windows = text.replace('\n', "\r\n");
        assert_eq!(spans_of(&windows, "WORD"), ["WORD"], "{windows:?}");
    }
}

#[test]
fn a_character_maps_to_its_escape() {
    assert_eq!(spans_of("a: \"x\\u00e9y\"\n", "é"), ["\\u00e9"]);
    assert_eq!(spans_of("a: 'x''y'\n", "'"), ["''"]);
    assert_eq!(spans_of("a: \"x\\ty\"\n", "x\ty"), ["x\\ty"]);
}

#[test]
fn a_range_outside_the_value_is_the_whole_scalar() {
    let source = Source::new(FileId(0), "p.yaml", "a: 'xy'\n");
    let tree = parse(&source, &mut Diagnostics::new()).unwrap();
    let (_, node) = tree.root().entry("a").unwrap();
    assert_eq!(source.slice(ValueMap::of(&source, node).span(1..9)), "'xy'");
    assert_eq!(ValueMap::of(&source, node).span(2..2).lo, 6);
}

/// Checks that each character of each text in the plan knows its bytes.
fn check(text: &str) -> Result<usize, TestCaseError> {
    let source = Source::new(FileId(0), "p.yaml", text);
    let Some(tree) = parse(&source, &mut Diagnostics::new()) else { return Ok(0) };
    let mut seen = 0;
    for element in &tree.elements {
        let Kind::Str { value, .. } = &element.kind else { continue };
        let pieces = pieces(&source, element.span, value);
        let pieces = pieces.ok_or_else(|| TestCaseError::fail(format!("{text:?}: {value:?}")))?;
        let mut last = 0;
        for piece in pieces {
            prop_assert!(last <= piece.lo && piece.lo <= piece.hi);
            last = piece.lo;
            let raw = &text[piece.lo..piece.hi];
            if piece.what.is_alphanumeric() && !raw.starts_with('\\') {
                prop_assert_eq!(raw, piece.what.to_string());
            }
        }
        seen += 1;
    }
    Ok(seen)
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let atom = prop::sample::select(vec![
        "a", "é", "日", " ", "  ", "''", "\\\\", "\\n", "b:c", "\t", "x y",
    ]);
    let line = prop::collection::vec(atom, 0..5).prop_map(|atoms| atoms.concat());
    prop::collection::vec(line, 1..6)
}

proptest! {
    #[test]
    fn every_scalar_maps_exactly(
        lines in lines(),
        style in prop::sample::select(vec!["", "'", "\"", "|\n", "|-\n", "|+\n", ">\n", ">-\n", ">+\n"]),
        windows: bool,
        follower: bool,
    ) {
        let block = style.ends_with('\n');
        let quote = if block { "" } else { style };
        let body = lines.join("\n    ");
        let body = if style == "\"" { body } else { body.replace('\\', "/") };
        let lead = if block { "    " } else { "" };
        let mut text = format!("k: {style}{lead}z{body}{quote}");
        if follower {
            text.push_str("\nq: 1\n");
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        check(&text)?;
    }
}

#[test]
fn the_random_plans_are_readable() {
    for style in ["", "'", "\"", "|\n", ">-\n"] {
        let quote = style.trim_end_matches(['\n', '|', '>', '-']);
        let text = format!("k: {style}    za é\n\n    b{quote}\nq: 1\n");
        assert_eq!(check(&text).unwrap(), 1, "{text:?}");
    }
}
