//! `plan check --fix`: what was certainly meant is written, the rest is left, and a second time changes nothing.

#![expect(clippy::disallowed_methods, reason = "the test reads and writes the plans that it fixes")]

use std::fs;
use std::path::Path;

use clap::Parser;
use compiler::cli::fix::text_of;
use compiler::cli::{Command, judge, run};
use compiler::diagnostic::{Diagnostic, Severity};
use compiler::exit::Exit;

use crate::golden::repository;

const HEAD: &str = "version: 1\nname: shop\nvars: { peak: 10/s }\n\
    endpoints: { shop: { http: { base_url: http://127.0.0.1:8080 } } }\n";

/// A plan with one load and one step, written by hand so that each mistake fits into it.
fn plan(load: &str, step: &str) -> String {
    format!(
        "{HEAD}scenarios:\n  browse:\n    load:\n      open: [ {{ rate: \"{{{{ vars.peak }}}}\", for: 9s }} ]\n\
         {load}    steps:\n      - step: home\n{step}"
    )
}

fn found(text: &str) -> Vec<Diagnostic> {
    judge("p.yaml", text.as_bytes().to_vec(), Path::new("")).unwrap().1
}

/// Checks that fixing `wrong` in a plan gives `right`, which is a good plan.
#[track_caller]
fn fixes(text: &str, wrong: &str, right: &str) {
    assert!(text.contains(wrong), "{text}");
    assert!(!found(text).is_empty(), "{text}");
    let fixed = text_of("p.yaml", text.to_owned(), Path::new("")).unwrap();
    assert_eq!(fixed.text, text.replacen(wrong, right, 1));
    assert_eq!(found(&fixed.text), [], "{}", fixed.text);
}

#[test]
fn what_was_certainly_meant_is_written() {
    for (step, wrong, right) in [
        ("        htp: { get: / }\n", "htp", "http"),
        ("        \"htp\": { get: / }\n", "htp", "http"),
        (
            "        http: { get: /{{ vars.peak }}/x }\n",
            "/{{ vars.peak }}/x",
            "\"/{{ vars.peak }}/x\"",
        ),
        ("        http: { get: \"/{{ vars.paek }}\" }\n", "paek", "peak"),
        ("        http: { get: \"/{{ vars.peak | txt }}\" }\n", "txt", "text"),
        ("        http: { use: shpo, get: / }\n", "shpo", "shop"),
        ("        http: { get: / }\n        timeout: 5 sec\n", "5 sec", "5s"),
        ("        http: { get: / }\n        timeout: \"5 seconds\"\n", "\"5 seconds\"", "5s"),
        (
            "        http: { get: / }\n        expect:\n          duration: > 100ms\n",
            "> 100ms",
            "\"> 100ms\"",
        ),
        (
            "        http: { get: / }\n        expect: { duration: > 100ms, status: 200 }\n",
            "> 100ms",
            "\"> 100ms\"",
        ),
        (
            "        http: { get: / }\n        expect: { json: { \"$.n\": != 0 } }\n",
            "!= 0",
            "\"!= 0\"",
        ),
        (
            "        http: { get: / }\n        expect: { json: { $.n[0]: 1 } }\n",
            "$.n[0]",
            "\"$.n[0]\"",
        ),
        ("        http: { post: /, text: *.done }\n", "*.done", "\"*.done\""),
        ("        http: { post: /, text: @me }\n", "@me", "\"@me\""),
        ("        http:\n          post: /\n          text: #orders\n", "#orders", "\"#orders\""),
        (
            "        http: { get: / }\n        expect: { body: { matches: \"id=(\\d+)\" } }\n",
            "\"id=(\\d+)\"",
            "'id=(\\d+)'",
        ),
        ("        http: { get: /, query: {page:1} }\n", "page:1", "page: 1"),
        ("        http: { get: / }\n      - step: rest\n        think: 1s\n", "think", "wait"),
    ] {
        fixes(&plan("", step), wrong, right);
    }
    let step = "        http: { get: / }\n";
    for (load, wrong, right) in [
        ("    gracefulStop: 5s\n", "gracefulStop", "graceful_stop"),
        ("    runs_on: [defualt]\n", "defualt", "default"),
    ] {
        fixes(&plan(load, step), wrong, right);
    }
    let rated = plan("", step)
        .replace("\"{{ vars.peak }}\"", "10rps")
        .replace("vars: { peak: 10/s }\n", "");
    fixes(&rated, "10rps", "10/s");
}

