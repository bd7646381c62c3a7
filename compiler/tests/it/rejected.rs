//! Each rejected plan in `golden/rejected` gives exactly the text beside it, and each code has such a plan.
//!
//! With `UPDATE_GOLDEN=1` the texts are written instead; the diff then shows what changed.

#![expect(clippy::disallowed_methods, reason = "the test reads and writes golden files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use compiler::cli::judge;
use compiler::cli::render::{Look, write};
use compiler::code;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/rejected")
}

fn names(ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

#[test]
fn golden_rejected_plans_say_what_they_said() {
    let update = std::env::var("UPDATE_GOLDEN").is_ok();
    let mut differing = Vec::new();
    for name in names(".yaml") {
        let bytes = fs::read(folder().join(format!("{name}.yaml"))).unwrap();
        let shown = format!("golden/rejected/{name}.yaml");
        let (files, found) = judge(&shown, bytes, &folder()).unwrap();
        let code = code::all().map(|code| code.code).find(|code| file_of(code) == name);
        let code = code.unwrap_or_else(|| panic!("{shown} is named like no code"));
        assert!(
            found.iter().any(|found| found.code == code),
            "{shown} does not give `{code}`: {found:#?}"
        );
        for found in &found {
            let known = code::all().any(|known| known.code == found.code);
            assert!(known, "`{}` is in no list of codes", found.code);
            assert!(!found.help.is_empty(), "{shown}: `{}` has no help", found.code);
        }
        let mut text = Vec::new();
        write(&files.sources().collect::<Vec<_>>(), &found, Look::plain(80), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let path = folder().join(format!("{name}.txt"));
        if update {
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            differing.push(format!("{shown} now gives:\n{text}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_code_has_a_rejected_plan() {
    let plans = names(".yaml");
    let missing: Vec<&str> =
        code::all().map(|code| code.code).filter(|code| !plans.contains(&file_of(code))).collect();
    assert_eq!(missing, Vec::<&str>::new(), "no plan in golden/rejected for these codes");
    assert_eq!(plans, names(".txt"), "each plan has its text, each text its plan");
}

fn file_of(code: &str) -> String {
    code.trim_start_matches("plan::").replace("::", "-")
}
