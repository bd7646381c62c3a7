//! Compiles every plan of `plans/` and holds each stage's output against `golden/<plan>/`.

#![expect(clippy::disallowed_methods, reason = "the test reads the plans that it holds to account")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use compiler::Overrides;
use compiler::artifact::{self, Artifact};
use compiler::cli::{self, Command, files};
use compiler::diagnostic::Diagnostics;
use compiler::exit::Exit;

use crate::golden;

/// Returns the example plans, sorted.
pub(crate) fn plans() -> Vec<PathBuf> {
    let entries = fs::read_dir(golden::repository().join("plans")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut plans: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    plans.sort();
    assert!(plans.len() >= 4, "the example plans are there");
    plans
}

pub(crate) fn compile(path: &Path) -> Artifact {
    let files = files::load_plan(path, None).unwrap();
    let mut sink = Diagnostics::new();
    let artifact = compiler::compile(&files, &Overrides::default(), &mut sink);
    let found = sink.into_sorted();
    assert!(found.is_empty(), "{}: {found:#?}", path.display());
    artifact.unwrap()
}

#[derive(Parser)]
struct Plan {
    #[command(subcommand)]
    command: Command,
}

/// Returns what `plan` with `args` writes to standard output.
fn plan(args: &[&str], path: &Path) -> Vec<u8> {
    let all = ["plan"].iter().chain(args).copied().chain([path.to_str().unwrap()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = cli::run(Plan::try_parse_from(all).unwrap().command, &mut out, &mut err);
    assert_eq!(exit, Exit::Passed, "{}", String::from_utf8_lossy(&err));
    out
}

#[test]
fn golden_plans_compile_to_the_same() {
    for path in plans() {
        let artifact = compile(&path);
        let folder = format!("golden/{}", artifact.plan);
        golden::check(&format!("{folder}/artifact.json"), &artifact::to_bytes(&artifact));
        golden::check(&format!("{folder}/explain.txt"), &plan(&["explain"], &path));
        for (format, file) in [("text", "txt"), ("mermaid", "mermaid"), ("dot", "dot")] {
            let drawn = plan(&["graph", "--format", format], &path);
            golden::check(&format!("{folder}/graph.{file}"), &drawn);
        }
        golden::check(
            &format!("{folder}/explain.json"),
            &plan(&["explain", "--format", "json"], &path),
        );
    }
}

#[test]
fn the_same_bytes_from_any_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let plans_there = elsewhere.path().join("deep/er");
    for inner in ["data", "parts", "parts/data"] {
        fs::create_dir_all(plans_there.join(inner)).unwrap();
        for path in fs::read_dir(golden::repository().join("plans").join(inner)).unwrap() {
            let path = path.unwrap().path();
            if path.is_file() {
                fs::copy(&path, plans_there.join(inner).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    for path in plans() {
        let copy = plans_there.join("renamed.yaml");
        fs::copy(&path, &copy).unwrap();
        assert_eq!(artifact::to_bytes(&compile(&path)), artifact::to_bytes(&compile(&copy)));
    }
}

#[test]
fn every_plan_opens_with_what_it_teaches() {
    for path in plans() {
        let text = fs::read_to_string(&path).unwrap();
        let opening: Vec<&str> = text.lines().take(3).collect();
        let is_comment = |line: &&str| line.starts_with("# ");
        assert!(opening.iter().all(is_comment), "{}: {opening:?}", path.display());
    }
}
