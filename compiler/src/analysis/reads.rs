//! (pure) What each step reads: names that are known where it stands, captures that are sure to have been made.

use crate::analysis::place::{self, Where};
use crate::analysis::scope::{At, Doubt, END, Order, Scope};
use crate::artifact::{CaptureFrom, Json, Load, Piece, SlotSource};
use crate::diagnostic::{Diagnostic, Diagnostics, Near, nearest};
use crate::graph::Flow;
use crate::model::{
    Block, Named, Origin, Plan, ScenarioPlan, Site, StepList, StepPlan, TransactionPlan, Use,
};
use crate::source::Span;
use crate::template::ROOTS;

/// The flows of all lists of a plan.
pub(super) struct Flows {
    /// Of `before`.
    pub(super) before: Flow,
    /// Of `after`.
    pub(super) after: Flow,
    /// Of each transaction that is called, in plan order.
    pub(super) transactions: Vec<Option<Flow>>,
    /// Of `before_each_user` and of the steps of each scenario, in plan order.
    pub(super) scenarios: Vec<Option<(Flow, Flow)>>,
}

/// Checks every name that a step reads.
pub(super) fn check(plan: &Plan, flows: &Flows, sink: &mut Diagnostics) {
    let before = Scope::new(&plan.before, &flows.before);
    let mut work = Reads { plan, before: &before, users: None, sink };
    work.list(Where::Before, &before);
    work.data();
    work.list(Where::After, &Scope::new(&plan.after, &flows.after));
    for (item, flow) in plan.transactions.items.iter().zip(&flows.transactions) {
        if let (Some(transaction), Some(flow)) = (&item.value, flow) {
            work.transaction(transaction, flow);
        }
    }
    for (item, flow) in plan.scenarios.items.iter().zip(&flows.scenarios) {
        let (Some(scenario), Some((each_user, steps))) = (&item.value, flow) else { continue };
        let users = Scope::new(&scenario.before_each_user, each_user);
        let mut work = Reads { plan, before: &before, users: Some(&users), sink: &mut *work.sink };
        work.list(Where::EachUser, &users);
        for (at, value) in scenario.lets.iter().enumerate() {
            let place = Where::Let(scenario, at);
            value.uses.iter().for_each(|read| work.elsewhere(place, false, read));
        }
        work.list(Where::Scenario(scenario), &Scope::new(&scenario.transaction, steps));
        users_of_open(plan, item, scenario, work.sink);
    }
}

struct Reads<'a, 's> {
    plan: &'a Plan,
    before: &'a Scope<'a>,
    /// Steps of `before_each_user`, within a scenario.
    users: Option<&'a Scope<'a>>,
    sink: &'s mut Diagnostics,
}

