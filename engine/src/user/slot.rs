//! (pure) Names of a plan → what a slot reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use compiler::artifact::{self, Json, SlotSource};

use super::PrepareError;
use super::random::Seed;
use super::rows::RowRule;
use super::template::{Slot, Source};
use super::value::{Filter, Value};

/// What names stand for, as seen from one group, scenario and step.
#[derive(Clone)]
pub(super) struct Names<'a> {
    pub(super) run: &'a str,
    pub(super) seed: u64,
    pub(super) group: &'a str,
    /// Vars with the group's and the command line's laid over.
    pub(super) vars: &'a BTreeMap<String, Value<'static>>,
    pub(super) secrets: &'a BTreeMap<String, String>,
    /// `None` outside of scenarios, where an arrival's values are not known.
    pub(super) scenario: Option<&'a ScenarioNames>,
    /// Parent of the draws: a step's, or an endpoint's within the step.
    pub(super) draws: Seed,
}

/// What names stand for within a scenario.
pub(super) struct ScenarioNames {
    pub(super) name: String,
    /// Place of each capture (step, name) among a transaction's values.
    pub(super) captures: BTreeMap<(String, String), usize>,
    /// Rows and columns of each data that it uses.
    pub(super) data: BTreeMap<String, (Arc<RowRule>, Vec<String>)>,
}

impl Names<'_> {
    /// Resolves a slot.
    pub(super) fn slot(&self, slot: &artifact::Slot) -> Result<Slot, PrepareError> {
        let (label, source) = self.source(&slot.from)?;
        let (mut filters, mut raw, mut encoded) = (Vec::new(), false, false);
        for filter in &slot.filters {
            encoded = matches!(filter, artifact::Filter::Url);
            filters.push(match filter {
                artifact::Filter::Int => Filter::Int,
                artifact::Filter::Number => Filter::Number,
                artifact::Filter::Bool => Filter::Bool,
                artifact::Filter::Text => Filter::Text,
                artifact::Filter::Json => Filter::Json,
                artifact::Filter::Base64 => Filter::Base64,
                artifact::Filter::Url => Filter::Url,
                artifact::Filter::HmacSha256(name) => {
                    Filter::HmacSha256(self.secret(name)?.as_bytes().to_vec())
                }
                artifact::Filter::Default(json) => Filter::Default(literal(json)?),
                artifact::Filter::Raw => {
                    raw = true;
                    continue;
                }
            });
        }
        Ok(Slot { label, source, filters, raw, encoded })
    }

    fn secret(&self, name: &str) -> Result<&str, PrepareError> {
        let found = self.secrets.get(name).map(String::as_str);
        found.ok_or_else(|| PrepareError::MissingSecret(name.to_owned()))
    }

    fn scenario(&self, what: &str) -> Result<&ScenarioNames, PrepareError> {
        self.scenario.ok_or_else(|| PrepareError::Unknown(what.to_owned()))
    }

    /// Returns the slot's name for messages, and its source.
    fn source(&self, from: &SlotSource) -> Result<(String, Source), PrepareError> {
        let unknown = |label: &str| PrepareError::Unknown(label.to_owned());
        let text = |text: &str| Source::Constant(Value::Text(text.to_owned().into()));
        let draw = |place: &u32| self.draws.child(&place.to_string());
        let (label, source) = match from {
            SlotSource::Var(name) => {
                let label = format!("vars.{name}");
                let value = self.vars.get(name).ok_or_else(|| unknown(&label))?;
                (label, Source::Constant(value.clone()))
            }
            SlotSource::Secret(name) => (format!("secrets.{name}"), text(self.secret(name)?)),
            SlotSource::Data { data, column } => {
                let label = format!("data.{data}.{column}");
                let found = self.scenario(&label)?.data.get(data);
                let (rule, columns) = found.ok_or_else(|| unknown(&label))?;
                let at = columns.iter().position(|name| name == column);
                let column = at.ok_or_else(|| unknown(&label))?;
                (label, Source::Data { rule: Arc::clone(rule), column })
            }
            SlotSource::Capture { step, name } => {
                let label = format!("{step}.{name}");
                let key = (step.clone(), name.clone());
                let at =
                    self.scenario(&label)?.captures.get(&key).ok_or_else(|| unknown(&label))?;
                (label, Source::Capture(*at))
            }
            SlotSource::BeforeCapture { .. }
            | SlotSource::UserCapture { .. }
            | SlotSource::Let(_)
            | SlotSource::Param(_)
            | SlotSource::Item => {
                let what = "names of `before`, `before_each_user`, `let`, `params` and `item`";
                return Err(PrepareError::Unbuilt(vec![what.to_owned()]));
            }
            SlotSource::ArrivalNumber => ("arrival.number".to_owned(), Source::ArrivalNumber),
            SlotSource::ArrivalId => {
                let scenario = &self.scenario("arrival.id")?.name;
                let prefix = format!("{}.{scenario}.", self.run);
                ("arrival.id".to_owned(), Source::ArrivalId(prefix))
            }
            SlotSource::UserNumber => ("user.number".to_owned(), Source::UserNumber),
            SlotSource::GroupName => ("group.name".to_owned(), text(self.group)),
            SlotSource::RunId => ("run.id".to_owned(), text(self.run)),
            SlotSource::Seed => ("seed".to_owned(), Source::Constant(Value::Unsigned(self.seed))),
            SlotSource::RandInt { min, max, place } => {
                let (min, max) = (*min.min(max), *max.max(min));
                ("rand.int".to_owned(), Source::RandInt { min, max, seed: draw(place) })
            }
            SlotSource::RandUuid { place } => {
                ("rand.uuid".to_owned(), Source::RandUuid(draw(place)))
            }
            SlotSource::RandPick { items, place } => {
                let items = items.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
                ("rand.pick".to_owned(), Source::RandPick { items, seed: draw(place) })
            }
            SlotSource::NowUnixMs => ("now.unix_ms".to_owned(), Source::NowUnixMs),
            SlotSource::NowIso => ("now.iso".to_owned(), Source::NowIso),
        };
        Ok((label, source))
    }
}

/// Returns a value that holds no slot.
pub(super) fn literal(json: &Json) -> Result<Value<'static>, PrepareError> {
    Value::of_literal(json).ok_or(PrepareError::Literal)
}
