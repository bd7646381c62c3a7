//! Transcripts of the built `plan`: each file in `transcripts` holds commands and what they must answer.
//!
//! After `$ plan …` come the standard output, then the standard error behind `! `, then `[exit N]`. A new case is a
//! new line `$ plan …` in a file; `UPDATE_GOLDEN=1` fills in the rest.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test that needs it")]

#[path = "../it/sample.rs"]
mod sample;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use compiler::artifact::to_bytes;
use compiler::signature::SecretKey;

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
    private(&folder.path().join("ci.key"), &SecretKey::from_random(&[1; 32]));
    private(&folder.path().join("mine.key"), &SecretKey::from_random(&[2; 32]));
    let exposed = SecretKey::from_random(&[3; 32]).to_file_text();
    fs::write(folder.path().join("exposed.key"), exposed).unwrap();
    let public = |number: u8| SecretKey::from_random(&[number; 32]).public();
    fs::write(folder.path().join("ci.key.pub"), format!("{}\n", public(1))).unwrap();
    let both = format!("# who may sign\n{}\n{}\n", public(1), public(2));
    fs::write(folder.path().join("trusted.keys"), both).unwrap();
    fs::write(folder.path().join("binary.yaml"), b"version: 1\nname: \xff\n").unwrap();
    for path in listed(&tests_folder().join("plans")) {
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Writes a key that its owner alone can read.
fn private(path: &Path, key: &SecretKey) {
    fs::write(path, key.to_file_text()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
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

/// Runs `plan` in `folder`; returns its exit code and everything that it wrote.
fn plan(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plan"));
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_new_key_signs_and_is_never_shown() {
    let folder = stage();
    let (exit, printed) = plan(folder.path(), &["keygen"]);
    assert_eq!(exit, 0, "{printed}");
    let secret = fs::read_to_string(folder.path().join("volley.key")).unwrap();
    let secret = secret.lines().last().unwrap().strip_prefix("ed25519-secret:").unwrap();
    let public = fs::read_to_string(folder.path().join("volley.key.pub")).unwrap();
    assert_eq!(printed, public);
    let mode = fs::metadata(folder.path().join("volley.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (exit, again) = plan(folder.path(), &["keygen"]);
    assert_eq!(exit, 2, "a key is never written over: {again}");
    let sign = ["sign", "artifact.json", "--key", "volley.key"];
    let (exit, signed) = plan(folder.path(), &sign);
    assert_eq!(exit, 0, "{signed}");
    let verify = ["verify", "artifact.json", "--trust", "volley.key.pub"];
    let (exit, verified) = plan(folder.path(), &verify);
    assert_eq!(exit, 0, "{verified}");
    let (_, other) = plan(folder.path(), &["keygen", "-o", "other.key"]);
    assert_ne!(other, printed, "each key is another");
    let sig = fs::read_to_string(folder.path().join("artifact.json.sig")).unwrap();
    for text in [printed, again, signed, verified, sig] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_public_half_is_only_written_beside_its_own_secret() {
    let folder = stage();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(plan(folder.path(), &["keygen", "-o", "a.key"]).0, 0);
    fs::remove_file(path("a.key.pub")).unwrap();
    let secret = fs::read(path("a.key")).unwrap();
    assert_eq!(plan(folder.path(), &["keygen", "-o", "a.key"]).0, 2);
    assert!(!path("a.key.pub").exists() && fs::read(path("a.key")).unwrap() == secret);
    // What is in the way of the public half leaves no secret either.
    fs::write(path("b.key.pub"), "mine").unwrap();
    assert_eq!(plan(folder.path(), &["keygen", "-o", "b.key"]).0, 2);
    assert!(!path("b.key").exists());
    assert_eq!(fs::read_to_string(path("b.key.pub")).unwrap(), "mine");
}

#[test]
fn signing_keeps_lines_that_it_does_not_understand() {
    let folder = stage();
    let sig = folder.path().join("artifact.json.sig");
    let sign = ["sign", "artifact.json", "--key", "ci.key"];
    let newer = "{\"signature\":2,\"of\":\"a later version\"}\n";
    fs::write(&sig, newer).unwrap();
    let (exit, text) = plan(folder.path(), &sign);
    assert_eq!(exit, 95, "{text}");
    assert_eq!(fs::read_to_string(&sig).unwrap(), newer);
    fs::write(&sig, "\n\n").unwrap();
    let (exit, text) = plan(folder.path(), &sign);
    assert!(exit == 0 && !text.contains("dropped"), "an empty line is no signature: {text}");
}

#[test]
fn flags_that_change_plans_are_refused_where_there_is_none() {
    let folder = stage();
    let artifacts = ["diff", "artifact.json", "artifact.json", "--var", "x=1"];
    let (exit, text) = plan(folder.path(), &artifacts);
    assert!(exit == 2 && text.contains("give the plan"), "{exit}: {text}");
}

#[test]
fn a_signature_fits_neither_an_edited_nor_another_artifact() {
    let folder = stage();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(plan(folder.path(), &["compile", "shop.yaml", "-o", "shop.json"]).0, 0);
    for artifact in ["artifact.json", "shop.json"] {
        assert_eq!(plan(folder.path(), &["sign", artifact, "--key", "ci.key"]).0, 0);
    }
    let verify = ["verify", "artifact.json", "--trust", "ci.key.pub"];
    assert_eq!(plan(folder.path(), &verify).0, 0);
    let own = fs::read(path("artifact.json.sig")).unwrap();
    let expect_refused = |why: &str| {
        let (exit, text) = plan(folder.path(), &verify);
        assert_eq!(exit, 95, "{text}");
        assert!(text.contains(why), "{text}");
    };
    fs::copy(path("shop.json.sig"), path("artifact.json.sig")).unwrap();
    expect_refused("line 1 signs another artifact");
    fs::write(path("artifact.json.sig"), &own[..own.len() - 20]).unwrap();
    expect_refused("line 1 is no signature");
    fs::write(path("artifact.json.sig"), b"\xff\x00").unwrap();
    expect_refused("line 1 is no signature");
    fs::write(path("artifact.json.sig"), b"").unwrap();
    expect_refused("it holds 0 signatures");
    fs::write(path("artifact.json.sig"), &own).unwrap();
    fs::copy(path("shop.json"), path("artifact.json")).unwrap();
    expect_refused("signs another artifact");
    fs::copy(path("edited.json"), path("artifact.json")).unwrap();
    expect_refused("its digest does not hold");
}

#[test]
fn a_first_plan_can_be_checked_compiled_and_edited() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(plan(folder.path(), &["init"]).0, 0);
    let (exit, text) = plan(folder.path(), &["check", ".", "--strict"]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.starts_with("checked 1 file: 0 errors, 0 warnings"), "{text}");
    assert_eq!(plan(folder.path(), &["compile", "plans/first.yaml", "-o", "first.json"]).0, 0);
    let plan = fs::read_to_string(folder.path().join("plans/first.yaml")).unwrap();
    let (_, schema) = plan.lines().next().unwrap().split_once("$schema=").unwrap();
    let schema = fs::read(folder.path().join("plans").join(schema)).unwrap();
    assert_eq!(schema, compiler::schema::PLAN_SCHEMA.as_bytes());
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