impl<'a> Reads<'a, '_> {
    /// Checks the lists of `before` that rows are items of.
    fn data(&mut self) {
        for (_, data) in self.plan.data.whole() {
            let Origin::List { step, capture, span } = &data.origin else { continue };
            let from = SlotSource::BeforeCapture { step: step.clone(), name: capture.clone() };
            let read = Use {
                from,
                span: *span,
                site: Site::Fixed,
                inside: false,
                as_text: false,
                has_default: false,
            };
            let spelled = format!("before.{step}");
            self.capture(self.before, &[END], (step, capture), &spelled, &read);
            let found = self.before.find(step).map(|(_, step)| &step.captures);
            let found = found.and_then(|known| known.iter().find(|one| one.name == *capture));
            let lowered = found.and_then(|found| found.capture.as_ref());
            let single =
                lowered.is_some_and(|one| !one.all && !matches!(one.from, CaptureFrom::Json(_)));
            if let (Some(found), true) = (found, single) {
                let message = format!("`{spelled}.{capture}` is one value, not a list");
                self.sink.push(
                    Diagnostic::error("plan::data::from", *span, message)
                        .label("rows are the items of a list")
                        .also(found.span, "captured here")
                        .help("add `all: true` to the capture"),
                );
            }
        }
    }

    fn transaction(&mut self, transaction: &'a TransactionPlan, flow: &Flow) {
        let scope = Scope::new(&transaction.list, flow);
        let place = Where::Transaction(transaction);
        self.list(place, &scope);
        for value in &transaction.returns {
            value.uses.iter().for_each(|read| self.read(place, &scope, &[END], false, read));
            self.bare(&scope, value.span, value.value.as_ref());
        }
    }

    /// Checks what the steps of a transaction read.
    fn list(&mut self, place: Where<'a>, scope: &Scope<'_>) {
        self.steps(place, scope, scope.root, &mut Vec::new(), false);
    }

    fn steps(
        &mut self,
        place: Where<'a>,
        scope: &Scope<'_>,
        list: &StepList,
        path: &mut Vec<At>,
        has_item: bool,
    ) {
        for (at, step) in list.steps.iter().enumerate() {
            path.push(At { step: at, branch: 0 });
            for read in &step.uses {
                self.read(place, scope, path, has_item, read);
            }
            if let Some(Block::Call { with, .. }) = &step.block {
                with.iter().for_each(|given| self.bare(scope, given.span, given.value.as_ref()));
            }
            let has_item = has_item || matches!(step.block, Some(Block::ForEach { .. }));
            for (branch, inner) in step.inner().into_iter().enumerate() {
                path.pop();
                path.push(At { step: at, branch });
                self.steps(place, scope, inner, path, has_item);
            }
            path.push(END);
            for read in step.block.iter().flat_map(Block::end_uses) {
                self.read(place, scope, path, has_item, read);
            }
            path.pop();
            path.pop();
        }
    }

    /// Reports a value that is the text of a name, and so not what is read by it.
    fn bare(&mut self, scope: &Scope<'_>, span: Span, value: Option<&Json>) {
        let Some(Json::Text(text)) = value else { return };
        let [Piece::Literal(text)] = text.0.as_slice() else { return };
        let words: Vec<&str> = text.split('.').collect();
        let is_name = match words.as_slice() {
            ["vars", name] => self.plan.vars.get(name).is_some(),
            ["secrets", name] => self.plan.secrets.get(name).is_some(),
            ["data", name, _] => self.plan.data.get(name).is_some(),
            [step, name] => scope
                .find(step)
                .is_some_and(|(_, step)| step.captures.iter().any(|capture| capture.name == *name)),
            _ => false,
        };
        if is_name {
            let message = format!("`{text}` is a text here, not what is read by that name");
            self.sink.push(
                Diagnostic::error("plan::template::foreign", span, message)
                    .label("handed on as it is written")
                    .help(format!("write `\"{{{{ {text} }}}}\"`")),
            );
        }
    }

    /// Checks one name that is read at `path`.
    fn read(
        &mut self,
        place: Where<'a>,
        scope: &Scope<'_>,
        path: &[At],
        has_item: bool,
        read: &Use,
    ) {
        match &read.from {
            SlotSource::Capture { step, name } => {
                self.capture(scope, path, (step, name), step, read);
            }
            _ => self.elsewhere(place, has_item, read),
        }
    }

    /// Checks a name that is no capture of the same transaction.
    fn elsewhere(&mut self, place: Where<'a>, has_item: bool, read: &Use) {
        if let Some(found) = place::check(self.plan, place, has_item, read) {
            self.sink.push(found);
            return;
        }
        match &read.from {
            SlotSource::BeforeCapture { step, name } => {
                let spelled = format!("before.{step}");
                self.capture(self.before, &[END], (step, name), &spelled, read);
            }
            SlotSource::UserCapture { step, name } => {
                let spelled = format!("user.{step}");
                if let Some(users) = self.users {
                    self.capture(users, &[END], (step, name), &spelled, read);
                }
            }
            _ => {}
        }
    }

    /// Checks that `step.name` is captured, and before the step at `path` on every path.
    fn capture(
        &mut self,
        scope: &Scope<'_>,
        path: &[At],
        (from, name): (&str, &str),
        spelled: &str,
        read: &Use,
    ) {
        let Some((source, step)) = scope.find(from) else {
            if scope.root.is_whole() {
                let found = unknown_step(scope, from, name, spelled, read);
                let known =
                    if spelled == from { self.elsewhere_known(scope, from, name) } else { None };
                self.sink.push(match known {
                    Some(help) => found.help(help),
                    None => found,
                });
            }
            return;
        };
        let Some(captured) = self.captured(step, name, spelled, read) else { return };
        if read.as_text && captured.is_list {
            let message = format!("`{spelled}.{name}` is a list, which has no text");
            self.sink.push(
                Diagnostic::error("plan::value::kind", read.span, message)
                    .label("a text is sent here")
                    .also(captured.span, "`all: true` captures a list")
                    .help(format!(
                        "write it as JSON, `{{{{ {spelled}.{name} | json }}}}`, or leave `all` out"
                    )),
            );
        }
        let has_default = captured.has_default || read.has_default;
        let whole = format!("{spelled}.{name}");
        let found = match scope.order(source, path) {
            Order::Before(None) | Order::Hidden => return,
            Order::Before(Some(_)) if has_default => return,
            Order::Before(Some(doubt)) => maybe(&whole, read, captured.span, &doubt),
            Order::OtherBranch(span) => {
                let why = "only one branch of a `choose` runs";
                maybe(&whole, read, captured.span, &Doubt { span, why })
            }
            Order::Same => unbound(from, &whole, read, captured.span)
                .help("a step cannot read what it captures itself; read it in a later step"),
            Order::NotBefore { reader, above: true } => unbound(from, &whole, read, captured.span)
                .help(match reader.is_named() {
                    true => format!("add `{from}` to the `needs` of `{}`", reader.name),
                    false => format!("add `{from}` to the `needs` of this step"),
                }),
            Order::NotBefore { reader: _, above: false } => {
                let help = if path.len() > 1 {
                    "capture it in an earlier step: a turn knows nothing of the turn before it"
                } else {
                    "capture it in an earlier step, or declare it under `data` or `vars`"
                };
                unbound(from, &whole, read, captured.span).help(help)
            }
        };
        self.sink.push(found);
    }

    /// Returns how the step `from`, which is none of this list, is read here, if the plan has it elsewhere.
    fn elsewhere_known(&self, scope: &Scope<'_>, from: &str, name: &str) -> Option<String> {
        if from == "env" {
            return Some(format!(
                "the environment is read by secrets: `secrets: {{ x: {{ env: {name} }} }}`, read as `secrets.x`"
            ));
        }
        if self.plan.data.get(from).is_some() {
            return Some(format!("write `data.{from}.{name}`"));
        }
        let calls = scope.root.all().into_iter().find_map(|step| match &step.block {
            Some(Block::Call { transaction, .. }) => {
                let called = self.plan.transactions.value(&transaction.value)?;
                called.list.all().iter().any(|inner| inner.name == from).then_some((step, called))
            }
            _ => None,
        });
        if let Some((step, called)) = calls {
            let known = called.returns.iter().find(|value| value.name == name);
            let known = known.or(called.returns.first()).map_or(name, |value| &value.name);
            return Some(format!(
                "`{from}` is a step of what `{0}` calls: read what that returns, `{0}.{known}`",
                step.name
            ));
        }
        for (root, known) in [("before", Some(self.before)), ("user", self.users)] {
            let known = known.filter(|known| !std::ptr::eq(known.root, scope.root));
            if known.is_some_and(|known| known.find(from).is_some()) {
                return Some(format!("write `{root}.{from}.{name}`"));
            }
        }
        let is_called = self
            .plan
            .transactions
            .whole()
            .any(|(_, called)| std::ptr::eq(&called.list, scope.root));
        is_called.then(|| "a transaction knows its own steps alone: hand the value over, with a param, and `with` in the call".to_owned())
    }

    /// Returns what `step` captures as `name`; what is missing is reported.
    fn captured(
        &mut self,
        step: &StepPlan,
        name: &str,
        spelled: &str,
        read: &Use,
    ) -> Option<Captured> {
        if let Some(capture) = step.captures.iter().find(|capture| capture.name == name) {
            let lowered = capture.capture.as_ref();
            return Some(Captured {
                span: capture.span,
                is_list: lowered.is_some_and(|capture| capture.all),
                has_default: lowered.is_none_or(|capture| capture.default.is_some()),
            });
        }
        if let Some(Block::Call { transaction, .. }) = &step.block {
            return self.returned(&transaction.value, step, name, spelled, read);
        }
        if step.complete {
            let known = step.captures.iter().map(|capture| capture.name.as_str());
            let found = uncaptured(step, name, read);
            self.sink.push(match nearest(name, known) {
                Some(near) => {
                    let word = format!("{spelled}.{}", near.word);
                    found.suggest(Near { word: &word, sure: near.sure })
                }
                None if step.block.is_some() => found
                    .help("a block captures nothing itself: read a capture of a step inside of it"),
                None => {
                    let own: Vec<String> =
                        step.captures.iter().take(5).map(|own| format!("`{spelled}.{}`", own.name)).collect();
                    let own = if own.is_empty() { String::new() } else { format!(", or read {}", own.join(", ")) };
                    found.help(format!(
                        "capture it in `{}`: `capture: {{ {name}: {{ json: \"$.{name}\" }} }}`{own}",
                        step.name
                    ))
                }
            });
        }
        None
    }

    /// Returns what a call returns as `name`.
    fn returned(
        &mut self,
        transaction: &str,
        step: &StepPlan,
        name: &str,
        spelled: &str,
        read: &Use,
    ) -> Option<Captured> {
        let called = self.plan.transactions.value(transaction)?;
        if let Some(value) = called.returns.iter().find(|value| value.name == name) {
            return Some(Captured {
                span: step.span,
                is_list: false,
                has_default: value.value.is_none(),
            });
        }
        if called.returns_whole {
            let known = called.returns.iter().map(|value| value.name.as_str());
            let message = format!("`{transaction}` returns no `{name}` to `{}`", step.name);
            let found = Diagnostic::error("plan::capture::unknown", read.span, message)
                .label("never returned")
                .also(step.span, "the call");
            self.sink.push(match nearest(name, known) {
                Some(near) => {
                    let word = format!("{spelled}.{}", near.word);
                    found.suggest(Near { word: &word, sure: near.sure })
                }
                None => {
                    let own: Vec<String> = called
                        .returns
                        .iter()
                        .take(5)
                        .map(|own| format!("`{spelled}.{}`", own.name))
                        .collect();
                    let own = if own.is_empty() {
                        String::new()
                    } else {
                        format!(", or read {}", own.join(", "))
                    };
                    found.help(format!("add `{name}` to the `returns` of `{transaction}`{own}"))
                }
            });
        }
        None
    }
}

