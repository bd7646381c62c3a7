//! (pure) Conditions: kinds that can never be equal, values that are no booleans, branches that are never taken.

use crate::analysis::lists;
use crate::artifact::{Bound, CaptureFrom, Condition, Filter, Format, Json, Slot, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Block, ConditionPlan, Origin, Pair, Plan, StepList, StepPlan, Use};
use crate::source::Span;

/// What a value is when it is compared, where that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Null => "`null`",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::Text => "a text",
            Kind::List => "a list",
            Kind::Object => "a mapping",
        }
    }
}

/// Checks every condition of the plan.
pub(super) fn check(plan: &Plan, sink: &mut Diagnostics) {
    for list in lists(plan) {
        let known = Kinds { plan, steps: list.all() };
        for step in &known.steps {
            step.when.iter().for_each(|when| known.condition(when, sink));
            if let Some(when) = &step.when
                && let Some(value) = when.condition.as_ref().and_then(truth)
            {
                let (what, help) = match value {
                    true => ("always", "leave `when` out"),
                    false => ("never", "take the step out, or compare with something that changes"),
                };
                sink.push(constant(when.span, &format!("the step {what} runs"), help));
            }
            known.block(step, sink);
        }
    }
}

/// Returns what a condition of literals comes to; `None` where it depends on the run.
fn truth(condition: &Condition) -> Option<bool> {
    match condition {
        Condition::All(parts) => {
            let known: Vec<Option<bool>> = parts.iter().map(truth).collect();
            if known.contains(&Some(false)) {
                return Some(false);
            }
            known.iter().all(|part| *part == Some(true)).then_some(true)
        }
        Condition::Any(parts) => {
            let known: Vec<Option<bool>> = parts.iter().map(truth).collect();
            if known.contains(&Some(true)) {
                return Some(true);
            }
            known.iter().all(|part| *part == Some(false)).then_some(false)
        }
        Condition::Not(inner) => truth(inner).map(|value| !value),
        Condition::Is(Json::Bool(value)) => Some(*value),
        Condition::Compare { left, bound, right } if is_literal(left) && is_literal(right) => {
            compare(left, *bound, right)
        }
        Condition::In { value, list: Json::List(items) }
            if is_literal(value) && items.iter().all(is_literal) =>
        {
            Some(items.iter().any(|item| compare(value, Bound::Equal, item) == Some(true)))
        }
        Condition::Is(_) | Condition::Compare { .. } | Condition::In { .. } => None,
    }
}

fn is_literal(json: &Json) -> bool {
    matches!(json, Json::Null | Json::Bool(_) | Json::Number(_))
        || matches!(json, Json::Text(text) if text.0.len() <= 1)
}

