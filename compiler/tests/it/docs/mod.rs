//! The documentation of the language in `docs/`, written from the schema, the codes and the tables beside this file.
//!
//! With `UPDATE_GOLDEN=1` the pages are written, else compared, so that they cannot drift.

#![expect(clippy::disallowed_methods, reason = "the tests read the pages and the schema")]

mod codes;
mod foreign;
mod keys;
mod markdown;
mod schema;
mod values;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::schema::Schema;
use crate::golden;

/// A page: its path below the repository, and its text.
struct Page {
    path: String,
    text: String,
}

fn pages() -> Vec<Page> {
    let schema = Schema::read();
    let mut pages = keys::pages(&schema);
    pages.push(values::page(&schema));
    pages.extend(words::pages());
    pages.push(codes::page());
    pages.push(foreign::page());
    let index = keys::index(&schema);
    pages.insert(0, Page { path: "docs/README.md".into(), text: index });
    pages
}

/// Pages that are written by hand.
const BY_HAND: [&str; 4] = ["README.md", "docs/faults.md", "docs/signing.md", "docs/security.md"];

#[test]
fn golden_pages_say_what_the_code_does() {
    for page in pages() {
        golden::check(&page.path, page.text.as_bytes());
    }
    let paths = pages().into_iter().map(|page| page.path);
    let paths = paths.chain(BY_HAND[1..].iter().map(|path| (*path).to_owned()));
    let written: BTreeSet<PathBuf> = paths.map(|path| golden::repository().join(path)).collect();
    let mut there = BTreeSet::new();
    for folder in ["docs", "docs/language"] {
        let entries = fs::read_dir(golden::repository().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        there.extend(paths.filter(|path| path.is_file()));
    }
    assert_eq!(there, written, "nobody writes a page that is there");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let by_hand = BY_HAND.map(|path| {
        let text = fs::read_to_string(golden::repository().join(path)).unwrap();
        Page { path: path.to_owned(), text }
    });
    for page in pages().into_iter().chain(by_hand) {
        let folder = golden::repository().join(&page.path);
        let folder = folder.parent().unwrap();
        for link in markdown::links(&page.text) {
            seen += 1;
            if !leads_somewhere(&link, &page, folder) {
                wrong.push(format!("{}: {link}", page.path));
            }
        }
    }
    assert!(seen > 200, "the links were read: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn leads_somewhere(link: &str, page: &Page, folder: &Path) -> bool {
    if link.starts_with("https://") {
        return true;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let text = match path {
        "" => page.text.clone(),
        path => match fs::read_to_string(folder.join(path)) {
            Ok(text) => text,
            Err(_) => return folder.join(path).exists() && anchor.is_empty(),
        },
    };
    anchor.is_empty() || markdown::anchors(&text).any(|known| known == anchor)
}

#[test]
fn every_key_has_a_description_and_an_example_that_holds() {
    let schema = Schema::read();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for key in schema.every_key() {
        seen += 1;
        let property = schema.resolved(&key.pointer);
        for part in ["title", "description"] {
            if property[part].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{} has no {part}", key.name));
            }
        }
        let examples = property["examples"].as_array().cloned().unwrap_or_default();
        if examples.is_empty() {
            wrong.push(format!("{} has no examples", key.name));
        }
        let judge = schema.validator(&key.pointer);
        for example in examples {
            if let Err(error) = judge.validate(&example) {
                wrong.push(format!("{}: the example {example} is wrong: {error}", key.name));
            }
        }
    }
    assert!(seen > 80, "the schema was read: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
