//! (pure) An HTTP step → the request of an arrival.

use std::collections::BTreeMap;

use bytes::Bytes;
use compiler::artifact::{self, HttpAction, HttpEndpoint, NameValue};
use http::uri::PathAndQuery;
use http::{HeaderName, Method};

use super::encode::{self, Encoding};
use super::slot::Names;
use super::template::{Scope, Template};
use super::{PrepareError, Target};
use crate::exchange::{Head, Request, Wanted};

const ARRIVAL: &str = "x-volley-arrival";
const STEP: &str = "x-volley-step";

/// What a request is made of besides its step.
pub(super) struct Surroundings<'a> {
    pub(super) step: &'a str,
    pub(super) endpoint: &'a HttpEndpoint,
    pub(super) target: &'a Target,
    pub(super) target_index: usize,
    /// Names as the endpoint's headers read them: with draws of their own.
    pub(super) endpoint_names: &'a Names<'a>,
    pub(super) names: &'a Names<'a>,
    pub(super) files: &'a BTreeMap<String, artifact::FileRef>,
    pub(super) contents: &'a BTreeMap<String, Bytes>,
}

/// A request, as far as it is the same for every arrival, and templates for the rest.
pub(super) struct RequestTemplate {
    target: usize,
    method: Method,
    url: Url,
    lines: Vec<Line>,
    /// Lines that name arrival and step, if requests are tracked: up to the arrival's number, and from there on.
    tracking: Option<(String, String)>,
    body: Body,
    timeout_ns: u64,
    redirects: u32,
    wanted: Wanted,
}

/// A stretch of the headers.
enum Line {
    /// Whole lines that never change.
    Constant(String),
    /// A header whose value is rendered.
    Rendered { name: String, value: Template },
}

enum Url {
    Constant(String),
    /// Without raw slots: the result is always a valid path.
    Encoded(Template),
    /// With raw slots: whether the query goes on or begins is seen in the rendered path.
    Raw {
        path: Template,
        query: Template,
    },
}

enum Body {
    Constant(Bytes),
    Rendered(Template),
}

impl RequestTemplate {
    /// Prepares the request of a step.
    pub(super) fn prepare(
        action: &HttpAction,
        timeout_ns: u64,
        wanted: Wanted,
        around: &Surroundings<'_>,
    ) -> Result<RequestTemplate, PrepareError> {
        let (body, content_type) = body(action, around)?;
        Ok(RequestTemplate {
            target: around.target_index,
            method: method(action.method),
            url: url(action, around)?,
            lines: lines(action, content_type, around)?,
            tracking: tracking(around),
            body,
            timeout_ns: if timeout_ns > 0 { timeout_ns } else { around.endpoint.timeout_ns },
            redirects: action.redirects.unwrap_or(around.endpoint.options.redirects),
            wanted,
        })
    }

    /// Renders the request of an arrival into `request`, whose buffer is used again.
    ///
    /// # Errors
    /// A sentence about what cannot be rendered.
    pub(super) fn render(&self, scope: Scope<'_>, request: &mut Request) -> Result<(), String> {
        request.head.begin(self.method.as_str(), |out| self.url.render(out, scope))?;
        for line in &self.lines {
            match line {
                Line::Constant(lines) => request.head.push_lines(lines),
                Line::Rendered { name, value } => {
                    push_header(&mut request.head, name, value, scope)?;
                }
            }
        }
        if let Some((before, after)) = &self.tracking {
            request.head.begin_tracking();
            request.head.push_lines(before);
            request.head.push_number(scope.arrival.number);
            request.head.push_lines(after);
        }
        request.body = match &self.body {
            Body::Constant(body) => body.clone(),
            Body::Rendered(template) => {
                let mut body = String::with_capacity(template.size_hint());
                template.render(&mut body, scope)?;
                Bytes::from(body)
            }
        };
        request.target = self.target;
        request.method.clone_from(&self.method);
        request.timeout_ns = self.timeout_ns;
        request.redirects = self.redirects;
        request.wanted = self.wanted;
        Ok(())
    }
}

