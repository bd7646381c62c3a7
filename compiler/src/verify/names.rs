//! (pure) Names: everything that is mentioned exists, and steps are a DAG.

use std::collections::{BTreeMap, BTreeSet};

use super::{driver, ensure};
use crate::artifact::{
    Action, Artifact, Body, CaptureFrom, Endpoint, Expect, FileRef, Filter, Json, JsonCheck, Load,
    NameValue, Part, PartContent, Piece, Scenario, Slot, SlotSource, Step, Text, TextCheck,
    Threshold,
};

/// Checks names everywhere in the artifact.
pub(super) fn check(artifact: &Artifact) -> Result<(), String> {
    let names = artifact.scenarios.keys().chain(artifact.nodes.groups.keys());
    for name in names.chain([&artifact.plan]) {
        ensure(is_public_name(name), || {
            format!("`{name}` is no name of a plan, scenario or group")
        })?;
    }
    let steps = artifact.scenarios.values().flat_map(|scenario| &scenario.steps);
    let inner = steps.map(|step| &step.name).chain(artifact.data.keys());
    for name in inner {
        let nameless = name.strip_prefix('#').is_some_and(|n| n.parse::<u32>().is_ok());
        ensure(nameless || is_public_name(name), || {
            format!("`{name}` is no name of a step or data")
        })?;
    }
    let files = artifact.data.values().map(|data| &data.file).chain(artifact.files.values());
    for file in files {
        check_digest(file)?;
    }
    let world = Scope { artifact, scenario: None };
    for var in artifact.vars.values() {
        world.json(&var.value)?;
    }
    for group in artifact.nodes.groups.values() {
        for (name, value) in &group.vars {
            ensure(artifact.vars.contains_key(name), || format!("var `{name}` of a group exists"))?;
            world.json(value)?;
        }
    }
    for endpoint in artifact.endpoints.values() {
        driver::endpoint(world, endpoint)?;
    }
    for (name, sink) in &artifact.sinks {
        driver::sink(world, sink).map_err(|rule| format!("in sink `{name}`, {rule}"))?;
    }
    for (name, scenario) in &artifact.scenarios {
        check_scenario(artifact, scenario)
            .map_err(|rule| format!("in scenario `{name}`, {rule}"))?;
    }
    for (name, threshold) in &artifact.thresholds {
        check_selector(artifact, threshold)
            .map_err(|rule| format!("in threshold `{name}`, {rule}"))?;
    }
    Ok(())
}

/// `[a-z][a-z0-9_-]{0,62}`
fn is_public_name(name: &str) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    name.len() <= 63
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && name.bytes().all(rest)
}

fn check_digest(file: &FileRef) -> Result<(), String> {
    let hex = file.digest.strip_prefix("blake3:").unwrap_or("");
    let spelled =
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || b"abcdef".contains(&b));
    ensure(spelled, || format!("file `{}` has a digest", file.path))
}

fn check_selector(artifact: &Artifact, threshold: &Threshold) -> Result<(), String> {
    let select = &threshold.select;
    let Some(name) = &select.scenario else {
        return ensure(select.step.is_none(), || "a step is chosen with its scenario".to_owned());
    };
    let scenario = artifact.scenarios.get(name);
    let scenario = scenario.ok_or_else(|| format!("scenario `{name}` exists"))?;
    let Some(step) = &select.step else { return Ok(()) };
    let known = step == "*" || scenario.steps.iter().any(|other| other.name == *step);
    ensure(known, || format!("step `{step}` of `{name}` exists"))
}

fn check_scenario(artifact: &Artifact, scenario: &Scenario) -> Result<(), String> {
    for data in scenario.data.keys() {
        ensure(artifact.data.contains_key(data), || format!("data `{data}` exists"))?;
    }
    check_dag(&scenario.steps)?;
    let scope = Scope { artifact, scenario: Some(scenario) };
    scenario.steps.iter().try_for_each(|step| {
        scope.step(step).map_err(|rule| format!("in step `{}`, {rule}", step.name))
    })
}

/// Checks that step names differ, `needs` are known, and no step needs itself over others.
fn check_dag(steps: &[Step]) -> Result<(), String> {
    ensure(!steps.is_empty(), || "there is a step".to_owned())?;
    let places: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(at, step)| (step.name.as_str(), at)).collect();
    ensure(places.len() == steps.len(), || "step names differ".to_owned())?;
    let mut open = vec![0usize; steps.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        let needs: BTreeSet<&str> = step.needs.iter().map(String::as_str).collect();
        for need in needs {
            let found = places.get(need);
            let before = found.ok_or_else(|| format!("step `{need}` that is needed exists"))?;
            after[*before].push(at);
            open[at] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..steps.len()).filter(|at| open[*at] == 0).collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for next in &after[at] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    ensure(done == steps.len(), || "no step needs itself, directly or over others".to_owned())
}

/// What a template may mention: everything of the artifact, and of a scenario where there is one.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    artifact: &'a Artifact,
    scenario: Option<&'a Scenario>,
}

impl Scope<'_> {
    fn step(self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Wait(_) => {}
            Action::Http(http) => {
                driver::action(self, &step.action)?;
                self.text(&http.path)?;
                self.pairs(&http.query)?;
                self.pairs(&http.headers)?;
                self.body(&http.body)?;
            }
            other => driver::action(self, other)?,
        }
        if let Action::Await(wait) = &step.action {
            let steps = self.scenario.map_or(&[][..], |scenario| &scenario.steps);
            let known = steps.iter().any(|other| other.name == wait.since);
            let since = &wait.since;
            ensure(known, || format!("step `{since}` that is counted from exists"))?;
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
        let Artifact { vars, secrets, data: files, .. } = self.artifact;
        match &slot.from {
            SlotSource::Var(name) => {
                ensure(vars.contains_key(name), || format!("var `{name}` exists"))?;
            }
            SlotSource::Secret(name) => {
                ensure(secrets.contains_key(name), || format!("secret `{name}` exists"))?;
            }
            SlotSource::Data { data, column } => {
                let used = self.scenario.is_some_and(|scenario| scenario.data.contains_key(data));
                let known = files.get(data).is_some_and(|data| data.columns.contains(column));
                ensure(used && known, || format!("column `{column}` of data `{data}` is read"))?;
            }
            SlotSource::Capture { step, name } => {
                let steps = self.scenario.map_or(&[][..], |scenario| &scenario.steps);
                let step_known = steps.iter().find(|other| other.name == *step);
                let known =
                    step_known.is_some_and(|step| step.capture.iter().any(|c| c.name == *name));
                ensure(known, || format!("capture `{name}` of step `{step}` exists"))?;
            }
            SlotSource::UserNumber => {
                let closed = self.scenario.is_some_and(|s| matches!(s.load, Load::Closed(_)));
                ensure(closed, || "`user.number` is read in a closed scenario".to_owned())?;
            }
            SlotSource::RandInt { min, max, place: _ } => {
                ensure(min <= max, || format!("a number is drawn between {min} and {max}"))?;
            }
            SlotSource::RandPick { items, place: _ } => {
                ensure(!items.is_empty(), || "a list that is picked from is not empty".to_owned())?;
                items.iter().try_for_each(|item| self.json(item))?;
            }
            SlotSource::ArrivalNumber
            | SlotSource::ArrivalId
            | SlotSource::GroupName
            | SlotSource::RunId
            | SlotSource::Seed
            | SlotSource::RandUuid { place: _ }
            | SlotSource::NowUnixMs
            | SlotSource::NowIso => {}
        }
        slot.filters.iter().try_for_each(|filter| self.filter(filter))
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
