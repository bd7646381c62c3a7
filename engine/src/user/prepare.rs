//! (pure) Artifact and inputs → program: every name is resolved, once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use compiler::artifact::{self, Action, Artifact, Endpoint};

use super::capture::Capture;
use super::encode::Encoding;
use super::expect::Expectations;
use super::program::{HttpStep, Program, Scenario, Step};
use super::random::Seed;
use super::redact::Redactor;
use super::render::{RequestTemplate, Surroundings};
use super::rows::{RowRule, Table, TableError};
use super::slot::{Names, ScenarioNames, literal};
use super::template::{Scope, Template};
use super::unbuilt::unbuilt;
use super::value::Value;
use super::{Arrival, Inputs, Target, Values, target};
use crate::exchange::Wanted;

/// Why an artifact cannot be run with these inputs.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A var that the plan does not have.
    #[error("the plan has no var `{0}`")]
    UnknownVar(String),
    /// A var that the load depends on was given another value than the one that is compiled in.
    #[error("var `{0}` is compiled into the artifact; compile the plan with another value of it")]
    FixedVar(String),
    /// A var's text is no value of the type that the plan gives it.
    #[error("var `{var}` must be {wanted}, as in the plan")]
    VarType {
        /// Its name.
        var: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A secret that was not resolved.
    #[error("secret `{0}` is missing")]
    MissingSecret(String),
    /// A file that was not fetched.
    #[error("file `{0}` is missing")]
    MissingFile(String),
    /// A data file that is not the one that was compiled.
    #[error("data `{name}` cannot be read")]
    Data {
        /// Its name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: TableError,
    },
    /// An endpoint's address is none; it is not repeated here, since it may hold a secret.
    #[error("endpoint `{endpoint}` of group `{group}` has no usable `base_url`: {reason}")]
    BaseUrl {
        /// Its name.
        endpoint: String,
        /// The group.
        group: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that the artifact does not define.
    #[error("the artifact does not define `{0}`")]
    Unknown(String),
    /// A value that must hold no slot does, or holds a number that is none.
    #[error("the artifact holds a slot or a bad number where a plain value must stand")]
    Literal,
    /// A number that is none.
    #[error("`{0}` is not a JSON number")]
    Number(String),
    /// A pattern that does not compile.
    #[error("`{0}` is not a regular expression")]
    Regex(String),
    /// A path that does not compile.
    #[error("`{0}` is not a JSONPath")]
    JsonPath(String),
    /// A name that no header can have, or a value that none can hold.
    #[error("`{0}` cannot be sent as a header")]
    Header(String),
    /// A header that the driver sets.
    #[error("header `{0}` follows from the body and cannot be set")]
    Framing(String),
    /// Parts of the plan language that come later, in the words of a plan.
    #[error("this version cannot execute {} yet", .0.join(", "))]
    Unbuilt(Vec<String>),
}

/// Vars of one group by name.
type Vars = BTreeMap<String, Value<'static>>;

/// What all scenarios share.
struct Context<'a> {
    artifact: &'a Artifact,
    inputs: &'a Inputs,
    seed: u64,
    groups: Vec<(&'a str, Vars)>,
    tables: BTreeMap<&'a str, Arc<Table>>,
    targets: Vec<Target>,
}

/// Makes an artifact ready.
pub(super) fn program(artifact: Arc<Artifact>, inputs: &Inputs) -> Result<Program, PrepareError> {
    let unbuilt = unbuilt(&artifact);
    if !unbuilt.is_empty() {
        return Err(PrepareError::Unbuilt(unbuilt));
    }
    let mut context = Context {
        artifact: &artifact,
        inputs,
        seed: inputs.seed.unwrap_or(artifact.seed),
        groups: groups(&artifact, inputs)?,
        tables: tables(&artifact, &inputs.files)?,
        targets: Vec::new(),
    };
    context.targets = context.targets()?;
    let scenarios = artifact.scenarios.iter();
    let scenarios = scenarios.map(|(name, scenario)| context.scenario(name, scenario));
    let scenarios = scenarios.collect::<Result<Vec<_>, _>>()?;
    let targets = context.targets;
    Ok(Program { artifact, targets, scenarios, redactor: Redactor::new(&inputs.secrets) })
}

/// Returns each group with its vars: the plan's, over them the group's, over them the command line's.
fn groups<'a>(
    artifact: &'a Artifact,
    inputs: &Inputs,
) -> Result<Vec<(&'a str, Vars)>, PrepareError> {
    let mut given = Vars::new();
    for (name, text) in &inputs.vars {
        let var = artifact.vars.get(name);
        let var = var.ok_or_else(|| PrepareError::UnknownVar(name.clone()))?;
        let compiled = literal(&var.value)?;
        let value = read_var(name, &compiled, text)?;
        if var.fixed && value != compiled {
            return Err(PrepareError::FixedVar(name.clone()));
        }
        given.insert(name.clone(), value);
    }
    let mut groups = Vec::new();
    for (name, group) in &artifact.nodes.groups {
        let mut vars = Vars::new();
        for (name, var) in &artifact.vars {
            vars.insert(name.clone(), literal(&var.value)?);
        }
        for (name, json) in &group.vars {
            vars.insert(name.clone(), literal(json)?);
        }
        vars.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        groups.push((name.as_str(), vars));
    }
    Ok(groups)
}