/// A capture, or what a call returns.
struct Captured {
    span: Span,
    is_list: bool,
    has_default: bool,
}

fn unbound(from: &str, whole: &str, read: &Use, captured: Span) -> Diagnostic {
    let message = format!("`{whole}` is read before `{from}` is sure to have captured it");
    Diagnostic::error("plan::variable::unbound", read.span, message)
        .label("read here")
        .also(captured, "captured here")
}

fn maybe(whole: &str, read: &Use, captured: Span, doubt: &Doubt) -> Diagnostic {
    let message = format!("`{whole}` may not have been captured");
    Diagnostic::error("plan::variable::maybe-unbound", read.span, message)
        .label("read here without a default")
        .also(captured, "captured here")
        .also(doubt.span, doubt.why)
        .help(match read.site {
            Site::Condition => "give the capture a default (`default: none`), or read it inside of the same block",
            _ => "give it a default, in the capture (`default: none`) or where it is read (`| default(\"none\")`), or read it inside of the same block",
        })
}

fn uncaptured(step: &StepPlan, name: &str, read: &Use) -> Diagnostic {
    let message = format!("the step `{}` captures no `{name}`", step.name);
    Diagnostic::error("plan::capture::unknown", read.span, message)
        .label("never captured")
        .also(step.span, "the step")
}

