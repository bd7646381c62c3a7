//! Holds the sources against ARCHITECTURE.md and the rules that no lint knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns every Rust file below `folder`, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Returns the first path component below `src`, without `.rs`.
fn module_of(src: &Path, file: &Path) -> String {
    let first = file.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Reads the block "```arrows NAME" of ARCHITECTURE.md.
fn arrows(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let start = format!("```arrows {name}\n");
    let block = text.split_once(&start).expect("the table is there").1;
    let block = block.split_once("```").unwrap().0;
    let rows = block.lines().map(|line| {
        let (from, to) = line.split_once("->").expect("`a -> b c`");
        (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())
    });
    rows.collect()
}

/// Returns the modules that `text` names with `crate::`, outside tests and comments.
fn used(text: &str) -> BTreeSet<String> {
    let product = text.split("#[cfg(test)]").next().unwrap();
    let code: Vec<&str> =
        product.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let list = match after.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').collect(),
            None => vec![after],
        };
        for item in list {
            let name: String =
                item.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                names.insert(name);
            }
        }
    }
    names
}

#[test]
fn only_allowed_arrows() {
    let mut wrong = Vec::new();
    for name in ["compiler", "engine"] {
        let src = root().join(name).join("src");
        let allowed = arrows(name);
        for file in rust_files(&src) {
            let module = module_of(&src, &file);
            let is_test = file.file_name().is_some_and(|name| name == "tests.rs");
            if ["lib", "main"].contains(&module.as_str()) || is_test {
                continue;
            }
            let Some(targets) = allowed.get(&module) else {
                wrong.push(format!("{}: `{module}` is not in ARCHITECTURE.md", file.display()));
                continue;
            };
            let text = fs::read_to_string(&file).unwrap();
            for target in used(&text) {
                let known = allowed.contains_key(&target);
                if known && target != module && !targets.contains(&target) {
                    wrong.push(format!("{}: {module} -> {target}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_keeps_its_size() {
    const LINES_MAX: usize = 600;
    let mut wrong = Vec::new();
    for folder in ["compiler", "engine"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.lines().count();
            if !text.starts_with("//!") {
                wrong.push(format!("{}: does not start with `//!`", file.display()));
            }
            if lines > LINES_MAX {
                wrong.push(format!("{}: {lines} lines", file.display()));
            }
            let is_pure = text.starts_with("//! (pure");
            let product = text.split("#[cfg(test)]").next().unwrap();
            if is_pure && product.contains("tokio") {
                wrong.push(format!("{}: (pure), yet names tokio", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns every test of this binary as `module::name`, read from the sources.
fn tests_by_name() -> BTreeSet<String> {
    let folder = root().join("engine/tests/it");
    let mut names = BTreeSet::new();
    for file in rust_files(&folder) {
        let module = file.strip_prefix(&folder).unwrap().with_extension("");
        let module = module.to_str().unwrap().replace('/', "::");
        let text = fs::read_to_string(&file).unwrap();
        let marks = ["#[test]", "#[tokio::test"];
        for after in marks.iter().flat_map(|mark| text.split(mark).skip(1)) {
            let function = after.split("fn ").nth(1).unwrap_or_default();
            let name = function.split('(').next().unwrap_or_default();
            names.insert(format!("{module}::{name}"));
        }
    }
    names
}

/// Returns the last cell of each row of the tables in `text` that begins with a fault, without its backquotes.
fn tests_of_faults(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault "));
    let cells = rows.map(|row| row.trim_end_matches(" |").rsplit("| ").next().unwrap());
    cells.map(|cell| cell.trim_matches('`').to_owned()).collect()
}

#[test]
fn each_fault_of_the_docs_has_a_test_and_each_test_a_fault() {
    let text = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let (told, there) = (tests_of_faults(&text), tests_by_name());
    let missing: Vec<&String> = told.iter().filter(|name| !there.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/faults.md names tests that do not exist: {missing:#?}");
    let told: BTreeSet<&String> = told.iter().collect();
    let ours = there.iter().filter(|name| name.starts_with("faults::"));
    let untold: Vec<&String> =
        ours.filter(|name| !name.starts_with("faults::link::") && !told.contains(name)).collect();
    assert!(untold.is_empty(), "tests of faults that docs/faults.md does not name: {untold:#?}");
}

#[test]
fn the_arrow_reader_sees_what_is_there() {
    let text = "use crate::{clock::Clock, event};\nuse crate::metrics::Window;\n// use crate::demo\n#[cfg(test)]\nuse crate::cli;";
    let expected = ["clock", "event", "metrics"].map(str::to_owned);
    assert_eq!(used(text), BTreeSet::from(expected));
}
