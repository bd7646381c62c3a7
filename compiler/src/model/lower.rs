//! (pure) What every section is lowered with: scalars, quantities, templates, and the names that are read.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Filter, Json, Piece, Slot, SlotSource, Text};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::written::{anew, keeps_kind};
use crate::source::{Span, Spanned, Texts};
use crate::syntax::{Kind, Node, ValueMap, ValueRange};
use crate::template::{self, Expr, Fault, Part, Read};

/// JSON elements in all bodies of a plan after aliases are followed; far above any plan written by hand.
const JSON_NODES_MAX: usize = 200_000;

/// Deepest nesting of a JSON value, so that an alias inside its own anchor ends.
const JSON_DEPTH_MAX: usize = 100;

/// Where a template stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Site {
    /// An endpoint's `base_url`.
    BaseUrl,
    /// Another setting of an endpoint or sink, rendered once on a node.
    Setting,
    /// A subject, topic, queue or stream.
    Channel,
    /// A statement of SQL.
    Statement,
    /// A program and its arguments.
    Command,
    /// The address of a page.
    Page,
    /// A label of a sink.
    Label,
    /// A path.
    Path,
    /// A query parameter.
    Query,
    /// A header.
    Header,
    /// A body.
    Body,
    /// An expectation.
    Expect,
    /// The value of a var, which holds none.
    Var,
    /// A condition, or the name of a list.
    Condition,
    /// A value that steps read.
    Value,
    /// Something that is decided when compiling.
    Fixed,
}

/// A name that a template reads, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// What is read.
    pub from: SlotSource,
    /// Where its name stands.
    pub span: Span,
    /// Where the template stands.
    pub site: Site,
    /// Whether it never leaves: a key that only signs, a var that is used when compiling.
    pub inside: bool,
    /// Whether its value is sent as text, which a list or mapping does not have.
    pub as_text: bool,
    /// Whether a filter gives it a value where it has none.
    pub has_default: bool,
}

/// The state of lowering one plan.
pub(crate) struct Lower<'a> {
    /// Where the text of a span is found.
    pub(super) source: &'a dyn Texts,
    pub(super) sink: &'a mut Diagnostics,
    /// Values of the plan's vars; all are known before anything else is lowered.
    pub(super) vars: &'a BTreeMap<String, Json>,
    /// Vars that something decided now depends on.
    pub(super) fixed: BTreeSet<String>,
    /// Names that stand in placeholders of other tools, which are text here.
    pub(super) placeholders: BTreeSet<String>,
    /// Names read since [`Lower::take_uses`].
    uses: Vec<Use>,
    /// Names read by what is decided now.
    fixed_uses: Vec<Use>,
    draws: u32,
    awaits: u32,
    json_nodes: usize,
    /// The scalar that was looked into last; one may hold thousands of templates.
    mapped: Option<ValueMap>,
}

