//! (pure) The YAML parser's events → elements. The only file that knows the parsing library.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::scalar;
use super::trap;
use super::tree::{Element, ElementId, Entry, Kind, Tree};
use crate::diagnostic::{Diagnostic, Label};
use crate::source::{Source, Span};

/// Collections inside collections, in each of the two notations; a plan with bodies needs a dozen.
const NESTING_MAX: usize = 64;

/// Levels of a tree when aliases are followed; keeps every recursive walk off the end of the stack.
const HEIGHT_MAX: u32 = 128;

/// Elements of a tree when aliases are followed; a plan of ten thousand lines has fifty thousand.
const EXPANDED_MAX: u64 = 190_000;

/// Bytes of a scalar that count as one element more.
const BYTES_PER_ELEMENT: usize = 64;

/// Findings of one kind that are made better by looking at others, and places that one of them shows.
const SUGGESTED_MAX: usize = 10;

/// How one reading of a text ended.
pub(super) struct Reading {
    /// The elements, if the text could be read to its end.
    pub(super) tree: Option<Tree>,
    /// What is wrong beside the grammar.
    pub(super) found: Vec<Diagnostic>,
    /// Where the grammar was left.
    pub(super) stop: Option<Stop>,
}

/// The place at which a text stops being YAML.
pub(super) struct Stop {
    /// What the parser met.
    pub(super) kind: ErrorKind,
    /// At which byte.
    pub(super) at: usize,
    /// Where the outermost bracket that is still open was opened.
    pub(super) open: Option<usize>,
}

/// Reads `text`, which is the text of `source` with the ranges of `blanked` made blank.
pub(super) fn read(source: &Source, text: &str, blanked: &[Range<usize>]) -> Reading {
    let mut options = granit_parser::options! {
        strict_indentation: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: NESTING_MAX,
        block_nesting_limit: NESTING_MAX,
    };
    // Long runs of comments before a value would otherwise be an error.
    options.set_emit_comments(false);
    let mut builder = Builder::new(source, blanked);
    let mut last = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let lo = span.start.byte_offset().unwrap_or(last);
                let hi = span.end.byte_offset().unwrap_or(lo).max(lo);
                last = hi;
                let tag = span.tag_start.and_then(|marker| marker.byte_offset());
                builder.take(event, source.span(lo, hi), tag);
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(last).min(text.len());
                let open = builder.stack.iter().find(|frame| frame.flow);
                let open = open.map(|frame| builder.start(frame.id));
                let stop = Stop { kind: error.kind().clone(), at, open };
                return Reading { tree: None, found: builder.found, stop: Some(stop) };
            }
        }
    }
    builder.finish()
}

/// A collection that is still open.
struct Frame {
    id: ElementId,
    anchor: usize,
    flow: bool,
    shape: Shape,
    /// Written as a mapping's key, which a plan does not have.
    as_key: bool,
    /// An unquoted template: reported once, its inside is no plan.
    template: bool,
    /// Its first key is written again: the next entry lacks its dash, which is reported once.
    dashless: bool,
    /// Where in the findings it is told that it lacks a space behind a colon.
    tight: Option<usize>,
    size: u64,
    height: u32,
    end: u32,
}

impl Frame {
    /// Returns whether what stands in it now belongs to a key that was reported.
    fn drops(&self) -> bool {
        matches!(self.shape, Shape::Map { pending: Pending::Dropped, .. })
    }
}

enum Shape {
    Seq(Vec<ElementId>),
    Map { entries: Vec<Entry>, places: BTreeMap<String, Span>, pending: Pending },
}

/// What a mapping waits for.
enum Pending {
    Key,
    Value(String, Span),
    /// A value that belongs to a key already reported.
    Dropped,
}

/// What is known of an anchored element.
#[derive(Clone, Copy)]
struct Anchored {
    id: ElementId,
    size: u64,
    height: u32,
}

