//! (pure) What must hold of an answer.

use std::cmp::Ordering;

use compiler::artifact::{self, Bound, Comparison, JsonExpect, StatusRange};
use compiler::unit::Length;
use http::HeaderName;
use regex::Regex;
use serde_json::{Number, Value as Tree};
use serde_json_path::JsonPath;

use super::PrepareError;
use super::answer::Answer;
use super::encode::Encoding;
use super::slot::Names;
use super::template::{Scope, Template};
use crate::exchange::FailureKind;

/// What must hold of an answer, ready to be judged.
pub(super) struct Expectations {
    status: Vec<StatusRange>,
    duration: Vec<Comparison>,
    json: Vec<JsonExpectation>,
    header: Vec<(HeaderName, TextCheck)>,
    body: Vec<TextCheck>,
}

struct JsonExpectation {
    pointer: String,
    path: JsonPath,
    check: JsonCheck,
}

enum JsonCheck {
    Equals(Tree),
    /// JSON text, to be rendered.
    EqualsRendered(Template),
    Number {
        bound: Bound,
        limit: Number,
        text: String,
    },
}

enum TextCheck {
    Equals(Template),
    Contains(Template),
    Matches(Regex),
}

/// What went wrong; what it quotes of the answer holds no secret.
pub(super) type Complaint = (FailureKind, String);

impl Expectations {
    pub(super) fn prepare(
        expect: &artifact::Expect,
        names: &Names<'_>,
    ) -> Result<Expectations, PrepareError> {
        let json = |expect: &JsonExpect| {
            let check = match &expect.check {
                artifact::JsonCheck::Equals(json) => equals(json, names)?,
                artifact::JsonCheck::Number { bound, value } => JsonCheck::Number {
                    bound: *bound,
                    limit: value.parse().map_err(|_| PrepareError::Number(value.clone()))?,
                    text: value.clone(),
                },
            };
            let path = json_path(&expect.path)?;
            Ok(JsonExpectation { pointer: expect.path.clone(), path, check })
        };
        let header = |(name, check): &(String, artifact::TextCheck)| {
            Ok((header_name(name)?, TextCheck::prepare(check, names)?))
        };
        let body = |check: &artifact::TextCheck| TextCheck::prepare(check, names);
        Ok(Expectations {
            status: expect.status.clone(),
            duration: expect.duration.clone(),
            json: expect.json.iter().map(json).collect::<Result<_, PrepareError>>()?,
            header: expect.header.iter().map(header).collect::<Result<_, PrepareError>>()?,
            body: expect.body.iter().map(body).collect::<Result<_, PrepareError>>()?,
        })
    }

    /// Returns whether the body must be there to judge it.
    pub(super) fn reads_body(&self) -> bool {
        !self.json.is_empty() || !self.body.is_empty()
    }

    /// Returns whether the headers must be there to judge it.
    pub(super) fn reads_headers(&self) -> bool {
        !self.header.is_empty()
    }

    /// Judges an answer.
    ///
    /// # Errors
    /// The first thing that does not hold: status, duration, JSON, headers, body.
    pub(super) fn judge(&self, answer: &Answer<'_>, scope: Scope<'_>) -> Result<(), Complaint> {
        self.judge_status(answer)?;
        let expect = |why: String| (FailureKind::Expect, why);
        self.judge_duration(answer).map_err(expect)?;
        for expectation in &self.json {
            expectation.judge(answer, scope)?;
        }
        for (name, check) in &self.header {
            let mut last = None;
            for value in answer.header(name) {
                last = check.judge(&value, answer, scope)?;
                if last.is_none() {
                    break;
                }
            }
            let why = match last {
                Some(why) => why,
                None if answer.outcome.headers.contains_key(name) => continue,
                None => "is not there".to_owned(),
            };
            return Err(expect(format!("header `{name}` {why}")));
        }
        for check in &self.body {
            if let Some(why) = check.judge(answer.text(), answer, scope)? {
                return Err(expect(format!("the body {why}")));
            }
        }
        Ok(())
    }

    fn judge_status(&self, answer: &Answer<'_>) -> Result<(), Complaint> {
        let complain = |why: String| Err((FailureKind::Status, why));
        let Some(status) = answer.outcome.status else {
            return complain("no response".to_owned());
        };
        if self.status.is_empty() {
            return if status < 400 {
                Ok(())
            } else {
                complain(format!("status {status}, expected below 400"))
            };
        }
        if self.status.iter().any(|range| (range.from..=range.to).contains(&status)) {
            return Ok(());
        }
        let ranges: Vec<String> = self.status.iter().map(|range| range_text(*range)).collect();
        complain(format!("status {status}, expected {}", ranges.join(", ")))
    }

    fn judge_duration(&self, answer: &Answer<'_>) -> Result<(), String> {
        let outcome = answer.outcome;
        let taken_us = outcome.ended.saturating_sub(outcome.sent) / 1_000;
        let missed = self.duration.iter().find(|limit| !limit.bound.holds(taken_us, limit.value));
        let Some(limit) = missed else { return Ok(()) };
        let text = |us: u64| Length(us.saturating_mul(1_000)).to_string();
        let (bound, value) = (limit.bound.symbol(), text(limit.value));
        Err(format!("took {}, expected {bound} {value}", text(taken_us)))
    }
}

