//! Trees of good texts, and what is said of bad ones.

use super::*;
use crate::source::FileId;

fn read(text: &str) -> (Source, Option<Tree>, Vec<(&'static str, String)>) {
    let source = Source::new(FileId(0), "p.yaml", text);
    let mut sink = Diagnostics::new();
    let tree = parse(&source, &mut sink);
    let found = sink.into_sorted();
    let found = found
        .iter()
        .map(|found| (found.code, source.slice(found.primary.span).to_owned()))
        .collect();
    (source, tree, found)
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).2.into_iter().map(|(code, _)| code).collect()
}

#[test]
fn spans_are_what_was_written() {
    let (source, tree, found) = read("a:\n  - 'x'\n  - {b: [1, 2]}\n\n# c\nd:\n");
    assert_eq!(found, []);
    let tree = tree.unwrap();
    let slice = |pointer: &str| source.slice(tree.pointer(pointer).unwrap().node.span());
    assert_eq!(slice("/a"), "- 'x'\n  - {b: [1, 2]}");
    assert_eq!(slice("/a/0"), "'x'");
    assert_eq!(slice("/a/1/b"), "[1, 2]");
    assert_eq!(slice("/d"), "");
    assert_eq!(*tree.pointer("/d").unwrap().node.kind(), Kind::Null);
}

#[test]
fn every_trap_has_its_own_code() {
    for (text, code, at) in [
        ("a: {{ vars.x }}\n", "plan::yaml::template", "{{ vars.x }}"),
        ("a: {{ vars.x }}/p\n", "plan::yaml::template", "{{ vars.x }}/p"),
        ("a: { get: /x/{{ vars.y }}, b: 1 }\n", "plan::yaml::template", "/x/{{ vars.y }}"),
        ("a: { json: $.items[0].id }\n", "plan::yaml::path", "$.items[0].id"),
        ("a: #orders\nb: 1\n", "plan::yaml::comment", "#orders"),
        ("a: > 100ms\nb: 1\n", "plan::yaml::comparison", "> 100ms"),
        ("a: { duration: > 100ms, b: 1 }\n", "plan::yaml::comparison", "> 100ms"),
        ("a: [{ b: >= 1 }]\n", "plan::yaml::comparison", ">= 1"),
        ("a: != 0\n", "plan::yaml::tag", "!= 0"),
        ("a: *.done\n", "plan::yaml::alias", "*.done"),
        ("a: @me\n", "plan::yaml::reserved", "@me"),
        ("a: \"id=(\\d+)\"\n", "plan::yaml::escape", "\\d"),
        ("a: {count:1}\n", "plan::yaml::space", "count:1"),
        ("a: 007\n", "plan::yaml::leading-zero", "007"),
        ("a: 1\na: 2\n", "plan::syntax::duplicate-key", "a"),
        ("a:\n\t- b\n", "plan::syntax::tab", "\t"),
        ("a: 1\n---\nb: 2\n", "plan::syntax::documents", "---"),
        ("a: &x [ *x ]\n", "plan::syntax::alias", "*x"),
        ("<<: 1\n", "plan::syntax::key", "<<"),
        ("? [a]\n: 1\n", "plan::syntax::key", "[a]"),
        ("a: [1, 2\nb: 3\n", "plan::syntax::bracket", "["),
        ("a: 'x\nb: 2\n", "plan::syntax::quote", "'"),
        ("a: b: c\n", "plan::syntax::invalid", ":"),
        ("# nothing\n", "plan::syntax::empty", "#"),
    ] {
        let found = read(text).2;
        let found: Vec<(&str, &str)> =
            found.iter().map(|(code, at)| (*code, at.as_str())).collect();
        assert_eq!(found.first(), Some(&(code, at)), "{text:?}: {found:?}");
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
    }
}

#[test]
fn a_key_without_its_colon_takes_what_is_below_it_along() {
    let (_, tree, found) = read("a:\n  b: { c: 1 }\nlast\n  t: { d: 2 }\nend: 3\n");
    assert_eq!(found, [("plan::syntax::invalid", "last".to_owned())]);
    let tree = tree.unwrap();
    assert!(tree.pointer("/a/b/c").is_some() && tree.pointer("/end").is_some());
    assert!(tree.pointer("/a/t").is_none(), "`t` belongs to `last`, which is broken");
}

#[test]
fn a_broken_entry_becomes_a_hole_and_the_rest_is_read() {
    let text = "steps:\n  - step: a\n    http: { get: /x/{{ y }} }\n  - step: b\n    wait: 1s\n\
                name: @me\nlast: [1\nend: 1\nend: 2\n";
    let (_, tree, found) = read(text);
    let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
    let expected = [
        "plan::yaml::template",
        "plan::yaml::reserved",
        "plan::syntax::bracket",
        "plan::syntax::duplicate-key",
    ];
    assert_eq!(codes, expected);
    let tree = tree.unwrap();
    let kind = |pointer: &str| tree.pointer(pointer).unwrap().node.kind().clone();
    assert_eq!(kind("/steps/0/http"), Kind::Hole);
    assert_eq!(kind("/steps/0/step"), Kind::Str { value: "a".to_owned(), plain: true });
    assert_eq!(kind("/steps/1/step"), Kind::Str { value: "b".to_owned(), plain: true });
    assert_eq!((kind("/name"), kind("/last")), (Kind::Hole, Kind::Hole));
    assert_eq!(kind("/end"), Kind::Int("1".to_owned()));
}