fn unknown_step(
    scope: &Scope<'_>,
    from: &str,
    name: &str,
    spelled: &str,
    read: &Use,
) -> Diagnostic {
    let root = spelled.strip_suffix(from).unwrap_or("");
    // A step of this name is likelier than another root.
    let roots = ROOTS.into_iter().filter(|_| root.is_empty());
    let message = format!("there is no step `{from}` to read `{name}` of");
    let found =
        Diagnostic::error("plan::capture::unknown", read.span, message).label("unknown step");
    match nearest(from, scope.names()).or_else(|| nearest(from, roots)) {
        Some(near) => {
            let word = format!("{root}{}.{name}", near.word);
            found.suggest(Near { word: &word, sure: near.sure })
        }
        None => found.help(match root {
            "before." => "name a step of `before` at the top of the plan",
            "user." => "name a step of `before_each_user` of this scenario",
            _ => "a capture is read as `<step>.<capture>`, in a step that comes after",
        }),
    }
}

/// Reports what only closed scenarios have.
fn users_of_open(
    plan: &Plan,
    item: &Named<ScenarioPlan>,
    scenario: &ScenarioPlan,
    sink: &mut Diagnostics,
) {
    let open = scenario.load.as_ref().filter(|load| !matches!(load.load, Load::Closed(_)));
    let Some(load) = open else { return };
    let (kind, label) = match load.load {
        Load::Observe { .. } => ("observes", "observes traffic that exists"),
        Load::Open(_) | Load::Closed(_) => ("is open", "an open load"),
    };
    if let Some(span) = scenario.before_each_user_span {
        let message = match scenario.observes {
            true => format!("`{}` observes and has no users", item.name),
            false => format!("`{}` is open, where every arrival is a new user", item.name),
        };
        sink.push(
            Diagnostic::error("plan::user::open", span, message)
                .label(if scenario.observes {
                    "would never run"
                } else {
                    "would run for every arrival"
                })
                .also(load.span, label)
                .help("put these steps at the start of `steps`, or use a closed load"),
        );
    }
    for read in super::scenario_uses(plan, scenario) {
        if read.from == SlotSource::UserNumber {
            let message = format!("`{}` {kind} and has no users to number", item.name);
            sink.push(
                Diagnostic::error("plan::variable::user", read.span, message)
                    .label("closed scenarios only")
                    .also(load.span, label)
                    .help("only users of a closed load have a number: read `arrival.number`"),
            );
        }
    }
}
