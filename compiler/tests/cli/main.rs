//! Transcripts of the built `plan`: each file in `transcripts` holds commands and what they must answer.
//!
//! After `$ plan …` come the standard output, then the standard error behind `! `, then `[exit N]`. A new case is a
//! new line `$ plan …` in a file; `UPDATE_GOLDEN=1` fills in the rest.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test that needs it")]

#[path = "../it/sample.rs"]
mod sample;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use compiler::artifact::to_bytes;

/// Makes a folder with everything that transcripts name: the files of `plans`, and artifacts whole and broken.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes = to_bytes(&sample::artifact());
    let text = String::from_utf8(bytes.clone()).unwrap();
    let edited = text.replace("\"max_in_flight\": 300", "\"max_in_flight\": 301");
    assert_ne!(edited, text);
    fs::write(folder.path().join("artifact.json"), &bytes).unwrap();
    fs::write(folder.path().join("edited.json"), edited).unwrap();
    fs::write(folder.path().join("cut.json"), &bytes[..2_000]).unwrap();
    fs::write(folder.path().join("newer.json"), text.replacen("\": 1,", "\": 2,", 1)).unwrap();
    fs::write(folder.path().join("binary.yaml"), b"version: 1\nname: \xff\n").unwrap();
    for path in listed(&tests_folder().join("plans")) {
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compiler/tests/cli")
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Runs one line of a transcript in `folder` and returns how it belongs into the file.
fn answer(line: &str, folder: &Path) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["$", "plan", args @ ..] = words.as_slice() else {
        panic!("`{line}` does not begin with `$ plan`");
    };
    let output = Command::new(env!("CARGO_BIN_EXE_plan"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let mut text = format!("{line}\n");
    text.push_str(&String::from_utf8(output.stdout).unwrap());
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        writeln!(text, "{}", format!("! {line}").trim_end()).unwrap();
    }
    writeln!(text, "[exit {}]", output.status.code().unwrap()).unwrap();
    text
}

#[test]
fn golden_transcripts_hold() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut stale = Vec::new();
    for path in listed(&tests_folder().join("transcripts")) {
        let folder = stage();
        let written = fs::read_to_string(&path).unwrap();
        let commands: Vec<&str> = written.lines().filter(|line| line.starts_with("$ ")).collect();
        assert!(!commands.is_empty(), "{} runs nothing", path.display());
        let answers: Vec<String> =
            commands.into_iter().map(|line| answer(line, folder.path())).collect();
        let found = answers.join("\n");
        if update {
            fs::write(&path, &found).unwrap();
        } else if found != written {
            stale.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(stale.is_empty(), "other answers than written:\n{}", stale.join("\n"));
}

#[test]
fn arrivals_stop_when_the_reader_has_seen_enough() {
    let folder = stage();
    let mut child = Command::new(env!("CARGO_BIN_EXE_plan"))
        .args(["explain", "artifact.json", "--arrivals", "checkout", "--format", "json"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The read end is closed before anything is read.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn published_schemas_are_printed() {
    for document in ["plan", "artifact", "explain", "result"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_plan")).args(["schema", document]).output().unwrap();
        let path = format!("schemas/{document}.schema.json");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert_eq!(output.stdout, fs::read(file).unwrap(), "{document}");
    }
}