impl<'a> Lower<'a> {
    pub(super) fn new(
        source: &'a dyn Texts,
        vars: &'a BTreeMap<String, Json>,
        sink: &'a mut Diagnostics,
    ) -> Lower<'a> {
        Lower {
            source,
            sink,
            vars,
            fixed: BTreeSet::new(),
            placeholders: BTreeSet::new(),
            uses: Vec::new(),
            fixed_uses: Vec::new(),
            draws: 0,
            awaits: 0,
            json_nodes: 0,
            mapped: None,
        }
    }

    /// Returns what was read since the last call, and numbers random draws from 0 again.
    pub(super) fn take_uses(&mut self) -> Vec<Use> {
        self.draws = 0;
        let (fixed, others) =
            std::mem::take(&mut self.uses).into_iter().partition(|read| read.site == Site::Fixed);
        self.fixed_uses.extend::<Vec<Use>>(fixed);
        others
    }

    /// Returns a number for an await that no other has.
    pub(super) fn next_await(&mut self) -> u32 {
        self.awaits += 1;
        self.awaits
    }

    /// Returns every name that is read by what is decided now.
    pub(super) fn take_fixed_uses(&mut self) -> Vec<Use> {
        self.take_uses();
        std::mem::take(&mut self.fixed_uses)
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }

    /// Returns the source bytes of `range` of the value of `node`.
    pub(super) fn place(&mut self, node: Node<'_>, range: ValueRange) -> Span {
        let same = self.mapped.take().filter(|map| map.whole() == node.value_span());
        let map = same.unwrap_or_else(|| ValueMap::of(self.source, node));
        let span = map.span(range);
        self.mapped = Some(map);
        span
    }

    /// Reports a fault inside a scalar at its own bytes.
    pub(super) fn fault(&mut self, node: Node<'_>, fault: Fault) {
        let span = self.place(node, fault.range);
        let found = Diagnostic::error(fault.code, span, fault.message);
        self.push(found.label(fault.label).help(fault.help).meant(fault.meant.map(String::from)));
    }

    /// Reports that `node` is no `wanted`.
    pub(super) fn wrong_kind(&mut self, node: Node<'_>, wanted: &str) {
        if node.is_hole() {
            return;
        }
        let message = format!("{} stands where {wanted} belongs", kind_name(node.kind()));
        let found = Diagnostic::error("plan::value::kind", node.span(), message);
        self.push(found.label(format!("expected {wanted}")).help(format!("write {wanted}")));
    }

    /// Reports a quantity outside of its limits.
    pub(super) fn out_of_range(&mut self, span: Span, message: String, help: &str) {
        let found = Diagnostic::error("plan::value::range", span, message);
        self.push(found.label("out of range").help(help));
    }

    /// Splits a string into literals and slots, and notes what they read; faults are reported.
    fn pieces(&mut self, node: Node<'_>, value: &str, site: Site) -> Option<Vec<Piece>> {
        let (parts, faults) = template::parse(value);
        let mut whole = faults.is_empty();
        for fault in faults {
            self.fault(node, fault);
        }
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Part::Literal(text) => {
                    if !matches!(site, Site::Fixed | Site::Expect) {
                        self.warn_of_placeholder(node, value, &text);
                    }
                    pieces.push(Piece::Literal(text));
                }
                Part::Slot(expr) => match self.slot(node, &expr, site) {
                    Some(slot) => pieces.push(Piece::Slot(slot)),
                    None => whole = false,
                },
            }
        }
        whole.then_some(pieces)
    }

    /// Resolves an expression of `node`, and notes what it reads; faults are reported.
    pub(super) fn slot(&mut self, node: Node<'_>, expr: &Expr, site: Site) -> Option<Slot> {
        let resolved = template::resolve(expr, self.vars, &mut self.draws);
        for fault in resolved.faults {
            self.fault(node, fault);
        }
        self.note(node, resolved.reads, site, resolved.slot.as_ref());
        resolved.slot
    }

    fn note(&mut self, node: Node<'_>, reads: Vec<Read>, site: Site, slot: Option<&Slot>) {
        let textual =
            matches!(site, Site::Path | Site::Query | Site::Header | Site::Channel | Site::Command);
        let as_text = textual && slot.is_some_and(keeps_kind);
        let default = |filter: &Filter| matches!(filter, Filter::Default(_));
        let has_default = slot.is_some_and(|slot| slot.filters.iter().any(default));
        for read in reads {
            let span = self.place(node, read.range);
            if site == Site::Expect
                && let Some(what) = anew(&read.from)
            {
                let help = "compare with a capture, data or a var: this is another value than the request was sent with";
                self.push(misplaced(span, what, "an expectation", help));
            }
            if let SlotSource::Var(name) = &read.from
                && (read.inside || site == Site::Fixed)
            {
                self.fixed.insert(name.clone());
            }
            self.uses.push(Use {
                from: read.from,
                span,
                site,
                inside: read.inside,
                as_text,
                has_default,
            });
        }
    }

    /// Lowers a scalar to a text with slots.
    pub(super) fn text(&mut self, node: Node<'_>, site: Site) -> Option<Text> {
        let literal = |text: &str| Some(Text(vec![Piece::Literal(text.to_owned())]));
        match node.kind() {
            Kind::Str { value, .. } if value.is_empty() => Some(Text::default()),
            Kind::Str { value, .. } => {
                let pieces = self.pieces(node, value, site)?;
                self.written_as_text(node, &pieces).then_some(Text(pieces))
            }
            Kind::Int(text) | Kind::Number(text) => literal(text),
            Kind::Bool(value) => literal(if *value { "true" } else { "false" }),
            Kind::Null | Kind::Seq(_) | Kind::Map(_) | Kind::Alias(_) | Kind::Hole => {
                self.wrong_kind(node, "a text");
                None
            }
        }
    }

    /// Lowers any value to JSON with slots; a string that is one template keeps the value's type.
    pub(super) fn json(&mut self, node: Node<'_>, site: Site) -> Option<Json> {
        self.json_at(node, site, 0)
    }

    fn json_at(&mut self, node: Node<'_>, site: Site, depth: usize) -> Option<Json> {
        self.json_nodes += 1;
        if self.json_nodes > JSON_NODES_MAX || depth > JSON_DEPTH_MAX {
            if self.json_nodes <= JSON_NODES_MAX + 1 {
                self.json_nodes = JSON_NODES_MAX + 1;
                self.push(too_much("JSON values", JSON_NODES_MAX as u64, node.span()));
            }
            return None;
        }
        match node.kind() {
            Kind::Null => Some(Json::Null),
            Kind::Bool(value) => Some(Json::Bool(*value)),
            Kind::Int(text) | Kind::Number(text) => Some(Json::Number(text.clone())),
            Kind::Str { value, .. } if value.is_empty() => Some(Json::Text(Text::default())),
            Kind::Str { value, .. } => {
                let mut pieces = self.pieces(node, value, site)?;
                match (pieces.pop(), pieces.is_empty()) {
                    (Some(Piece::Slot(slot)), true) => Some(Json::Slot(slot)),
                    (last, _) => {
                        pieces.extend(last);
                        Some(Json::Text(Text(pieces)))
                    }
                }
            }
            Kind::Seq(_) => {
                let items: Vec<Option<Json>> =
                    node.items().map(|item| self.json_at(item, site, depth + 1)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Json::List)
            }
            Kind::Map(_) => {
                let mut fields = Vec::new();
                let mut whole = true;
                for (entry, value) in node.entries() {
                    whole &= self.plain_key(&entry.key, entry.key_span);
                    match self.json_at(value, site, depth + 1) {
                        Some(json) => fields.push((entry.key.clone(), json)),
                        None => whole = false,
                    }
                }
                whole.then_some(Json::Object(fields))
            }
            Kind::Alias(_) | Kind::Hole => None,
        }
    }

    /// Returns whether a key is free of templates, and reports it otherwise.
    pub(super) fn plain_key(&mut self, key: &str, span: Span) -> bool {
        if template::has_template(key) {
            self.push(misplaced(span, "a template", "a key", "templates stand in values only"));
            return false;
        }
        true
    }

    /// Returns a scalar without templates.
    pub(super) fn literal(&mut self, node: Node<'_>, what: &str) -> Option<Spanned<String>> {
        let Some(value) = node.as_str() else {
            self.wrong_kind(node, what);
            return None;
        };
        if template::has_template(value) {
            let help = format!("write {what} as it is");
            self.push(misplaced(node.span(), "a template", what, &help));
            return None;
        }
        Some(Spanned::new(value.to_owned(), node.span()))
    }

    /// Returns a value that is known now: templates may read vars, which become fixed.
    pub(super) fn constant(&mut self, node: Node<'_>) -> Option<Json> {
        let before = self.uses.len();
        let json = self.json(node, Site::Fixed)?;
        let strange =
            self.uses[before..].iter().find(|read| !matches!(read.from, SlotSource::Var(_)));
        if let Some(read) = strange {
            let help = "only vars are known when compiling: write a value or `{{ vars.x }}`";
            self.sink.push(misplaced(read.span, "this name", "a value that shapes the plan", help));
            return None;
        }
        self.fix(node, json)
    }

    /// Puts vars into a value.
    fn fix(&mut self, node: Node<'_>, json: Json) -> Option<Json> {
        match json {
            Json::Slot(slot) => self.var_value(node, &slot),
            Json::Text(text) => {
                let mut out = String::new();
                for piece in text.0 {
                    match piece {
                        Piece::Literal(literal) => out.push_str(&literal),
                        Piece::Slot(slot) => {
                            let value = self.var_value(node, &slot)?;
                            let Some(text) = scalar(&value) else {
                                self.wrong_value(node, &value, "a text");
                                return None;
                            };
                            out.push_str(&text);
                        }
                    }
                }
                Some(plain(out))
            }
            Json::List(items) => {
                let items = items.into_iter().map(|item| self.fix(node, item));
                items.collect::<Option<Vec<_>>>().map(Json::List)
            }
            Json::Object(fields) => {
                let fields =
                    fields.into_iter().map(|(key, value)| Some((key, self.fix(node, value)?)));
                fields.collect::<Option<Vec<_>>>().map(Json::Object)
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => Some(json),
        }
    }

    /// Returns the value of a var's slot.
    fn var_value(&mut self, node: Node<'_>, slot: &Slot) -> Option<Json> {
        if !slot.filters.is_empty() {
            let help = "leave the filter out, or write the var as it is needed";
            let place = "a value that shapes the plan";
            self.push(misplaced(node.span(), "a filter", place, help));
            return None;
        }
        match &slot.from {
            // An unknown var is reported from its read.
            SlotSource::Var(name) => self.vars.get(name).cloned(),
            _ => None,
        }
    }
}