impl JsonExpectation {
    fn judge(&self, answer: &Answer<'_>, scope: Scope<'_>) -> Result<(), Complaint> {
        let pointer = &self.pointer;
        let expect = |why: String| (FailureKind::Expect, why);
        let json = answer.json().ok_or_else(|| expect("the body is not JSON".to_owned()))?;
        let found = self.path.query(json).first();
        let found = found.ok_or_else(|| expect(format!("nothing at `{pointer}`")))?;
        let rendered;
        let (holds, wanted) = match &self.check {
            JsonCheck::Equals(wanted) => (same(found, wanted), wanted),
            JsonCheck::EqualsRendered(template) => {
                let text = template.text(scope).map_err(|why| (FailureKind::Render, why))?;
                rendered = serde_json::from_str(&text)
                    .map_err(|_| (FailureKind::Render, format!("`{pointer}`: bad number")))?;
                (same(found, &rendered), &rendered)
            }
            JsonCheck::Number { bound, limit, text } => {
                let order = found.as_number().and_then(|found| compare(found, limit));
                if order.is_some_and(|order| bound.holds(order, Ordering::Equal)) {
                    return Ok(());
                }
                let (found, bound) = (answer.quote(&found.to_string()), bound.symbol());
                return Err(expect(format!("`{pointer}` is {found}, expected {bound} {text}")));
            }
        };
        if holds {
            return Ok(());
        }
        let quote = |tree: &Tree| answer.quote(&tree.to_string());
        let (found, wanted) = (quote(found), quote(wanted));
        Err(expect(format!("`{pointer}` is {found}, expected {wanted}")))
    }
}

impl TextCheck {
    fn prepare(check: &artifact::TextCheck, names: &Names<'_>) -> Result<TextCheck, PrepareError> {
        let template = |text: &artifact::Text| {
            let mut template = Template::default();
            template.push_text(text, names, Encoding::Plain, String::push_str)?;
            Ok(template)
        };
        Ok(match check {
            artifact::TextCheck::Equals(text) => TextCheck::Equals(template(text)?),
            artifact::TextCheck::Contains(text) => TextCheck::Contains(template(text)?),
            artifact::TextCheck::Matches(pattern) => TextCheck::Matches(pattern_of(pattern)?),
        })
    }

    /// Returns what does not hold, `None` if it holds.
    fn judge(
        &self,
        text: &str,
        answer: &Answer<'_>,
        scope: Scope<'_>,
    ) -> Result<Option<String>, Complaint> {
        let render = |why: String| (FailureKind::Render, why);
        let (holds, what, wanted) = match self {
            TextCheck::Equals(template) => {
                let wanted = template.text(scope).map_err(render)?;
                (text == wanted, "is not", wanted)
            }
            TextCheck::Contains(template) => {
                let wanted = template.text(scope).map_err(render)?;
                (text.contains(&*wanted), "does not contain", wanted)
            }
            TextCheck::Matches(regex) => {
                (regex.is_match(text), "does not match", regex.as_str().into())
            }
        };
        Ok(if holds { None } else { Some(format!("{what} `{}`", answer.quote(&wanted))) })
    }
}

fn equals(json: &artifact::Json, names: &Names<'_>) -> Result<JsonCheck, PrepareError> {
    let mut template = Template::default();
    template.push_json(json, names)?;
    let Some(text) = template.constant() else { return Ok(JsonCheck::EqualsRendered(template)) };
    let tree = serde_json::from_str(text).map_err(|_| PrepareError::Literal)?;
    Ok(JsonCheck::Equals(tree))
}

pub(super) fn json_path(text: &str) -> Result<JsonPath, PrepareError> {
    JsonPath::parse(text).map_err(|_| PrepareError::JsonPath(text.to_owned()))
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, PrepareError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| PrepareError::Header(name.to_owned()))
}

pub(super) fn pattern_of(text: &str) -> Result<Regex, PrepareError> {
    Regex::new(text).map_err(|_| PrepareError::Regex(text.to_owned()))
}

/// Compares by amount: integers exactly, anything else as floats.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// Returns whether two values are equal; numbers by amount, objects in any order.
fn same(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Number(a), Tree::Number(b)) => compare(a, b) == Some(Ordering::Equal),
        (Tree::Array(a), Tree::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Tree::Object(a), Tree::Object(b)) => {
            let holds = |(name, a): (&String, &Tree)| b.get(name).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(holds)
        }
        _ => a == b,
    }
}

fn range_text(range: StatusRange) -> String {
    let StatusRange { from, to } = range;
    match (from, to) {
        (from, to) if from == to => from.to_string(),
        (from, to) if from % 100 == 0 && to == from + 99 => format!("{}xx", from / 100),
        (from, to) => format!("{from}-{to}"),
    }
}
