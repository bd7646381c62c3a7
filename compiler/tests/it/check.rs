//! `plan check` as a command: which files it takes, what each format says, what the exit code means.

#![expect(clippy::disallowed_methods, reason = "the test writes the files that it checks")]

use std::fs;
use std::path::Path;

use clap::Parser;
use compiler::cli::{Command, run};
use compiler::exit::Exit;
use serde_json::Value;
use tempfile::TempDir;

const GOOD: &str = "version: 1\nname: shop\nendpoints: { shop: { http: { base_url: http://127.0.0.1:8080 } } }\n\
    scenarios:\n  browse:\n    load: { open: [ { rate: 10/s, for: 10s } ] }\n\
    \x20   steps: [ { step: home, http: { get: / } } ]\n";

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

fn plan(args: &[&str], paths: &[&Path]) -> (Exit, String, String) {
    let mut words = vec!["plan".to_owned()];
    words.extend(args.iter().map(|&arg| arg.to_owned()));
    words.extend(paths.iter().map(|path| path.display().to_string()));
    let program = Program::try_parse_from(words).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(program.command, &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// A folder with two rejected plans, a good one, and what is no plan.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("good.yaml", GOOD);
    write("a/wrong.yml", &GOOD.replace("rate: 10/s", "rte: 10/s").replace("get: /", "gt: é%"));
    write("broken.yaml", &GOOD.replace("name: shop", "name: @shop"));
    write("compose.yaml", "services: {}\n");
    write(".hidden/bad.yaml", "version: 1\nscenarios: 1\n");
    folder
}

#[test]
fn a_folder_reports_every_problem_of_every_plan() {
    let folder = folder();
    let (exit, out, err) = plan(&["check", "--format", "json"], &[folder.path()]);
    assert_eq!((exit, err.as_str()), (Exit::Rejected, ""));
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["format"], 1);
    assert_eq!((&document["files"], &document["errors"]), (&Value::from(3), &Value::from(3)));
    let found: Vec<(&str, &str, u64)> = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let file = found["file"].as_str().unwrap().rsplit('/').next().unwrap();
            (file, found["code"].as_str().unwrap(), found["line"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("wrong.yml", "plan::schema::unknown-key", 6),
        ("wrong.yml", "plan::schema::unknown-key", 7),
        ("broken.yaml", "plan::yaml::reserved", 2),
    ];
    assert_eq!(found, expected);
    assert_eq!(document["diagnostics"][0]["labels"][0]["column"], 23);
    // Keys in the contract's order make the document readable.
    assert!(out.starts_with("{\n  \"format\": 1,\n  \"files\": 3,"), "{out}");
}

#[test]
fn people_get_a_summary_last() {
    let folder = folder();
    let (exit, out, err) = plan(&["check"], &[folder.path()]);
    assert_eq!((exit, out.as_str()), (Exit::Rejected, ""));
    let last = err.lines().last().unwrap();
    assert_eq!(last, "checked 3 files: 3 errors, 0 warnings, 1 file skipped (no plan)");
    assert!(err.contains("broken.yaml:2:7"), "{err}");
    let (exit, _, err) = plan(&["check"], &[&folder.path().join("good.yaml")]);
    assert_eq!((exit, err.as_str()), (Exit::Passed, "checked 1 file: 0 errors, 0 warnings\n"));
}

#[test]
fn a_plan_that_is_too_large_is_a_finding() {
    let folder = folder();
    let large = folder.path().join("large.yaml");
    fs::write(&large, "#".repeat((16 << 20) + 1)).unwrap();
    let good = folder.path().join("good.yaml");
    let (exit, _, err) = plan(&["check"], &[&good, &large]);
    assert_eq!(exit, Exit::Rejected, "{err}");
    assert!(err.contains("plan::limit::exceeded") && err.contains("large.yaml:1:1"), "{err}");
    assert!(err.ends_with("checked 2 files: 1 error, 0 warnings\n"), "{err}");
}

#[test]
fn warnings_fail_only_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    fs::write(&path, GOOD.replace("name: shop\n", "name: shop\nvars: { unread: 1 }\n")).unwrap();
    let (exit, _, err) = plan(&["check"], &[&path]);
    assert_eq!(exit, Exit::Passed, "{err}");
    assert!(err.ends_with("checked 1 file: 0 errors, 1 warning\n"), "{err}");
    assert_eq!(plan(&["check", "--strict"], &[&path]).0, Exit::Rejected);
}

#[test]
fn sarif_and_github_name_place_and_code() {
    let folder = folder();
    let broken = folder.path().join("broken.yaml");
    let (_, out, _) = plan(&["check", "--format", "sarif"], &[&broken]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let run = &document["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "plan::yaml::reserved");
    let region = &run["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&Value::from(2), &Value::from(7)));
    let (_, out, _) = plan(&["check", "--format", "github"], &[&broken]);
    assert_eq!(out.lines().count(), 1);
    assert!(out.starts_with("::error file="), "{out}");
    assert!(out.contains(",line=2,col=7,endLine=2,endColumn=12,title="), "{out}");
}

#[test]
fn a_file_that_cannot_be_opened_does_not_hide_the_rest() {
    let folder = folder();
    let paths = [folder.path().join("absent.yaml"), folder.path().join("broken.yaml")];
    let (exit, out, err) = plan(&["check", "--format", "json"], &[&paths[0], &paths[1]]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("absent.yaml"), "{err}");
    assert!(out.contains("plan::yaml::reserved"), "{out}");
}

#[test]
fn schemas_and_codes_are_printed() {
    for document in ["plan", "artifact"] {
        let (exit, out, _) = plan(&["schema", document], &[]);
        assert_eq!(exit, Exit::Passed);
        let schema: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
    let (_, out, _) = plan(&["codes"], &[]);
    assert!(out.lines().is_sorted());
    assert_eq!(out.lines().count(), compiler::code::all().count());
}