fn compare(left: &Json, bound: Bound, right: &Json) -> Option<bool> {
    let number = |json: &Json| match json {
        Json::Number(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    let order = match (number(left), number(right)) {
        (Some(left), Some(right)) => Some(left.total_cmp(&right)),
        _ => None,
    };
    let equal = order.map_or(left == right, std::cmp::Ordering::is_eq);
    match bound {
        Bound::Equal => Some(equal),
        Bound::NotEqual => Some(!equal),
        Bound::Less => order.map(std::cmp::Ordering::is_lt),
        Bound::AtMost => order.map(std::cmp::Ordering::is_le),
        Bound::Greater => order.map(std::cmp::Ordering::is_gt),
        Bound::AtLeast => order.map(std::cmp::Ordering::is_ge),
    }
}

/// What is known of the values that the steps of one transaction read.
struct Kinds<'a> {
    plan: &'a Plan,
    steps: Vec<&'a StepPlan>,
}

impl Kinds<'_> {
    fn condition(&self, plan: &ConditionPlan, sink: &mut Diagnostics) {
        for value in &plan.bare {
            let Some(kind) = self.kind(&value.value).filter(|kind| *kind != Kind::Bool) else {
                continue;
            };
            let message = format!("this is {}, and a condition is true or false", kind.name());
            sink.push(
                Diagnostic::error("plan::expression::kind", value.span, message)
                    .label(kind.name())
                    .help("compare it: `list.total > 0`, `poll.state == \"done\"`"),
            );
        }
        for pair in &plan.pairs {
            self.pair(pair, sink);
        }
    }

    fn pair(&self, pair: &Pair, sink: &mut Diagnostics) {
        let (left, right) = (self.kind(&pair.left.value), self.kind(&pair.right.value));
        match pair.bound {
            None => {
                if let Some(kind) = right.filter(|kind| *kind != Kind::List) {
                    let message = format!("`in` asks for a list, and this is {}", kind.name());
                    sink.push(
                        Diagnostic::error("plan::expression::kind", pair.right.span, message)
                            .label(kind.name())
                            .help("write a list, such as `[\"a\", \"b\"]`, or name one"),
                    );
                }
            }
            Some(bound @ (Bound::Equal | Bound::NotEqual)) => {
                let (Some(left), Some(right)) = (left, right) else { return };
                if left == right || left == Kind::Null || right == Kind::Null {
                    return;
                }
                let always = if bound == Bound::Equal { "never equal" } else { "never the same" };
                let message = format!("{} and {} are {always}", left.name(), right.name());
                let help = match (left, right) {
                    (Kind::Number, Kind::Text) => "write the number without quotes",
                    (Kind::Text, Kind::Number) => {
                        "put the number in quotes: the other side is a text"
                    }
                    (Kind::Text, Kind::Bool) => {
                        "put `true` or `false` in quotes: the other side is a text"
                    }
                    _ => "compare values of one kind",
                };
                sink.push(
                    Diagnostic::warning("plan::expression::never", pair.right.span, message)
                        .label(right.name())
                        .also(pair.left.span, left.name())
                        .help(help),
                );
            }
            Some(_) => {
                for side in [&pair.left, &pair.right] {
                    let kind = self.kind(&side.value);
                    let quoted = matches!(side.value, Json::Text(_));
                    let Some(kind) = kind
                        .filter(|kind| *kind != Kind::Number && (quoted || *kind != Kind::Text))
                    else {
                        continue;
                    };
                    let message =
                        format!("`<` and `>` compare numbers, and this is {}", kind.name());
                    sink.push(
                        Diagnostic::error("plan::expression::kind", side.span, message)
                            .label(kind.name())
                            .help("write a number without quotes, or compare with `==`"),
                    );
                }
            }
        }
    }

    fn kind(&self, json: &Json) -> Option<Kind> {
        match json {
            Json::Null => Some(Kind::Null),
            Json::Bool(_) => Some(Kind::Bool),
            Json::Number(_) => Some(Kind::Number),
            Json::Text(_) => Some(Kind::Text),
            Json::List(_) => Some(Kind::List),
            Json::Object(_) => Some(Kind::Object),
            Json::Slot(slot) => self.slot(slot),
        }
    }

    fn slot(&self, slot: &Slot) -> Option<Kind> {
        let mut kind = match &slot.from {
            SlotSource::Var(name) => {
                let value = self.plan.vars.value(name)?;
                if matches!(value, Json::Slot(_)) { None } else { self.kind(value) }
            }
            SlotSource::Secret(_)
            | SlotSource::ArrivalId
            | SlotSource::GroupName
            | SlotSource::RunId
            | SlotSource::NowIso
            | SlotSource::RandUuid { .. } => Some(Kind::Text),
            SlotSource::Data { data, .. } => self.column(data),
            SlotSource::ArrivalNumber
            | SlotSource::UserNumber
            | SlotSource::Seed
            | SlotSource::RandInt { .. }
            | SlotSource::NowUnixMs => Some(Kind::Number),
            SlotSource::Capture { step, name } => self.capture(step, name),
            SlotSource::BeforeCapture { .. }
            | SlotSource::UserCapture { .. }
            | SlotSource::Let(_)
            | SlotSource::Param(_)
            | SlotSource::Item
            | SlotSource::RandPick { .. } => None,
        };
        for filter in &slot.filters {
            kind = match filter {
                Filter::Int | Filter::Number => Some(Kind::Number),
                Filter::Bool => Some(Kind::Bool),
                Filter::Text
                | Filter::Json
                | Filter::Base64
                | Filter::Url
                | Filter::HmacSha256(_) => Some(Kind::Text),
                Filter::Default(_) => None,
                Filter::Raw => kind,
            };
        }
        kind
    }

    /// Columns of CSV are text; those of other files have the kinds that they are written with.
    fn column(&self, data: &str) -> Option<Kind> {
        let source = self.plan.data.value(data)?;
        matches!(source.origin, Origin::File { format: Format::Csv, .. }).then_some(Kind::Text)
    }

    fn capture(&self, step: &str, name: &str) -> Option<Kind> {
        let step = self.steps.iter().find(|known| known.name == step)?;
        let capture = step.captures.iter().find(|capture| capture.name == name)?;
        let capture = capture.capture.as_ref()?;
        match &capture.from {
            _ if capture.all => Some(Kind::List),
            _ if capture.default.is_some() => None,
            CaptureFrom::Status => Some(Kind::Number),
            CaptureFrom::Header(_)
            | CaptureFrom::Regex(_)
            | CaptureFrom::Key
            | CaptureFrom::Subject(_) => Some(Kind::Text),
            CaptureFrom::Json(_) => None,
        }
    }

    /// Checks the lists, loops and branches of a block.
    fn block(&self, step: &StepPlan, sink: &mut Diagnostics) {
        match &step.block {
            Some(Block::ForEach { list: Some(Json::List(items)), span, .. })
                if items.is_empty() =>
            {
                let message = "the list is empty, so these steps never run";
                sink.push(
                    Diagnostic::warning("plan::flow::unreachable", *span, message)
                        .label("no items")
                        .help("name a list: a var, or a capture with `all: true`"),
                );
            }
            Some(Block::ForEach { list: Some(list), span, .. }) => {
                if let Some(kind) = self.kind(list).filter(|kind| *kind != Kind::List) {
                    let message =
                        format!("`for_each` asks for a list, and this is {}", kind.name());
                    sink.push(
                        Diagnostic::error("plan::flow::list", *span, message)
                            .label(kind.name())
                            .help("name a list: a var, or a capture with `all: true`"),
                    );
                }
            }
            Some(Block::Repeat { until: Some(until), until_uses, body, .. }) => {
                self.condition(until, sink);
                if body.is_whole() && stays(body, until_uses) {
                    let message = "the loop asks for nothing that its steps capture";
                    let help =
                        "compare with a capture of a step inside of it, or write `repeat: 3` alone";
                    let found = Diagnostic::warning("plan::expression::never", until.span, message);
                    // What cannot be read was reported.
                    if !until_uses.iter().any(|read| sink.touches(read.span)) {
                        sink.push(found.label("the same after every turn").help(help));
                    }
                }
                if let Some(value) = until.condition.as_ref().and_then(truth) {
                    let (what, help) = match value {
                        true => (
                            "ends after one turn",
                            "take the block away, or compare with a capture of its steps",
                        ),
                        false => ("always takes all its turns", "write `repeat: 3` alone"),
                    };
                    sink.push(constant(until.span, &format!("the loop {what}"), help));
                }
            }
            Some(Block::Choose { branches, .. }) => {
                let mut taken: Option<Span> = None;
                for branch in branches {
                    if let Some(first) = taken {
                        let message = "this branch is never taken";
                        sink.push(
                            Diagnostic::warning("plan::flow::unreachable", branch.span, message)
                                .label("never taken")
                                .also(first, "this one always is")
                                .help("take it out, or change the condition above it"),
                        );
                        continue;
                    }
                    let Some(when) = &branch.when else { continue };
                    self.condition(when, sink);
                    match when.condition.as_ref().and_then(truth) {
                        Some(true) => taken = Some(when.span),
                        Some(false) => sink.push(
                            Diagnostic::warning(
                                "plan::flow::unreachable",
                                when.span,
                                "this branch is never taken",
                            )
                            .label("never true")
                            .help("take it out, or compare with something that changes"),
                        ),
                        None => {}
                    }
                }
            }
            Some(Block::ForEach { .. } | Block::Repeat { .. } | Block::Call { .. }) | None => {}
        }
    }
}

/// Returns whether everything that is read at the end of each turn of `body` is what it was before, and something is.
fn stays(body: &StepList, reads: &[Use]) -> bool {
    let steps = body.all();
    let changes = |read: &Use| match &read.from {
        SlotSource::Capture { step, .. } => steps.iter().any(|known| known.name == *step),
        SlotSource::NowUnixMs
        | SlotSource::NowIso
        | SlotSource::RandInt { .. }
        | SlotSource::RandUuid { .. }
        | SlotSource::RandPick { .. } => true,
        _ => false,
    };
    !reads.is_empty() && !reads.iter().any(changes)
}

fn constant(span: Span, message: &str, help: &str) -> Diagnostic {
    Diagnostic::warning("plan::expression::never", span, message.to_owned())
        .label("the same in every run")
        .help(help)
}
