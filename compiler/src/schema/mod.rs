//! (pure) The tree against `schemas/plan.schema.json`: violations become diagnostics, what is broken becomes a hole.

mod borrowed;
mod fault;
mod foreign;
mod inner;
mod instance;
mod kinds;
mod meant;
mod misplaced;
mod shape;
mod steps;
mod words;

use std::collections::BTreeSet;

pub use self::fault::PLAN_SCHEMA;
pub use self::foreign::foreign_words;

use self::fault::{Fault, Violation};
use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::source::{Source, Span};
use crate::syntax::{ElementId, Entry, Kind, Pointed, Tree};

/// Reports where `tree` is no plan, and turns what is broken into [`Kind::Hole`].
///
/// A key that is missing is added with a hole as its value, so that later passes are silent about it.
pub fn validate(source: &Source, tree: &mut Tree, sink: &mut Diagnostics) {
    // What a part cannot hold is not judged.
    shape::check_part(source, tree, sink);
    for broken in misplaced::dashes(source, tree, sink) {
        Edit::Hole(broken).apply(tree);
    }
    for broken in inner::nameless(tree, sink) {
        Edit::Hole(broken).apply(tree);
    }
    let plan = instance::of(tree.root());
    let mut faults = fault::find(&plan);
    let endless = faults.len() > fault::FAULTS_MAX;
    faults.truncate(fault::FAULTS_MAX);
    faults.retain(|fault| !below_hole(tree, &fault.pointer));
    let told = misplaced::outdented(tree, &faults, sink);
    let told = request_line(tree, &faults, told);
    let mut edits = Vec::new();
    let odd = odd(source, sink);
    let garbled = garbled(source, sink);
    let replaced: BTreeSet<(String, String)> = faults.iter().flat_map(replaces).collect();
    for (fault, told) in faults.iter().zip(told) {
        if let Some(pointed) = tree.pointer(&fault.pointer) {
            let place = Place { source, fault, pointed, replaced: &replaced, garbled: &garbled };
            let odd = fault.is_of_value() && holds_one(&odd, pointed.node.span());
            if told || odd {
                // What it says is known; what it breaks is broken.
                place.report(&mut Diagnostics::new(), &mut edits);
            } else {
                place.report(sink, &mut edits);
            }
        }
    }
    if endless {
        sink.push(words::endless(source.span(0, 0)));
        // What was not judged must not be read.
        edits.push(Edit::Hole(tree.root));
    }
    for edit in edits {
        edit.apply(tree);
    }
    shape::check(source, tree, sink);
}

/// Returns the places of errors that the text has by itself, sorted.
fn odd(source: &Source, sink: &Diagnostics) -> Vec<u32> {
    let own = sink.errors().filter(|span| span.file == source.id());
    let mut places: Vec<u32> = own.map(|span| span.lo).collect();
    places.sort_unstable();
    places
}

/// Returns whether one of the sorted `places` lies within `span`, at whose value nothing else is to be said then.
fn holds_one(places: &[u32], span: Span) -> bool {
    let next = places.partition_point(|place| *place < span.lo);
    places.get(next).is_some_and(|place| *place < span.hi)
}

/// Adds to what is `told` the path beside a `method`: the two are one mistake.
fn request_line(tree: &Tree, faults: &[Fault], mut told: Vec<bool>) -> Vec<bool> {
    let unknown = |fault: &Fault| match &fault.violation {
        Violation::UnknownKey(key) if fault.context == "http" => Some(key.clone()),
        _ => None,
    };
    let methods: BTreeSet<&str> = faults
        .iter()
        .filter(|fault| unknown(fault).is_some_and(|key| words::is_method(&key)))
        .map(|fault| fault.pointer.as_str())
        .collect();
    if methods.is_empty() {
        return told;
    }
    for (fault, told) in faults.iter().zip(&mut told) {
        let path = unknown(fault).is_some_and(|key| words::is_path(&key));
        let there = tree.pointer(&fault.pointer).is_some();
        *told = *told || (path && there && methods.contains(fault.pointer.as_str()));
    }
    told
}

/// What a finding changes in the tree.
enum Edit {
    Hole(ElementId),
    Missing { parent: ElementId, key: String, span: Span },
}

impl Edit {
    fn apply(self, tree: &mut Tree) {
        match self {
            Edit::Hole(id) => tree.elements[id.0 as usize].kind = Kind::Hole,
            Edit::Missing { parent, key, span } => {
                let id = ElementId(u32::try_from(tree.elements.len()).unwrap_or(u32::MAX));
                if let Kind::Map(entries) = &mut tree.elements[parent.0 as usize].kind
                    && !entries.iter().any(|entry| entry.key == key)
                {
                    entries.push(Entry { key, key_span: span, value: id });
                    let element = crate::syntax::Element { span, kind: Kind::Hole };
                    tree.elements.push(element);
                }
            }
        }
    }
}

/// Returns whether `pointer` is at or below something that was reported before.
fn below_hole(tree: &Tree, pointer: &str) -> bool {
    let ends = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
    ends.into_iter()
        .any(|end| tree.pointer(&pointer[..end]).is_some_and(|pointed| pointed.node.is_hole()))
}

/// Returns the key that the unknown key of `fault` was probably meant as, with the mapping's pointer.
fn replaces(fault: &Fault) -> Option<(String, String)> {
    let Violation::UnknownKey(key) = &fault.violation else {
        return None;
    };
    let known = fault::known_keys(&fault.context);
    let meant = match (borrowed::find(&fault.context, key), foreign::find(key)) {
        (Some((ours, _)), _) => ours.to_owned(),
        (None, Some(foreign)) => foreign.replaces.to_owned(),
        (None, None) => did_you_mean(key, known.iter().map(String::as_str))?.to_owned(),
    };
    Some((fault.pointer.clone(), meant))
}

