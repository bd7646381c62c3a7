//! (pure) What a step keeps of an answer.

use std::collections::BTreeMap;

use compiler::artifact::{self, CaptureFrom};
use http::HeaderName;
use regex::{Captures, Regex};
use serde_json::Value as Tree;
use serde_json_path::JsonPath;

use super::PrepareError;
use super::answer::Answer;
use super::expect::{self, Complaint};
use super::slot::Names;
use super::template::{Scope, Template};
use crate::exchange::FailureKind;

/// A value to be kept.
pub(super) struct Capture {
    name: String,
    /// Place among the transaction's values.
    place: usize,
    from: From,
    all: bool,
    /// JSON text.
    default: Option<Template>,
}

enum From {
    Json(String, JsonPath),
    Header(HeaderName),
    Regex(Regex),
    Status,
}

impl Capture {
    /// Prepares a capture of `step`.
    pub(super) fn prepare(
        step: &str,
        capture: &artifact::Capture,
        places: &BTreeMap<(String, String), usize>,
        names: &Names<'_>,
    ) -> Result<Capture, PrepareError> {
        let from = match &capture.from {
            CaptureFrom::Json(path) => From::Json(path.clone(), expect::json_path(path)?),
            CaptureFrom::Header(name) => From::Header(expect::header_name(name)?),
            CaptureFrom::Regex(pattern) => From::Regex(expect::pattern_of(pattern)?),
            CaptureFrom::Status => From::Status,
            CaptureFrom::Key | CaptureFrom::Subject(_) => {
                let what = format!("{step}.{}: only a message has what it captures", capture.name);
                return Err(PrepareError::Unknown(what));
            }
        };
        let mut default = None;
        if let Some(json) = &capture.default {
            let mut template = Template::default();
            template.push_json(json, names)?;
            default = Some(template);
        }
        let key = (step.to_owned(), capture.name.clone());
        let place = places.get(&key).copied();
        let place = place.ok_or_else(|| PrepareError::Unknown(format!("{step}.{}", key.1)))?;
        Ok(Capture { name: key.1, place, from, all: capture.all, default })
    }

    /// Returns whether the body must be there to find it.
    pub(super) fn reads_body(&self) -> bool {
        matches!(self.from, From::Json(..) | From::Regex(_))
    }

    /// Returns whether the headers must be there to find it.
    pub(super) fn reads_headers(&self) -> bool {
        matches!(self.from, From::Header(_))
    }

    /// Returns the place among a transaction's values.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// Returns the value.
    ///
    /// # Errors
    /// Nothing was found and there is no default.
    pub(super) fn value(&self, answer: &Answer<'_>, scope: Scope<'_>) -> Result<Tree, Complaint> {
        let name = &self.name;
        match (self.find(answer), &self.default) {
            (Some(found), _) => Ok(found),
            (None, Some(default)) => {
                let render = |why: String| (FailureKind::Render, format!("`{name}`: {why}"));
                let text = default.text(scope).map_err(render)?;
                serde_json::from_str(&text)
                    .map_err(|_| render("its default has a bad number".to_owned()))
            }
            (None, None) => {
                let place = self.place_text();
                Err((FailureKind::Capture, format!("`{name}`: nothing at {place}")))
            }
        }
    }

    /// Returns the first match, or the list of all; an empty list is nothing found.
    fn find(&self, answer: &Answer<'_>) -> Option<Tree> {
        let list = |found: Vec<Tree>| Some(Tree::Array(found)).filter(|_| self.all);
        let some = |found: Vec<Tree>| if found.is_empty() { None } else { list(found) };
        match &self.from {
            From::Json(_, path) if self.all => {
                some(path.query(answer.json()?).all().into_iter().cloned().collect())
            }
            From::Json(_, path) => path.query(answer.json()?).first().cloned(),
            From::Header(name) => {
                let mut values = answer.header(name).map(|text| Tree::String(text.into_owned()));
                if self.all { some(values.collect()) } else { values.next() }
            }
            From::Regex(regex) if self.all => {
                some(regex.captures_iter(answer.text()).map(|found| group(&found)).collect())
            }
            From::Regex(regex) => regex.captures(answer.text()).map(|found| group(&found)),
            From::Status if self.all => {
                some(answer.outcome.status.map(Tree::from).into_iter().collect())
            }
            From::Status => answer.outcome.status.map(Tree::from),
        }
    }

    fn place_text(&self) -> String {
        match &self.from {
            From::Json(pointer, _) => format!("`{pointer}`"),
            From::Header(name) => format!("header `{name}`"),
            From::Regex(regex) => format!("`{}`", regex.as_str()),
            From::Status => "the status".to_owned(),
        }
    }
}

/// Returns the first group, or the whole match of a pattern that has none; a group that took no part is empty.
fn group(found: &Captures<'_>) -> Tree {
    let at = if found.len() > 1 { 1 } else { 0 };
    Tree::from(found.get(at).map_or("", |group| group.as_str()))
}
