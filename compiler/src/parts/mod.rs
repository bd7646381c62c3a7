//! (pure) The files that a plan is made of: what it includes, which files it names, and one tree of them all.

mod merge;

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Files, Source, Span, Texts, join};
use crate::syntax::{self, Kind, Node, Tree};

/// Sections that a part may hold. Vars and secrets stay with the plan: whoever runs it sees there what can be given.
pub const SECTIONS: [&str; 4] = ["transactions", "endpoints", "data", "thresholds"];

/// The key that makes a file a part of plans.
pub const FRAGMENT: &str = "fragment";

/// Most parts of one plan.
pub const PARTS_MAX: usize = 256;

/// Largest sum of all parts of one plan, in bytes.
pub const BYTES_MAX: usize = 32 << 20;

/// Parts inside parts.
const DEPTH_MAX: usize = 16;

/// Keys below which a `file` is no file of the plan: values that are sent, and what a node reads or writes.
const NOT_FILES: [&str; 9] =
    ["vars", "secrets", "sinks", "json", "form", "headers", "query", "with", "expect"];

/// A plan with its parts.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The plan's tree with the sections of every part.
    pub tree: Tree,
    /// Where each part is included, in the order of their first mention.
    pub includes: Vec<(FileId, Span)>,
}

/// Returns whether a file is a part of plans.
pub fn is_part(tree: &Tree) -> bool {
    tree.root().entry(FRAGMENT).is_some()
}

/// Returns the paths of the files that `source` includes, as [`join`] returns them, in order of the text.
pub fn included(source: &Source, folder: &str) -> Vec<String> {
    if !may_say(source, &["include"]) {
        return Vec::new();
    }
    let Some(tree) = syntax::parse(source, &mut Diagnostics::new()) else { return Vec::new() };
    let entries = entries(&tree);
    entries.iter().filter(|(path, _)| fault(path).is_none()).map(|(p, _)| join(folder, p)).collect()
}

/// Returns the paths of the data and body files that the plan and its parts name, each once, in order of the text.
pub fn file_paths(files: &Files) -> Vec<String> {
    let mut found = Named { folder: "", seen: BTreeSet::new(), paths: Vec::new() };
    for source in files.sources().filter(|source| may_say(source, &["file", "protos"])) {
        let Some(tree) = syntax::parse(source, &mut Diagnostics::new()) else { continue };
        found.folder = files.folder(source.id());
        // Behind an alias stands what was walked where it is written.
        for (entry, node) in tree.root().entries() {
            found.walk(&entry.key, node);
        }
    }
    found.paths
}

/// Returns whether one of the keys `words` may stand in a text, so that one that cannot is not parsed for them; a key in
/// double quotes can be written with escapes.
fn may_say(source: &Source, words: &[&str]) -> bool {
    let text = source.text();
    text.contains('\\') || words.iter().any(|word| text.contains(word))
}

struct Named<'f> {
    folder: &'f str,
    seen: BTreeSet<String>,
    paths: Vec<String>,
}

impl Named<'_> {
    fn walk(&mut self, key: &str, node: Node<'_>) {
        if NOT_FILES.contains(&key) || node.span() != node.value_span() {
            return;
        }
        match node.as_str() {
            Some(path) if matches!(key, "file" | "json_file" | "protos") => {
                let path = join(self.folder, path);
                if self.seen.insert(path.clone()) {
                    self.paths.push(path);
                }
            }
            Some(_) => {}
            // Items are what their list's key says.
            None => {
                node.entries().for_each(|(entry, node)| self.walk(&entry.key, node));
                node.items().for_each(|node| self.walk(key, node));
            }
        }
    }
}

/// Parses the plan and everything that it includes into one tree; `validate` judges the shape of each file.
///
/// `None` if the plan itself is no text to judge. What of a part cannot be used is reported and left out.
pub fn assemble(
    files: &Files,
    validate: &dyn Fn(&Source, &mut Tree, &mut Diagnostics),
    sink: &mut Diagnostics,
) -> Option<Whole> {
    let mut tree = syntax::parse(files.plan(), sink)?;
    validate(files.plan(), &mut tree, sink);
    let own = files.plan().name();
    let own = own.rsplit(['/', '\\']).next().unwrap_or(own).to_owned();
    let mut walk = Walk {
        files,
        validate,
        sink,
        seen: BTreeSet::new(),
        stack: vec![(own, None)],
        parts: Vec::new(),
        includes: Vec::new(),
        bytes: 0,
        gaps: false,
        stopped: false,
    };
    walk.enter(&tree);
    let Walk { parts, includes, gaps, .. } = walk;
    tree.gaps = gaps || is_part(&tree);
    Some(Whole { tree: merge::merge(tree, parts, sink), includes })
}

/// The search for parts, each before what it includes.
struct Walk<'a> {
    files: &'a Files,
    validate: &'a dyn Fn(&Source, &mut Tree, &mut Diagnostics),
    sink: &'a mut Diagnostics,
    /// Paths that were met.
    seen: BTreeSet<String>,
    /// The files that lead here, each with the place that includes it.
    stack: Vec<(String, Option<Span>)>,
    parts: Vec<Tree>,
    includes: Vec<(FileId, Span)>,
    bytes: usize,
    gaps: bool,
    stopped: bool,
}