/// Reads a var of the command line as the type that the plan gives it.
fn read_var(
    var: &str,
    compiled: &Value<'static>,
    text: &str,
) -> Result<Value<'static>, PrepareError> {
    let wrong = |wanted| PrepareError::VarType { var: var.to_owned(), wanted };
    match compiled {
        Value::Text(_) | Value::Null => Ok(Value::Text(text.to_owned().into())),
        Value::Bool(_) => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong("`true` or `false`")),
        },
        Value::Unsigned(_) | Value::Signed(_) | Value::Decimal(_) => {
            Value::of_number(text).ok_or_else(|| wrong("a number"))
        }
        Value::Tree(compiled) => {
            let tree: Option<serde_json::Value> = serde_json::from_str(text).ok();
            let alike = tree.filter(|tree| tree.is_array() == compiled.is_array());
            let alike = alike.filter(|tree| tree.is_object() == compiled.is_object());
            let wanted = if compiled.is_array() { "a JSON list" } else { "a JSON object" };
            alike.map(|tree| Value::Tree(Cow::Owned(tree))).ok_or_else(|| wrong(wanted))
        }
    }
}

/// Parses every data file; two data of one file are two tables.
fn tables<'a>(
    artifact: &'a Artifact,
    files: &BTreeMap<String, Bytes>,
) -> Result<BTreeMap<&'a str, Arc<Table>>, PrepareError> {
    let mut tables = BTreeMap::new();
    for (name, data) in &artifact.data {
        let content = files.get(&data.file.digest);
        let content = content.ok_or_else(|| PrepareError::MissingFile(data.file.path.clone()))?;
        let table = Table::parse(data, content)
            .map_err(|source| PrepareError::Data { name: name.clone(), source })?;
        tables.insert(name.as_str(), Arc::new(table));
    }
    Ok(tables)
}

/// Says what of an artifact cannot be executed; it is asked before anything is prepared, so this is never reached.
fn not_built(artifact: &Artifact) -> PrepareError {
    PrepareError::Unbuilt(unbuilt(artifact))
}