/// Appends a header, if its value is one that a header can have.
fn push_header(
    head: &mut Head,
    name: &str,
    value: &Template,
    scope: Scope<'_>,
) -> Result<(), String> {
    head.push_header(name, |out| {
        let start = out.len();
        value.render(out, scope)?;
        if is_visible(&out[start..]) {
            return Ok(());
        }
        Err(format!("header `{name}` would hold a character that no header can"))
    })
}

/// Returns the endpoint's headers, over them the step's, and what no request goes without.
fn lines(
    action: &HttpAction,
    content_type: Option<&str>,
    around: &Surroundings<'_>,
) -> Result<Vec<Line>, PrepareError> {
    let named = |headers: &[NameValue], name: &str| {
        headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    };
    let (shared, own) = (&around.endpoint.headers, &action.headers);
    let mut lines = Vec::new();
    if !named(shared, "host") && !named(own, "host") {
        push_constant(&mut lines, "host", &around.target.authority);
    }
    for header in shared.iter().filter(|header| !named(own, &header.name)) {
        push_line(&mut lines, header, around, around.endpoint_names)?;
    }
    for header in own {
        push_line(&mut lines, header, around, around.names)?;
    }
    if let Some(content_type) = content_type
        && !named(shared, "content-type")
        && !named(own, "content-type")
    {
        push_constant(&mut lines, "content-type", content_type);
    }
    Ok(lines)
}

fn push_line(
    lines: &mut Vec<Line>,
    header: &NameValue,
    around: &Surroundings<'_>,
    names: &Names<'_>,
) -> Result<(), PrepareError> {
    let name = HeaderName::from_bytes(header.name.as_bytes())
        .map_err(|_| PrepareError::Header(header.name.clone()))?;
    let name = name.as_str();
    if ["content-length", "transfer-encoding"].contains(&name) {
        return Err(PrepareError::Framing(header.name.clone()));
    }
    if tracking_names(around.endpoint)
        .is_some_and(|(arrival, step)| [arrival, step].contains(&name))
    {
        return Ok(());
    }
    let mut value = Template::default();
    value.push_text(&header.value, names, Encoding::Plain, String::push_str)?;
    match value.constant().filter(|text| is_visible(text)) {
        Some(text) => push_constant(lines, name, text),
        None => lines.push(Line::Rendered { name: name.to_owned(), value }),
    }
    Ok(())
}

fn push_constant(lines: &mut Vec<Line>, name: &str, value: &str) {
    let line = format!("{name}: {value}\r\n");
    match lines.last_mut() {
        Some(Line::Constant(lines)) => lines.push_str(&line),
        _ => lines.push(Line::Constant(line)),
    }
}

/// Returns the names of the headers that name arrival and step; `None` if requests are not tracked.
fn tracking_names(endpoint: &HttpEndpoint) -> Option<(&str, &str)> {
    match &endpoint.options.tracking_names {
        Some(names) => Some((&names.arrival, &names.step)),
        None => endpoint.tracking.then_some((ARRIVAL, STEP)),
    }
}

fn tracking(around: &Surroundings<'_>) -> Option<(String, String)> {
    let (arrival, step) = tracking_names(around.endpoint)?;
    let (run, scenario) = (around.names.run, &around.names.scenario?.name);
    let before = format!("{arrival}: {run}.{scenario}.");
    Some((before, format!("\r\n{step}: {}\r\n", around.step)))
}