/// Says that something does not belong where it stands.
pub(crate) fn misplaced(span: Span, what: &str, place: &str, help: &str) -> Diagnostic {
    let message = format!("{what} cannot stand in {place}");
    Diagnostic::error("plan::template::place", span, message).label("not here").help(help)
}

/// Says that a plan holds more of something than is compiled.
pub(crate) fn too_much(what: &str, limit: u64, span: Span) -> Diagnostic {
    let message = format!("the plan has more than {limit} {what}");
    Diagnostic::error("plan::limit::exceeded", span, message)
        .label("too many")
        .help(format!("split the plan; {limit} {what} are compiled at most"))
}

/// Returns a JSON string without slots.
pub(crate) fn plain(value: String) -> Json {
    if value.is_empty() {
        Json::Text(Text::default())
    } else {
        Json::Text(Text(vec![Piece::Literal(value)]))
    }
}

/// Returns the text of a scalar without slots.
pub(crate) fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(text) => Some(text.clone()),
        Json::Text(text) => match text.0.as_slice() {
            [] => Some(String::new()),
            [Piece::Literal(text)] => Some(text.clone()),
            _ => None,
        },
        Json::Null | Json::Slot(_) | Json::List(_) | Json::Object(_) => None,
    }
}

pub(super) fn json_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a text",
        Json::Slot(_) => "a template",
        Json::List(_) => "a list",
        Json::Object(_) => "a mapping",
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "nothing",
        Kind::Bool(_) => "a boolean",
        Kind::Int(_) | Kind::Number(_) => "a number",
        Kind::Str { .. } => "a text",
        Kind::Seq(_) => "a list",
        Kind::Map(_) => "a mapping",
        Kind::Alias(_) | Kind::Hole => "something broken",
    }
}