#[test]
fn an_alias_in_a_template_without_quotes_is_not_what_is_fixed() {
    let vars = "vars:\n  base: &base 1\n  peak: 10/s\n  b: {{ *bas }}\n";
    let text = plan("", "        http: { get: / }\n").replace("vars: { peak: 10/s }\n", vars);
    let fixed = text_of("p.yaml", text, Path::new("")).unwrap();
    assert!(fixed.text.contains("b: \"{{ *bas }}\""), "{}", fixed.text);
}

#[test]
fn tabs_become_spaces_where_all_indentation_is_tabs() {
    let good = plan("", "        http: { get: / }\n")
        .replace("      - step: home\n        http", "      -\n        step: home\n        http");
    let tabs: String = good
        .split_inclusive('\n')
        .map(|line| {
            let lead = line.len() - line.trim_start_matches(' ').len();
            format!("{}{}", "\t".repeat(lead / 2), line.trim_start_matches(' '))
        })
        .collect();
    let seen = found(&tabs);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    let fixed = text_of("p.yaml", tabs, Path::new("")).unwrap();
    assert_eq!((fixed.text, fixed.fixes), (good, 1));
    // Among spaces the width of a tab is not known.
    let mixed = plan("", "\thttp: { get: / }\n");
    assert_eq!(text_of("p.yaml", mixed.clone(), Path::new("")).unwrap().text, mixed);
    assert_eq!(found(&mixed).len(), 1, "{:#?}", found(&mixed));
}

#[test]
fn golden_rejected_plans_get_no_worse_and_a_second_time_changes_nothing() {
    let folder = repository().join("golden/rejected");
    let mut fixed_plans = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let errors = |text: &str| {
            let (_, found) = judge("p.yaml", text.as_bytes().to_vec(), &folder).unwrap();
            found.iter().filter(|found| found.severity == Severity::Error).count()
        };
        let (_, before) = judge("p.yaml", text.as_bytes().to_vec(), &folder).unwrap();
        let fixable = before.iter().filter(|found| !found.fix.is_empty()).count();
        let fixed = text_of("p.yaml", text.clone(), &folder).unwrap();
        assert_eq!(fixed.fixes > 0, fixable > 0, "{}", path.display());
        assert!(errors(&fixed.text) <= errors(&text), "{}\n{}", path.display(), fixed.text);
        let again = text_of("p.yaml", fixed.text.clone(), &folder).unwrap();
        assert_eq!((again.fixes, &again.text), (0, &fixed.text), "{}", path.display());
        fixed_plans += usize::from(fixable > 0);
    }
    assert!(fixed_plans > 15, "{fixed_plans}");
}

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

fn check_fix(path: &Path) -> (Exit, String) {
    let words = ["plan", "check", "--fix", &path.display().to_string()].map(str::to_owned);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(Program::try_parse_from(words).unwrap().command, &mut out, &mut err);
    (exit, String::from_utf8(err).unwrap())
}

#[test]
fn files_are_replaced_with_their_mode_and_good_ones_are_not_touched() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    let good = plan("", "        http: { get: / }\n");
    fs::write(
        &path,
        good.replace("http: { get", "htp: { get").replace("name: shop", "nmae: @shop"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (exit, err) = check_fix(&path);
    assert_eq!(exit, Exit::Rejected, "{err}");
    assert!(err.starts_with("fixed 3 problems in "), "{err}");
    assert!(err.contains("`@shop` is not a name"), "{err}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&path).unwrap(), good.replace("name: shop", "name: \"@shop\""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::write(&path, &good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    let (exit, err) = check_fix(&path);
    assert_eq!((exit, err.as_str()), (Exit::Passed, "checked 1 file: 0 errors, 0 warnings\n"));
}

#[test]
fn a_file_that_must_not_be_written_is_left_and_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    let wrong = plan("", "        htp: { get: / }\n");
    fs::write(&path, &wrong).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    let (exit, err) = check_fix(&path);
    assert_eq!(exit, Exit::Usage, "{err}");
    assert!(err.contains("cannot write") && err.contains("unknown-key"), "{err}");
    assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
}