impl Url {
    fn render(&self, out: &mut String, scope: Scope<'_>) -> Result<(), String> {
        match self {
            Url::Constant(url) => out.push_str(url),
            Url::Encoded(template) => template.render(out, scope)?,
            Url::Raw { path, query } => {
                let start = out.len();
                path.render(out, scope)?;
                let begins = out.len();
                query.render(out, scope)?;
                if out.len() > begins {
                    let separator = if out[start..begins].contains('?') { '&' } else { '?' };
                    out.insert(begins, separator);
                }
                let url = &out[start..];
                if url.contains('#') || PathAndQuery::try_from(url).is_err() {
                    return Err("the path would hold a character that no path can".to_owned());
                }
            }
        }
        Ok(())
    }
}

/// Returns whether a header can hold it: visible ASCII, spaces and tabs, so neither CR nor LF.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

fn method(method: artifact::Method) -> Method {
    match method {
        artifact::Method::Get => Method::GET,
        artifact::Method::Post => Method::POST,
        artifact::Method::Put => Method::PUT,
        artifact::Method::Patch => Method::PATCH,
        artifact::Method::Delete => Method::DELETE,
        artifact::Method::Head => Method::HEAD,
        artifact::Method::Options => Method::OPTIONS,
    }
}

fn url(action: &HttpAction, around: &Surroundings<'_>) -> Result<Url, PrepareError> {
    let mut path = Template::default();
    path.push_literal(&around.target.prefix);
    path.push_text(&action.path, around.names, Encoding::Component, encode::push_path_literal)?;
    let query = pairs(&action.query, around.names, Encoding::Component)?;
    if path.has_raw() || query.has_raw() {
        return Ok(Url::Raw { path, query });
    }
    if !action.query.is_empty() {
        path.push_literal(if path.literal_has('?') { "&" } else { "?" });
        path.append(query);
    }
    Ok(match path.constant() {
        Some(url) => Url::Constant(url.to_owned()),
        None => Url::Encoded(path),
    })
}

/// Returns `name=value&…`.
fn pairs(
    pairs: &[NameValue],
    names: &Names<'_>,
    encoding: Encoding,
) -> Result<Template, PrepareError> {
    let push = if encoding == Encoding::Form { encode::push_form } else { encode::push_component };
    let mut template = Template::default();
    for (at, pair) in pairs.iter().enumerate() {
        let mut name = String::from(if at > 0 { "&" } else { "" });
        push(&mut name, &pair.name);
        name.push('=');
        template.push_literal(&name);
        template.push_text(&pair.value, names, encoding, push)?;
    }
    Ok(template)
}

/// Returns the body, and its content type unless a header says another.
fn body(
    action: &HttpAction,
    around: &Surroundings<'_>,
) -> Result<(Body, Option<&'static str>), PrepareError> {
    let mut template = Template::default();
    let content_type = match &action.body {
        artifact::Body::Empty => None,
        artifact::Body::Json(json) => {
            template.push_json(json, around.names)?;
            Some("application/json")
        }
        artifact::Body::Form(fields) => {
            template = pairs(fields, around.names, Encoding::Form)?;
            Some("application/x-www-form-urlencoded")
        }
        artifact::Body::Text(text) => {
            template.push_text(text, around.names, Encoding::Plain, String::push_str)?;
            Some("text/plain; charset=utf-8")
        }
        // Refused before anything is prepared.
        artifact::Body::Multipart(_) => {
            return Err(PrepareError::Unbuilt(vec!["`multipart`".to_owned()]));
        }
        artifact::Body::File(path) | artifact::Body::JsonFile(path) => {
            let file = around.files.get(path);
            let content = file.and_then(|file| around.contents.get(&file.digest));
            let content = content.ok_or_else(|| PrepareError::MissingFile(path.clone()))?;
            let content_type = match &action.body {
                artifact::Body::JsonFile(_) => "application/json",
                _ => "application/octet-stream",
            };
            return Ok((Body::Constant(content.clone()), Some(content_type)));
        }
    };
    let body = match template.constant() {
        Some(text) => Body::Constant(Bytes::copy_from_slice(text.as_bytes())),
        None => Body::Rendered(template),
    };
    Ok((body, content_type))
}