#[test]
fn a_line_in_the_wrong_column_costs_its_entry_alone() {
    let text =
        "steps:\n  - step: a\n    http: { get: / }\n   timeout: 5s\n  - step: b\n    wait: @x\n";
    let (_, tree, found) = read(text);
    let expected = [("plan::syntax::invalid", "t"), ("plan::yaml::reserved", "@x")];
    let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (*code, at.as_str())).collect();
    assert_eq!(found, expected);
    let tree = tree.unwrap();
    assert_eq!(*tree.pointer("/steps/0").unwrap().node.kind(), Kind::Hole);
    assert!(tree.pointer("/steps/1/step").is_some());
}

#[test]
fn at_most_ten_grammar_errors_are_reported() {
    let text: String = (0..30).map(|n| format!("k{n}: @x\n")).collect();
    assert_eq!(codes(&text), ["plan::yaml::reserved"; 10]);
}

#[test]
fn bombs_cost_nothing() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(codes(&bomb).contains(&"plan::syntax::alias"));
    assert_eq!(codes(&"[".repeat(10_000)), ["plan::syntax::depth"]);
    assert_eq!(codes(&format!("a: {}", "[".repeat(10_000))), ["plan::syntax::depth"]);
    let mut tower = String::from("a0: &a0 [x]\n");
    for level in 1..300 {
        tower.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(codes(&tower).contains(&"plan::syntax::alias"));
}

#[test]
fn any_bytes_are_survived() {
    arbtest::arbtest(|u| {
        let atoms = [
            "a: ", "- ", "\n", "  ", "{{", "}}", "[", "]", "{", "}", "'", "\"", "\\", "é", "#x",
            "*a", "&a ", "|\n", ">", "\t", "\r\n", "? ", ": ", ",", "!t ", "---\n", "0",
            "\u{feff}",
        ];
        let mut text = String::new();
        for _ in 0..u.int_in_range(0..=40)? {
            if u.ratio(1, 8)? {
                text.push(u.arbitrary::<char>()?);
            } else {
                text.push_str(u.choose(&atoms)?);
            }
        }
        let source = Source::new(FileId(0), "p.yaml", text);
        let mut sink = Diagnostics::new();
        let tree = parse(&source, &mut sink);
        assert!(tree.is_some() || !sink.is_clean());
        if let Some(tree) = tree {
            for at in 0..tree.elements.len() {
                let node = tree.node(ElementId(u32::try_from(at).unwrap()));
                let length = node.as_str().map_or(1, str::len);
                ValueMap::of(&source, node).span(0..length);
            }
        }
        for found in sink.into_sorted() {
            assert!(found.primary.span.hi as usize <= source.text().len());
            source.slice(found.primary.span);
        }
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn a_mistake_of_layout_is_one_finding_at_its_own_place() {
    for (text, code, place) in [
        ("name:shop\nseed: 1\n", "plan::syntax::invalid", "name:shop"),
        ("a: 1\nname = shop\nb: 2\n", "plan::syntax::invalid", "name = shop"),
        ("a: 1\nname：shop\nb: 2\n", "plan::syntax::invalid", "name：shop"),
        ("a:\n  buy\n    load: 1\n", "plan::syntax::invalid", "buy"),
        ("a:\n  -step: x\n    http: 1\nb: 2\n", "plan::syntax::invalid", "-step"),
        ("a:\n  buy:\n  load: 1\n    steps: 2\n", "plan::syntax::invalid", "load"),
        ("a:\n  - step: x\n      http: 1\n", "plan::syntax::invalid", "http"),
        ("a: 1\n// name\nb: 1\n", "plan::syntax::invalid", "// name"),
        ("a: { b:1, c:2 }\n", "plan::yaml::space", "b:1"),
        ("a:\n  <<: *b\n  c: 1\n", "plan::syntax::key", "<<"),
        ("a: &one 1\nb: *oen\n", "plan::yaml::alias", "*oen"),
        (
            "a: 1\n<<<<<<< x\nb: 1\n=======\nb: 2\n>>>>>>> y\n",
            "plan::syntax::conflict",
            "<<<<<<< x",
        ),
        ("{{- if .x }}\na: 1\n{{- end }}\n", "plan::yaml::template", "{{- if .x }}"),
        ("a: 1\n\u{a0}\u{a0}b:\n    c: 1\n", "plan::syntax::character", "\u{a0}\u{a0}"),
    ] {
        let (_, tree, found) = read(text);
        assert_eq!(found, [(code, place.to_owned())], "{text}");
        assert!(tree.is_some(), "{text}");
    }
}