impl Walk<'_> {
    fn enter(&mut self, tree: &Tree) {
        let folder = self.files.folder(tree.file).to_owned();
        let broken = |node: Node<'_>| node.is_hole() || node.items().any(Node::is_hole);
        self.gaps |= tree.root().entry("include").is_some_and(|(_, node)| broken(node));
        for (written, span) in entries(tree) {
            if let Some(why) = fault(&written) {
                self.gaps = true;
                let message = format!("`{written}` is not the path of a part");
                let found = Diagnostic::error("plan::file::path", span, message);
                let help = "write it relative to this file, with `/`: `parts/auth.yaml`";
                self.sink.push(found.label(why).help(help));
                continue;
            }
            let path = join(&folder, &written);
            if let Some(at) = self.stack.iter().position(|(open, _)| *open == path) {
                self.cycle(at, &written, span);
            } else if self.seen.insert(path.clone()) {
                self.part(path, span);
            }
        }
    }

    /// Reads the part at `path`, which `span` includes, and what that includes.
    fn part(&mut self, path: String, span: Span) {
        let deep = self.stack.len() > DEPTH_MAX;
        let part = self.files.part(&path);
        // What was read first is within the limits, so that a part may be missing because of them.
        let full = part.is_none() && is_full(self.files);
        if deep || full || self.seen.len() > PARTS_MAX || self.bytes > BYTES_MAX {
            return self.stop(deep, span);
        }
        let Some(part) = part else {
            self.gaps = true;
            let message = format!("the part `{path}` cannot be read");
            let help = "paths are relative to the file that includes them";
            let found = Diagnostic::error("plan::file::missing", span, message);
            return self.sink.push(found.label("no such file").help(help));
        };
        let source = &part.source;
        self.bytes += source.text().len();
        self.includes.push((source.id(), span));
        if let Some(at) = part.invalid_at {
            self.gaps = true;
            return self.sink.push(not_text(source, at));
        }
        let Some(mut tree) = syntax::parse(source, self.sink) else {
            self.gaps = true;
            return;
        };
        // What stood where it is no YAML is not known.
        self.gaps |= self.sink.touches(source.span(0, source.text().len()));
        if !is_part(&tree) {
            self.gaps = true;
            let message = format!("`{path}` is not a part of plans");
            let found = Diagnostic::error("plan::include::not-a-part", span, message);
            let help = format!("write `{FRAGMENT}: true` at its top, and only {}", sections());
            return self.sink.push(found.label("included here").help(help));
        }
        (self.validate)(source, &mut tree, self.sink);
        self.parts.push(tree.clone());
        self.stack.push((path, Some(span)));
        self.enter(&tree);
        self.stack.pop();
    }

    fn stop(&mut self, deep: bool, span: Span) {
        self.gaps = true;
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let message = match deep {
            true => format!("parts include parts more than {DEPTH_MAX} deep"),
            false => {
                format!("the plan has more than {PARTS_MAX} parts, or {BYTES_MAX} bytes of them")
            }
        };
        let found = Diagnostic::error("plan::limit::exceeded", span, message);
        self.sink
            .push(found.label("too many").help("put parts that belong together into one file"));
    }

    /// Reports that `span` includes a file that is open, at `at` of the stack.
    fn cycle(&mut self, at: usize, written: &str, span: Span) {
        // Another file may have been meant.
        self.gaps = true;
        let message = format!("`{written}` includes itself");
        let mut found = Diagnostic::error("plan::include::cycle", span, message)
            .label("closes the circle")
            .help("take this entry out: what a plan includes is known in all of its parts");
        for (path, place) in &self.stack[at + 1..] {
            if let Some(place) = place {
                found = found.also(*place, format!("includes `{path}`"));
            }
        }
        self.sink.push(found);
    }
}

/// Returns whether no more parts were read because of how many, or how large, those are that were.
fn is_full(files: &Files) -> bool {
    let bytes: usize = files.parts().iter().map(|part| part.source.text().len()).sum();
    files.parts().len() >= PARTS_MAX || bytes >= BYTES_MAX
}

/// Returns the texts of `include` with their places.
fn entries(tree: &Tree) -> Vec<(String, Span)> {
    let list = tree.root().get("include").into_iter().flat_map(Node::items);
    list.filter_map(|item| Some((item.as_str()?.to_owned(), item.span()))).collect()
}

/// Returns why `path` is not the path of a part.
fn fault(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.contains("{{") {
        Some("parts are read before any var is known")
    } else if path.contains("://") {
        Some("parts are files, never fetched")
    } else if path.is_empty() || path.starts_with('/') || path.contains(['\\', '\0']) || drive {
        Some("not a relative path")
    } else {
        None
    }
}

/// Returns the sections of a part as a sentence lists them.
pub fn sections() -> String {
    let names: Vec<String> = SECTIONS.iter().map(|name| format!("`{name}`")).collect();
    format!("{} and `include`", names.join(", "))
}

/// Says that the bytes of `source` are no text, from byte `at` of its file.
pub fn not_text(source: &Source, at: usize) -> Diagnostic {
    let span = source.span(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    let message = format!("the file is not UTF-8: byte {at} is invalid");
    let found = Diagnostic::error("plan::syntax::encoding", span, message);
    found.label("not a character").help("save the file as UTF-8")
}

/// Returns whether `node` is a mapping.
fn is_map(node: Node<'_>) -> bool {
    matches!(node.kind(), Kind::Map(_))
}