/// Returns the words at the start of lines in which an error was found before: a key that stands there is not missing.
fn garbled(source: &Source, sink: &Diagnostics) -> BTreeSet<String> {
    let line = |span: Span| {
        let text = source.text();
        let at = (span.lo as usize).min(text.len());
        let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].trim_start_matches(|c: char| c.is_whitespace() || c == '-');
        let end = line.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(line[..end].to_owned())
    };
    let own = sink.errors().filter(|span| span.file == source.id());
    own.filter_map(line).filter(|word| !word.is_empty()).collect()
}

/// A finding and where it is in the tree.
struct Place<'a> {
    source: &'a Source,
    fault: &'a Fault,
    pointed: Pointed<'a>,
    /// Keys that are there under another spelling, by the mapping's pointer.
    replaced: &'a BTreeSet<(String, String)>,
    /// Words at the start of lines that are no YAML, which has been reported.
    garbled: &'a BTreeSet<String>,
}

impl Place<'_> {
    fn report(&self, sink: &mut Diagnostics, edits: &mut Vec<Edit>) {
        let context = self.fault.context.as_str();
        match &self.fault.violation {
            Violation::UnknownKey(key) => self.unknown_key(key, sink, edits),
            Violation::MissingKey(key) => self.missing_key(key, sink, edits),
            Violation::KeyName(key) => {
                let entry = self.pointed.node.entry(key).filter(|(_, value)| !value.is_hole());
                if let Some((entry, _)) = entry {
                    sink.push(words::key_name(key, entry.key_span));
                    edits.push(Edit::Hole(entry.value));
                }
            }
            violation => {
                edits.push(Edit::Hole(self.pointed.written));
                let subject = self.subject();
                let node = self.pointed.node;
                sink.push(words::value(violation, context, &subject, node, self.span()));
            }
        }
    }

    fn unknown_key(&self, key: &str, sink: &mut Diagnostics, edits: &mut Vec<Edit>) {
        let context = self.fault.context.as_str();
        let Some((entry, node)) = self.pointed.node.entry(key) else {
            return;
        };
        edits.push(Edit::Hole(entry.value));
        if node.is_hole() || inner::is_told(context, self.pointed.node, key) {
            return;
        }
        if !self.says_again(key) {
            sink.push(words::unknown_key(key, context, self.pointed.node, entry.key_span));
        }
        self.misspelt(entry.key_span, edits);
    }

    /// Returns whether a key above `key` stands for the same one of ours, as `host` and `port` do.
    fn says_again(&self, key: &str) -> bool {
        let ours = |key: &str| borrowed::find(&self.fault.context, key).map(|(ours, _)| ours);
        let Some(meant) = ours(key) else { return false };
        let above = self.pointed.node.entries().take_while(|(entry, _)| entry.key != key);
        above.into_iter().any(|(entry, _)| ours(&entry.key) == Some(meant))
    }

    /// Notes what the unknown key at `span` was probably meant as: what it holds is not known to later passes.
    fn misspelt(&self, span: Span, edits: &mut Vec<Edit>) {
        let Some((_, key)) = replaces(self.fault) else { return };
        // A word of another tool may stand for a part of what it is answered with.
        let borrowed = match &self.fault.violation {
            Violation::UnknownKey(key) => {
                foreign::find(key).is_some() && borrowed::find(&self.fault.context, key).is_none()
            }
            _ => false,
        };
        if borrowed && self.fault.context != "plan" {
            return;
        }
        if fault::known_keys(&self.fault.context).contains(&key) {
            edits.push(Edit::Missing { parent: self.pointed.node.id(), key, span });
        }
    }

    fn missing_key(&self, key: &str, sink: &mut Diagnostics, edits: &mut Vec<Edit>) {
        let context = self.fault.context.as_str();
        let span = self.pointed.key_span.unwrap_or_else(|| self.span());
        let parent = self.pointed.node.id();
        edits.push(Edit::Missing { parent, key: key.to_owned(), span });
        // An endpoint of a kind that is unknown has no `http` either.
        let strangers = matches!(context, "endpoint" | "file_sink")
            && self.pointed.node.entries().next().is_some();
        // A wait with a distribution that is not ours has said what is wrong already.
        let strangers = strangers || inner::has_strangers(context, self.pointed.node);
        let strangers =
            strangers || (context == "wait" && self.pointed.node.entries().next().is_some());
        let pair = (self.fault.pointer.clone(), key.to_owned());
        let strangers = strangers || self.garbled.contains(key);
        if !strangers && !self.replaced.contains(&pair) {
            sink.push(words::missing_key(key, context, span));
        }
    }

    /// Returns what the value is called: its key in backticks, or its place in a list.
    fn subject(&self) -> String {
        match self.pointed.key_span {
            Some(span) => {
                format!("`{}`", self.source.slice(span).trim_matches(['"', '\'']))
            }
            None if self.fault.pointer.is_empty() => "the plan".to_owned(),
            None => "this entry".to_owned(),
        }
    }

    /// Returns the first line of the value, or its key when nothing is written.
    fn span(&self) -> Span {
        first_line(self.source, self.pointed.node.span(), self.pointed.key_span)
    }
}

/// Returns the first line of `span`, or `key` when it is empty.
fn first_line(source: &Source, span: Span, key: Option<Span>) -> Span {
    let text = source.slice(span);
    match (text.lines().next().map(str::trim_end), key) {
        (None | Some(""), Some(key)) => key,
        (line, _) => {
            let lo = span.lo as usize;
            source.span(lo, lo + line.map_or(0, str::len))
        }
    }
}

#[cfg(test)]
mod tests;
