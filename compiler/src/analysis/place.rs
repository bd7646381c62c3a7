//! (pure) Which names are known where: an arrival has data, a step around the run has none.

use crate::artifact::{Per, SlotSource};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::{Plan, ScenarioPlan, TransactionPlan, Use, misplaced};

/// Which steps something is read by.
#[derive(Clone, Copy)]
pub(super) enum Where<'a> {
    /// Those of a scenario.
    Scenario(&'a ScenarioPlan),
    /// `before_each_user`.
    EachUser,
    /// The value of `let` at this place.
    Let(&'a ScenarioPlan, usize),
    /// `before`
    Before,
    /// `after`
    After,
    /// Those of a transaction that is called.
    Transaction(&'a TransactionPlan),
}

impl Where<'_> {
    /// Returns what it is called in a message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Where::Scenario(_) => "a scenario's steps",
            Where::EachUser => "`before_each_user`",
            Where::Let(..) => "`let`",
            Where::Before => "`before`",
            Where::After => "`after`",
            Where::Transaction(_) => "a transaction",
        }
    }
}

/// Returns what is wrong with reading a name there; whether captures exist is not asked.
pub(super) fn check(
    plan: &Plan,
    place: Where<'_>,
    has_item: bool,
    read: &Use,
) -> Option<Diagnostic> {
    match (&read.from, place) {
        (SlotSource::Item, _) if has_item => None,
        (SlotSource::Item, _) => {
            let help = "an item is known in the steps of a `for_each`";
            Some(misplaced(read.span, "`item`", "steps outside of a `for_each`", help))
        }
        (SlotSource::Let(name), Where::Scenario(scenario)) => {
            let known = scenario.lets.iter().map(|value| value.name.as_str());
            let found = unknown("let", "`let` of this scenario", name, known, read);
            found.filter(|_| scenario.lets_whole)
        }
        (SlotSource::Let(name), Where::Let(scenario, at)) => early(scenario, at, name, read),
        (SlotSource::Param(name), Where::Transaction(transaction)) => {
            let known = transaction.params.iter().map(|param| param.value.as_str());
            let found = unknown("params", "`params` of this transaction", name, known, read);
            found.filter(|_| transaction.params_whole)
        }
        (from, place) => {
            let (what, help) = absent(plan, from, place)?;
            Some(misplaced(read.span, what, place.name(), help))
        }
    }
}

/// Returns what a name is that is not known at a place, and what to do instead.
pub(super) fn absent(
    plan: &Plan,
    from: &SlotSource,
    place: Where<'_>,
) -> Option<(&'static str, &'static str)> {
    const ONCE: &str = "it runs once for the cluster, before any arrival or user";
    const HAND: &str = "hand it over: add a param, and `with` to the call";
    match (from, place) {
        (SlotSource::Data { .. }, Where::Before | Where::After) => {
            Some(("data", "rows belong to arrivals: read a var, or the data in the scenario"))
        }
        (SlotSource::Data { data, .. }, Where::EachUser) => {
            let by_arrival = plan.data.value(data)?.per != Per::User;
            let help = "a row by arrival is not known yet: say `per: user` of this data";
            by_arrival.then_some(("data by arrival", help))
        }
        (SlotSource::ArrivalNumber | SlotSource::ArrivalId, Where::Before | Where::After) => {
            Some(("a name of an arrival", ONCE))
        }
        (SlotSource::ArrivalNumber | SlotSource::ArrivalId, Where::EachUser) => {
            Some(("a name of an arrival", "a user runs many arrivals: read `user.number`"))
        }
        (SlotSource::UserNumber | SlotSource::UserCapture { .. }, Where::Before | Where::After) => {
            Some(("a name of a user", ONCE))
        }
        (SlotSource::GroupName, Where::Before | Where::After) => {
            Some(("`group.name`", "it runs once for the cluster, in no group"))
        }
        (SlotSource::UserCapture { .. }, Where::EachUser) => {
            Some(("a capture as `user.…`", "read it as `<step>.<capture>` here"))
        }
        (SlotSource::BeforeCapture { .. }, Where::Before) => {
            Some(("a capture as `before.…`", "read it as `<step>.<capture>` here"))
        }
        (SlotSource::UserCapture { .. }, Where::Transaction(_)) => {
            Some(("a capture of `before_each_user`", HAND))
        }
        (SlotSource::Let(_), Where::Transaction(_)) => Some(("a value of `let`", HAND)),
        (SlotSource::Let(_), Where::Before | Where::After | Where::EachUser) => {
            Some(("a value of `let`", "it is drawn for each transaction, which this is not"))
        }
        (SlotSource::Param(_), _) => {
            Some(("a param", "params are known in the steps of `transactions` only"))
        }
        (SlotSource::Capture { .. }, Where::Let(..)) => Some((
            "a capture",
            "`let` is drawn before the first step: read the capture in the steps",
        )),
        _ => None,
    }
}

fn early(scenario: &ScenarioPlan, at: usize, name: &str, read: &Use) -> Option<Diagnostic> {
    let found = scenario.lets.iter().position(|value| value.name == name);
    match found {
        Some(found) if found < at => None,
        Some(found) => {
            let own = &scenario.lets[found];
            let message = format!("`let.{name}` is read before it is drawn");
            Some(
                Diagnostic::error("plan::variable::unbound", read.span, message)
                    .label("read here")
                    .also(own.span, "drawn here")
                    .help("values of `let` are drawn in order: write it above"),
            )
        }
        None => {
            let known = scenario.lets.iter().map(|value| value.name.as_str());
            unknown("let", "`let` of this scenario", name, known, read)
        }
    }
}

fn unknown<'a>(
    root: &str,
    section: &str,
    name: &str,
    mut known: impl Iterator<Item = &'a str> + Clone,
    read: &Use,
) -> Option<Diagnostic> {
    if known.clone().any(|known| known == name) {
        return None;
    }
    let help = match did_you_mean(name, known.by_ref()) {
        Some(close) => format!("did you mean `{root}.{close}`?"),
        None => format!("declare it under {section}"),
    };
    let message = format!("there is no `{root}.{name}`");
    Some(
        Diagnostic::error("plan::variable::unknown", read.span, message)
            .label(format!("not in {section}"))
            .help(help),
    )
}