impl<'a> Context<'a> {
    /// Returns the names that are known outside of scenarios.
    fn names(&'a self, group: usize) -> Names<'a> {
        let (name, vars) = &self.groups[group];
        Names {
            run: &self.inputs.run,
            seed: self.seed,
            group: name,
            vars,
            secrets: &self.inputs.secrets,
            scenario: None,
            draws: Seed::root(self.seed),
        }
    }

    /// Returns the servers: endpoint × group.
    fn targets(&self) -> Result<Vec<Target>, PrepareError> {
        let nobody = Arrival { scenario: 0, number: 0, user: None, group: 0 };
        let nothing = Values::default();
        let scope = Scope { arrival: &nobody, values: &nothing, unix_ms: None };
        let mut targets = Vec::new();
        for (name, endpoint) in &self.artifact.endpoints {
            let Endpoint::Http(endpoint) = endpoint else { return Err(not_built(self.artifact)) };
            for (at, (group, _)) in self.groups.iter().enumerate() {
                let names = self.names(at);
                let no_text = || PrepareError::BaseUrl {
                    endpoint: name.clone(),
                    group: (*group).to_owned(),
                    reason: "a value of it or of its `tls` has no text",
                };
                let render = |text: &artifact::Text| {
                    let mut template = Template::default();
                    template.push_text(text, &names, Encoding::Plain, String::push_str)?;
                    template.text(scope).map(Cow::into_owned).map_err(|_| no_text())
                };
                let url = render(&endpoint.base_url)?;
                targets.push(target::read((name, endpoint), group, &url, &render)?);
            }
        }
        Ok(targets)
    }

    fn scenario(
        &'a self,
        name: &str,
        scenario: &artifact::Scenario,
    ) -> Result<Scenario, PrepareError> {
        let seed = Seed::root(self.seed).child(name);
        let captures = scenario.steps.iter().flat_map(|step| {
            step.capture.iter().map(|capture| (step.name.clone(), capture.name.clone()))
        });
        let mut scenario_names = ScenarioNames {
            name: name.to_owned(),
            captures: captures.enumerate().map(|(at, key)| (key, at)).collect(),
            data: BTreeMap::new(),
        };
        for (data_name, range) in &scenario.data {
            let unknown = || PrepareError::Unknown(format!("data.{data_name}"));
            let data = self.artifact.data.get(data_name).ok_or_else(unknown)?;
            let table = Arc::clone(self.tables.get(data_name.as_str()).ok_or_else(unknown)?);
            let seed = seed.child("data").child(data_name);
            let rule = Arc::new(RowRule::new(table, data, *range, seed));
            scenario_names.data.insert(data_name.clone(), (rule, data.columns.clone()));
        }
        let runs_on = |group: &str| {
            let mut seats = scenario.seats.keys().filter_map(|seat| seat.rsplit_once('/'));
            seats.any(|(of, _)| of == group)
        };
        let mut groups = Vec::new();
        for (at, (group, _)) in self.groups.iter().enumerate() {
            let mut steps = Vec::new();
            for step in scenario.steps.iter().filter(|_| runs_on(group)) {
                steps.push(self.step(step, at, &scenario_names, &seed.child(&step.name))?);
            }
            groups.push(steps);
        }
        let places = scenario_names.captures.values().max().map_or(0, |last| last + 1);
        Ok(Scenario { captures: places, groups })
    }

    fn step(
        &'a self,
        step: &artifact::Step,
        group: usize,
        scenario: &ScenarioNames,
        seed: &Seed,
    ) -> Result<Step, PrepareError> {
        let action = match &step.action {
            Action::Wait(wait) => return Ok(Step::Wait(*wait, seed.child("wait"))),
            Action::Http(action) => action,
            _ => return Err(not_built(self.artifact)),
        };
        let names = Names { scenario: Some(scenario), draws: seed.clone(), ..self.names(group) };
        let endpoint_names = Names { draws: seed.child("endpoint"), ..names.clone() };
        let mut endpoints = self.artifact.endpoints.iter().enumerate();
        let found = endpoints.find(|(_, (name, _))| **name == action.endpoint);
        let (at, (_, endpoint)) =
            found.ok_or_else(|| PrepareError::Unknown(action.endpoint.clone()))?;
        let Endpoint::Http(endpoint) = endpoint else { return Err(not_built(self.artifact)) };
        let target_index = at * self.groups.len() + group;
        let around = Surroundings {
            step: &step.name,
            endpoint,
            target: &self.targets[target_index],
            target_index,
            endpoint_names: &endpoint_names,
            names: &names,
            files: &self.artifact.files,
            contents: &self.inputs.files,
        };
        let expectations = Expectations::prepare(&step.expect, &names)?;
        let captures = step.capture.iter();
        let captures = captures
            .map(|capture| Capture::prepare(&step.name, capture, &scenario.captures, &names))
            .collect::<Result<Vec<_>, _>>()?;
        let wanted = Wanted {
            headers: expectations.reads_headers() || captures.iter().any(Capture::reads_headers),
            body: expectations.reads_body() || captures.iter().any(Capture::reads_body),
        };
        let request = RequestTemplate::prepare(action, step.timeout_ns, wanted, &around)?;
        Ok(Step::Http(Box::new(HttpStep { request, expectations, captures })))
    }
}
