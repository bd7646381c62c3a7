//! (pure) What steps and templates mention, checked where they stand.

use super::names::is_public_name;
use super::{driver, ensure, steps};
use crate::artifact::{
    Action, Artifact, Body, CaptureFrom, Choose, Condition, Endpoint, Expect, Filter, Json,
    JsonCheck, Let, Load, NameValue, OwnFrom, Part, PartContent, Piece, Scenario, Slot, SlotSource,
    Step, Text, TextCheck,
};

/// What a template may mention: everything of the artifact, and of a scenario where there is one.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) artifact: &'a Artifact,
    pub(super) scenario: Option<&'a Scenario>,
    /// Steps whose captures are known.
    pub(super) steps: &'a [Step],
    pub(super) params: &'a [String],
    pub(super) lets: &'a [Let],
    /// Whether an item of a list is known.
    pub(super) item: bool,
    pub(super) place: Place,
}

/// Who reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// An arrival of a scenario, or what belongs to none.
    Arrival,
    /// A user, before its first arrival.
    Users,
    /// What runs once for the cluster.
    Around,
    /// A transaction that is called: what its callers know decides.
    Called,
}

impl<'a> Scope<'a> {
    /// Returns what is known everywhere.
    pub(super) fn of(artifact: &'a Artifact) -> Scope<'a> {
        let (steps, params, lets) = (&[], &[], &[]);
        let (scenario, item, place) = (None, false, Place::Arrival);
        Scope { artifact, scenario, steps, params, lets, item, place }
    }

    /// Checks the steps of one transaction.
    pub(super) fn list(self, steps: &'a [Step]) -> Result<(), String> {
        steps::check_names(steps)?;
        Scope { steps, ..self }.inner(steps)
    }

    fn inner(self, steps: &[Step]) -> Result<(), String> {
        steps::check_dag(steps)?;
        steps.iter().try_for_each(|step| {
            self.step(step).map_err(|rule| format!("in step `{}`, {rule}", step.name))
        })
    }

    fn condition(self, condition: &Condition) -> Result<(), String> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().try_for_each(|part| self.condition(part))
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Compare { left, bound: _, right } => {
                self.json(left).and_then(|()| self.json(right))
            }
            Condition::In { value, list } => self.json(value).and_then(|()| self.json(list)),
            Condition::Is(value) => self.json(value),
        }
    }

    fn choose(self, choose: &Choose) -> Result<(), String> {
        let weights = choose.branches.iter().map(|branch| u128::from(branch.weight)).sum::<u128>();
        let weighted = choose.branches.iter().any(|branch| branch.when.is_none());
        ensure(!weighted || weights > 0, || "some branch has a weight".to_owned())?;
        choose.branches.iter().try_for_each(|branch| {
            branch.when.as_ref().map_or(Ok(()), |when| self.condition(when))?;
            self.inner(&branch.steps)
        })
    }

    fn step(self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Wait(_) => {}
            Action::ForEach(block) => {
                self.json(&block.list)?;
                Scope { item: true, ..self }.inner(&block.steps)?;
            }
            Action::Repeat(block) => {
                ensure(block.at_most > 0, || "a loop has at least one turn".to_owned())?;
                self.inner(&block.steps)?;
                block.until.as_ref().map_or(Ok(()), |until| self.condition(until))?;
            }
            Action::Choose(choose) => self.choose(choose)?,
            Action::Call(call) => {
                let called = self.artifact.transactions.get(&call.transaction);
                let called =
                    called.ok_or_else(|| format!("transaction `{}` exists", call.transaction))?;
                let asked = called.params.len() == call.with.len()
                    && called.params.iter().all(|param| call.with.contains_key(param));
                ensure(asked, || format!("`{}` is handed its params", call.transaction))?;
                call.with.values().try_for_each(|value| self.json(value))?;
            }
            Action::Http(http) => {
                driver::action(self, &step.action)?;
                self.text(&http.path)?;
                self.pairs(&http.query)?;
                self.pairs(&http.headers)?;
                self.body(&http.body)?;
            }
            other => driver::action(self, other)?,
        }
        step.when.as_ref().map_or(Ok(()), |when| self.condition(when))?;
        if let Some(retry) = &step.retry {
            ensure(retry.attempts > 1, || "a step is tried again at least once".to_owned())?;
        }
        for metric in &step.metrics {
            ensure(is_public_name(&metric.name), || format!("`{}` is a metric", metric.name))?;
            if let OwnFrom::Value(value) = &metric.from {
                self.json(value)?;
            }
        }
        self.expect(&step.expect)?;
        for capture in &step.capture {
            // Every other source is text that the engine's own library judges.
            if let CaptureFrom::Header(name) = &capture.from {
                let lower = name.to_ascii_lowercase() == *name;
                ensure(lower, || format!("header `{name}` is in lowercase"))?;
            }
            capture.default.as_ref().map_or(Ok(()), |default| self.json(default))?;
        }
        Ok(())
    }

    /// Returns the endpoint named `name`.
    pub(super) fn endpoint(&self, name: &str) -> Result<&Endpoint, String> {
        let endpoint = self.artifact.endpoints.get(name);
        endpoint.ok_or_else(|| format!("endpoint `{name}` exists"))
    }

    /// Checks that the file at `path` travels with the artifact.
    pub(super) fn file(self, path: &str) -> Result<(), String> {
        ensure(self.artifact.files.contains_key(path), || format!("file `{path}` is listed"))
    }

    fn part(self, part: &Part) -> Result<(), String> {
        part.filename.as_ref().map_or(Ok(()), |name| self.text(name))?;
        match &part.content {
            PartContent::Json(json) => self.json(json),
            PartContent::Text(text) => self.text(text),
            PartContent::File(path) => self.file(path),
        }
    }

    pub(super) fn body(self, body: &Body) -> Result<(), String> {
        match body {
            Body::Empty => Ok(()),
            Body::Json(json) => self.json(json),
            Body::Form(fields) => self.pairs(fields),
            Body::Text(text) => self.text(text),
            Body::File(path) | Body::JsonFile(path) => self.file(path),
            Body::Multipart(parts) => parts.iter().try_for_each(|part| self.part(part)),
        }
    }

    pub(super) fn expect(self, expect: &Expect) -> Result<(), String> {
        for range in &expect.status {
            ensure(range.from <= range.to, || "status codes go from low to high".to_owned())?;
        }
        for expected in &expect.json {
            match &expected.check {
                JsonCheck::Equals(json) => self.json(json)?,
                JsonCheck::Number { bound: _, value } => check_number(value)?,
            }
        }
        let checks = expect.header.iter().map(|(_, check)| check).chain(&expect.body);
        for check in checks {
            match check {
                TextCheck::Equals(text) | TextCheck::Contains(text) => self.text(text)?,
                TextCheck::Matches(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn pairs(self, pairs: &[NameValue]) -> Result<(), String> {
        pairs.iter().try_for_each(|pair| self.text(&pair.value))
    }

    pub(super) fn text(self, text: &Text) -> Result<(), String> {
        text.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(_) => Ok(()),
            Piece::Slot(slot) => self.slot(slot),
        })
    }

    pub(super) fn json(self, json: &Json) -> Result<(), String> {
        match json {
            Json::Null | Json::Bool(_) => Ok(()),
            Json::Number(text) => check_number(text),
            Json::Text(text) => self.text(text),
            Json::Slot(slot) => self.slot(slot),
            Json::List(items) => items.iter().try_for_each(|item| self.json(item)),
            Json::Object(fields) => fields.iter().try_for_each(|(_, value)| self.json(value)),
        }
    }

    fn slot(self, slot: &Slot) -> Result<(), String> {
        let Artifact { vars, secrets, data: files, lists, .. } = self.artifact;
        match &slot.from {
            SlotSource::Var(name) => {
                ensure(vars.contains_key(name), || format!("var `{name}` exists"))?;
            }
            SlotSource::Secret(name) => {
                ensure(secrets.contains_key(name), || format!("secret `{name}` exists"))?;
            }
            SlotSource::Data { data, column } => {
                let used = match self.scenario {
                    Some(scenario) => scenario.data.contains_key(data),
                    None => self.place == Place::Called,
                };
                let known = match files.get(data) {
                    Some(file) => file.columns.contains(column),
                    None => lists.contains_key(data),
                };
                ensure(used && known, || format!("column `{column}` of data `{data}` is read"))?;
            }
            SlotSource::Capture { step, name } => {
                self.capture(self.steps, step, name)?;
            }
            SlotSource::BeforeCapture { step, name } => {
                self.capture(&self.artifact.before, step, name)?;
            }
            SlotSource::UserCapture { step, name } => {
                let users = self.scenario.map_or(&[][..], |scenario| &scenario.before_each_user);
                self.capture(users, step, name)?;
            }
            SlotSource::Let(name) => {
                let known = self.lets.iter().any(|value| value.name == *name);
                ensure(known, || format!("let `{name}` is drawn before"))?;
            }
            SlotSource::Param(name) => {
                ensure(self.params.contains(name), || format!("param `{name}` exists"))?;
            }
            SlotSource::Item => {
                ensure(self.item, || "`item` is read in a `for_each`".to_owned())?;
            }
            SlotSource::UserNumber => {
                let closed = match self.scenario {
                    Some(scenario) => matches!(scenario.load, Load::Closed(_)),
                    None => self.place == Place::Called,
                };
                ensure(closed, || "`user.number` is read in a closed scenario".to_owned())?;
            }
            SlotSource::RandInt { min, max, place: _ } => {
                ensure(min <= max, || format!("a number is drawn between {min} and {max}"))?;
            }
            SlotSource::RandPick { items, place: _ } => {
                ensure(!items.is_empty(), || "a list that is picked from is not empty".to_owned())?;
                items.iter().try_for_each(|item| self.json(item))?;
            }
            SlotSource::ArrivalNumber | SlotSource::ArrivalId => {
                let known = matches!(self.place, Place::Arrival | Place::Called);
                ensure(known, || "an arrival is read where there is one".to_owned())?;
            }
            SlotSource::GroupName
            | SlotSource::RunId
            | SlotSource::Seed
            | SlotSource::RandUuid { place: _ }
            | SlotSource::NowUnixMs
            | SlotSource::NowIso => {}
        }
        slot.filters.iter().try_for_each(|filter| self.filter(filter))
    }

    /// Checks that `step` of `steps` captures or returns `name`.
    fn capture(self, steps: &[Step], step: &str, name: &str) -> Result<(), String> {
        let known = steps::find(steps, step).is_some_and(|step| match &step.action {
            Action::Call(call) => {
                let called = self.artifact.transactions.get(&call.transaction);
                called.is_some_and(|called| called.returns.contains_key(name))
            }
            _ => step.capture.iter().any(|capture| capture.name == *name),
        });
        ensure(known, || format!("capture `{name}` of step `{step}` exists"))
    }

    fn filter(self, filter: &Filter) -> Result<(), String> {
        match filter {
            Filter::Default(json) => self.json(json),
            Filter::HmacSha256(secret) => {
                let known = self.artifact.secrets.contains_key(secret);
                ensure(known, || format!("secret `{secret}` exists"))
            }
            Filter::Int
            | Filter::Number
            | Filter::Bool
            | Filter::Text
            | Filter::Json
            | Filter::Base64
            | Filter::Url
            | Filter::Raw => Ok(()),
        }
    }
}

fn check_number(text: &str) -> Result<(), String> {
    let number = serde_json::from_str::<serde_json::Number>(text);
    ensure(number.is_ok(), || format!("`{text}` is a JSON number"))
}