struct Builder<'s> {
    source: &'s Source,
    blanked: &'s [Range<usize>],
    elements: Vec<Element>,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Anchored>,
    /// Where anchored values stand that no alias has referred to.
    unused: BTreeMap<usize, Span>,
    /// Anchors that an alias has referred to.
    referred: BTreeSet<usize>,
    found: Vec<Diagnostic>,
    /// Aliases to what is not defined: the place in `found`, the name.
    undefined: Vec<(usize, String)>,
    root: Option<ElementId>,
    documents: usize,
    /// Aliases make too much of the plan, which is reported once.
    bomb: bool,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Source, blanked: &'s [Range<usize>]) -> Builder<'s> {
        Builder {
            source,
            blanked,
            elements: Vec::new(),
            stack: Vec::new(),
            anchors: BTreeMap::new(),
            unused: BTreeMap::new(),
            referred: BTreeSet::new(),
            found: Vec::new(),
            undefined: Vec::new(),
            root: None,
            documents: 0,
            bomb: false,
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span, tag_at: Option<usize>) {
        if let Event::DocumentStart(..) = event {
            self.documents += 1;
            self.anchors.clear();
            self.referred.clear();
            if self.documents == 2 {
                self.found.push(trap::second_document(span));
            }
        }
        match event {
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                // What `<<` refers to does not matter: it merges nothing.
                if !self.stack.iter().any(Frame::drops) {
                    let at = self.found.len();
                    self.report(|_| trap::unknown_alias(&name, span));
                    // Within a template without quotes nothing is reported.
                    if self.found.len() > at {
                        self.undefined.push((at, name.to_string()));
                    }
                }
                self.add_hole(span);
            }
            Event::Scalar(value, style, anchor, tag) => {
                let span = self.tagged(tag.as_deref(), tag_at, span);
                self.scalar(&value, style, anchor, tag.is_some(), span);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let shape = Shape::Seq(Vec::new());
                self.tagged(tag.as_deref(), tag_at, span);
                self.open(shape, style, anchor, span);
            }
            Event::MappingStart(style, anchor, tag) => {
                let (entries, places) = (Vec::new(), BTreeMap::new());
                self.tagged(tag.as_deref(), tag_at, span);
                let shape = Shape::Map { entries, places, pending: Pending::Key };
                self.open(shape, style, anchor, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            _ => {}
        }
    }

    fn finish(mut self) -> Reading {
        let unused = std::mem::take(&mut self.unused);
        if self.undefined.is_empty() {
            let warnings =
                unused.values().filter_map(|span| trap::unused_anchor(self.source, *span));
            self.found.extend(warnings);
        } else {
            // A misspelt name is one mistake, not two.
            let names = unused.values().filter_map(|span| trap::anchor_name(self.source, *span));
            let names: Vec<&str> = names.collect();
            for (at, name) in self.undefined.iter().take(SUGGESTED_MAX) {
                if let Some(found) = self.found.get_mut(*at) {
                    trap::suggest_anchor(found, name, &names);
                }
            }
        }
        let file = self.source.id();
        let tree = self.root.map(|root| Tree { file, elements: self.elements, root, gaps: false });
        Reading { tree, found: self.found, stop: None }
    }

    fn start(&self, id: ElementId) -> usize {
        self.elements[id.0 as usize].span.lo as usize
    }

    /// Reports unless within an unquoted template, whose inside means nothing.
    fn report(&mut self, diagnostic: impl FnOnce(&Source) -> Diagnostic) {
        if !self.stack.iter().any(|frame| frame.template) {
            self.found.push(diagnostic(self.source));
        }
    }

    /// Reports a tag, and returns the span with it.
    fn tagged(&mut self, tag: Option<&Tag>, tag_at: Option<usize>, span: Span) -> Span {
        if tag.is_none() {
            return span;
        }
        let lo = tag_at.unwrap_or(span.lo as usize);
        let span = self.source.span(lo, (span.hi as usize).max(lo));
        self.report(|source| trap::tag(source, span));
        span
    }

    fn push(&mut self, span: Span, kind: Kind) -> ElementId {
        let id = ElementId(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        self.elements.push(Element { span, kind });
        id
    }

    fn add_hole(&mut self, span: Span) {
        let id = self.push(span, Kind::Hole);
        self.place(id, 1, 1);
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        self.referred.insert(anchor);
        self.unused.remove(&anchor);
        let depth = u32::try_from(self.stack.len()).unwrap_or(u32::MAX);
        let open = self.stack.iter().any(|frame| frame.anchor == anchor);
        match self.anchors.get(&anchor).copied() {
            Some(target) if !open => {
                let size: u64 = self.stack.iter().map(|frame| frame.size).sum();
                let deep = depth.saturating_add(target.height) > HEIGHT_MAX;
                if deep || size.saturating_add(target.size) > EXPANDED_MAX {
                    if !std::mem::replace(&mut self.bomb, true) {
                        self.report(|_| trap::alias_bomb(span));
                    }
                    self.add_hole(span);
                    return;
                }
                let id = self.push(span, Kind::Alias(target.id));
                self.place(id, target.size, target.height);
            }
            _ => {
                self.report(|_| trap::alias_cycle(span));
                self.add_hole(span);
            }
        }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize, tagged: bool, span: Span) {
        let plain = style == ScalarStyle::Plain;
        // An absent value comes as `~` with an empty span.
        let absent = plain && span.lo == span.hi;
        if self.wants_key() {
            return self.key(value, absent || tagged, plain, span);
        }
        if absent
            && anchor != 0
            && let Some(found) = trap::anchored_nothing(self.source, span)
        {
            self.report(|_| found);
            return self.add_hole(span);
        }
        let kind = if tagged || (absent && self.is_blanked(span)) {
            Kind::Hole
        } else if absent {
            Kind::Null
        } else if plain {
            scalar::resolve(value)
        } else {
            Kind::Str { value: value.to_owned(), plain: false }
        };
        if absent && kind == Kind::Null && self.explains_absence(span) {
            return self.add_hole(span);
        }
        if plain && scalar::has_leading_zero(value) {
            self.report(|_| trap::leading_zero(value, span));
            return self.add_hole(span);
        }
        let id = self.push(span, kind);
        let size = 1 + u64::try_from(value.len() / BYTES_PER_ELEMENT).unwrap_or(u64::MAX);
        self.remember(anchor, Anchored { id, size, height: 1 });
        self.place(id, 1, 1);
    }

    /// Says why a value is absent when it looks as if one was meant; returns whether it does.
    fn explains_absence(&mut self, span: Span) -> bool {
        let Some(Frame { shape: Shape::Map { pending, .. }, flow, tight, .. }) = self.stack.last()
        else {
            return false;
        };
        let Pending::Value(key, key_span) = pending else { return false };
        let (key, key_span, tight) = (key.clone(), *key_span, *tight);
        if !*flow || !trap::lacks_space(self.source, key_span) {
            let found = trap::comment_value(self.source, &key, key_span, span);
            let told = found.is_some();
            found.into_iter().for_each(|found| self.report(|_| found));
            return told;
        }
        let found = trap::missing_space(&key, key_span);
        match tight.and_then(|at| self.found.get_mut(at)) {
            // One habit, one finding.
            Some(first) => {
                if first.more.len() < SUGGESTED_MAX {
                    first.more.push(Label { span: key_span, message: "and here".to_owned() });
                }
                first.fix.extend(found.fix);
            }
            None => {
                let at = self.found.len();
                self.report(|_| found);
                if let Some(frame) = self.stack.last_mut() {
                    frame.tight = (self.found.len() > at).then_some(at);
                }
            }
        }
        true
    }

    fn is_blanked(&self, span: Span) -> bool {
        let at = span.lo as usize;
        // An absent value stands before the colon of its key.
        self.blanked.iter().any(|range| range.start <= at + 1 && at <= range.end)
    }

    fn remember(&mut self, anchor: usize, anchored: Anchored) {
        if anchor != 0 {
            if !self.referred.contains(&anchor) {
                self.unused.insert(anchor, self.elements[anchored.id.0 as usize].span);
            }
            self.anchors.insert(anchor, anchored);
        }
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.stack.last().map(|frame| &frame.shape),
            Some(Shape::Map { pending: Pending::Key, .. })
        )
    }

    fn key(&mut self, value: &str, bad: bool, plain: bool, span: Span) {
        if bad || (plain && value == "<<") {
            self.report(|_| trap::bad_key(value == "<<", span));
        }
        let bad = bad || (plain && value == "<<");
        let in_list = self.stack.iter().rev().nth(1);
        let in_list = in_list.is_some_and(|out| !out.flow && matches!(out.shape, Shape::Seq(_)));
        let Some(Frame {
            shape: Shape::Map { places, pending, entries }, end, dashless, flow, ..
        }) = self.stack.last_mut()
        else {
            return;
        };
        *end = (*end).max(span.hi);
        let first = places.get(value).copied();
        *pending = if bad || first.is_some() {
            Pending::Dropped
        } else {
            places.insert(value.to_owned(), span);
            Pending::Value(value.to_owned(), span)
        };
        if let Some(first) = first {
            let again = std::mem::replace(
                dashless,
                *dashless || (in_list && !*flow && entries.first().is_some_and(|e| e.key == value)),
            );
            if again {
                return;
            }
            let item = *dashless;
            self.report(|source| trap::duplicate_key(source, value, span, first, item));
        }
    }

    fn open(&mut self, shape: Shape, style: StructureStyle, anchor: usize, span: Span) {
        let as_key = self.wants_key();
        let flow = style == StructureStyle::Flow;
        let rest = self.source.text().get(span.lo as usize..).unwrap_or("");
        let template = flow && rest.starts_with("{{");
        if template {
            let at = span.lo as usize;
            let line = self.source.text()[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let outer = self.stack.iter().any(|frame| frame.flow && self.start(frame.id) < line);
            self.report(|source| trap::bare_template(source, at, outer));
        }
        let id = self.push(span, Kind::Hole);
        self.stack.push(Frame {
            id,
            anchor,
            flow,
            shape,
            as_key,
            template,
            dashless: false,
            tight: None,
            size: 1,
            height: 1,
            end: span.lo,
        });
    }

    fn close(&mut self, span: Span) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let element = &mut self.elements[frame.id.0 as usize];
        element.span.hi = if frame.flow { span.hi } else { frame.end };
        let span = element.span;
        element.kind = match frame.shape {
            _ if frame.template || frame.dashless => Kind::Hole,
            Shape::Seq(items) => Kind::Seq(items),
            Shape::Map { entries, .. } => Kind::Map(entries.into()),
        };
        let anchored = Anchored { id: frame.id, size: frame.size, height: frame.height };
        if frame.as_key {
            if !frame.template {
                self.report(|_| trap::bad_key(false, span));
            }
            if let Some(Frame { shape: Shape::Map { pending, .. }, .. }) = self.stack.last_mut() {
                *pending = Pending::Dropped;
            }
            return;
        }
        self.remember(frame.anchor, anchored);
        self.place(frame.id, frame.size, frame.height);
    }

    /// Puts a finished element where the open collection expects it.
    fn place(&mut self, id: ElementId, size: u64, height: u32) {
        let span = self.elements[id.0 as usize].span;
        let Some(frame) = self.stack.last_mut() else {
            match self.root {
                Some(root) => self.join(root, id),
                None => self.root = Some(id),
            }
            return;
        };
        frame.size = frame.size.saturating_add(size);
        frame.height = frame.height.max(height.saturating_add(1));
        frame.end = frame.end.max(span.hi);
        let mut alias_key = false;
        match &mut frame.shape {
            Shape::Seq(items) => items.push(id),
            Shape::Map { entries, pending, .. } => match std::mem::replace(pending, Pending::Key) {
                Pending::Value(key, key_span) => {
                    entries.push(Entry { key, key_span, value: id });
                }
                Pending::Dropped => {}
                Pending::Key => {
                    *pending = Pending::Dropped;
                    alias_key = true;
                }
            },
        }
        if alias_key && self.elements[id.0 as usize].kind != Kind::Hole {
            self.report(|_| trap::bad_key(false, span));
        }
    }

    /// Adds the mapping of a second document to the first, so that what it says is not called missing.
    fn join(&mut self, root: ElementId, id: ElementId) {
        let Kind::Map(added) = &mut self.elements[id.0 as usize].kind else {
            return;
        };
        let added = std::mem::take(added);
        if let Kind::Map(entries) = &mut self.elements[root.0 as usize].kind {
            let known: BTreeSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
            entries.extend(added.iter().filter(|entry| !known.contains(&entry.key)).cloned());
        }
    }
}
