//! (pure) An HTTP step → the request of an arrival.

use std::collections::BTreeMap;

use bytes::Bytes;
use compiler::artifact::{self, HttpAction, HttpEndpoint, NameValue, Piece, SlotSource};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::encode::{self, Encoding};
use super::slot::Names;
use super::template::{Scope, Template};
use super::{PrepareError, Target};
use crate::exchange::Request;

const ARRIVAL: HeaderName = HeaderName::from_static("x-volley-arrival");
const STEP: HeaderName = HeaderName::from_static("x-volley-step");

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
    /// Values that never change, and empty places for those of `dynamic` that stand alone under their name.
    headers: HeaderMap,
    dynamic: Vec<DynamicHeader>,
    body: Body,
    timeout_ns: u64,
    body_wanted: bool,
    /// `<run>.<scenario>.`, if requests are tracked.
    arrival_prefix: Option<String>,
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

struct DynamicHeader {
    name: HeaderName,
    value: Template,
    replaces: bool,
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
        body_wanted: bool,
        around: &Surroundings<'_>,
    ) -> Result<RequestTemplate, PrepareError> {
        let (body, content_type) = body(action, around)?;
        let mut template = RequestTemplate {
            target: around.target_index,
            method: method(action.method),
            url: url(action, around)?,
            headers: HeaderMap::new(),
            dynamic: Vec::new(),
            body,
            timeout_ns: if timeout_ns > 0 { timeout_ns } else { around.endpoint.timeout_ns },
            body_wanted,
            arrival_prefix: None,
        };
        let overridden = |header: &&NameValue| {
            !action.headers.iter().any(|own| own.name.eq_ignore_ascii_case(&header.name))
        };
        for header in around.endpoint.headers.iter().filter(overridden) {
            template.add_header(header, around.endpoint_names)?;
        }
        for header in &action.headers {
            template.add_header(header, around.names)?;
        }
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_static(content_type);
            template.headers.entry(CONTENT_TYPE).or_insert(value);
        }
        if around.endpoint.tracking
            && let Some(scenario) = around.names.scenario
        {
            let step = HeaderValue::from_str(around.step)
                .map_err(|_| PrepareError::Header(STEP.to_string()))?;
            template.headers.insert(STEP, step);
            template.headers.insert(ARRIVAL, HeaderValue::from_static(""));
            template.arrival_prefix = Some(format!("{}.{}.", around.names.run, scenario.name));
        }
        Ok(template)
    }

    fn add_header(&mut self, header: &NameValue, names: &Names<'_>) -> Result<(), PrepareError> {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| PrepareError::Header(header.name.clone()))?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return Err(PrepareError::Framing(header.name.clone()));
        }
        let mut value = Template::default();
        value.push_text(&header.value, names, Encoding::Plain, String::push_str)?;
        let constant = value.constant().and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(mut constant) = constant {
            constant.set_sensitive(header.value.0.iter().any(is_secret));
            self.headers.append(name, constant);
            return Ok(());
        }
        let replaces = !self.headers.contains_key(&name);
        if replaces {
            self.headers.insert(name.clone(), HeaderValue::from_static(""));
        }
        self.dynamic.push(DynamicHeader { name, value, replaces });
        Ok(())
    }

    /// Renders the request of an arrival.
    ///
    /// # Errors
    /// A sentence about what cannot be rendered.
    pub(super) fn render(&self, scope: Scope<'_>) -> Result<Request, String> {
        let mut headers = self.headers.clone();
        for header in &self.dynamic {
            let mut text = String::with_capacity(header.value.size_hint());
            header.value.render(&mut text, scope)?;
            let value = visible(text).ok_or_else(|| {
                format!("header `{}` would hold a character that no header can", header.name)
            })?;
            if header.replaces {
                headers.insert(header.name.clone(), value);
            } else {
                headers.append(header.name.clone(), value);
            }
        }
        if let Some(prefix) = &self.arrival_prefix {
            const DIGITS_MAX: usize = 20;
            let mut text = String::with_capacity(prefix.len() + DIGITS_MAX);
            text.push_str(prefix);
            super::value::push_display(&mut text, &scope.arrival.number);
            headers.insert(ARRIVAL, visible(text).ok_or("the run's id is no header value")?);
        }
        let body = match &self.body {
            Body::Constant(body) => body.clone(),
            Body::Rendered(template) => {
                let mut body = String::with_capacity(template.size_hint());
                template.render(&mut body, scope)?;
                Bytes::from(body)
            }
        };
        Ok(Request {
            target: self.target,
            method: self.method.clone(),
            path: self.url.render(scope)?,
            headers,
            body,
            timeout_ns: self.timeout_ns,
            body_wanted: self.body_wanted,
        })
    }
}

impl Url {
    fn render(&self, scope: Scope<'_>) -> Result<String, String> {
        match self {
            Url::Constant(url) => Ok(url.clone()),
            Url::Encoded(template) => {
                let mut url = String::with_capacity(template.size_hint());
                template.render(&mut url, scope)?;
                Ok(url)
            }
            Url::Raw { path, query } => {
                let mut url = String::new();
                path.render(&mut url, scope)?;
                let begins = url.len();
                query.render(&mut url, scope)?;
                if url.len() > begins {
                    let separator = if url[..begins].contains('?') { '&' } else { '?' };
                    url.insert(begins, separator);
                }
                let valid = !url.contains('#') && PathAndQuery::try_from(url.as_str()).is_ok();
                let reason = "the path would hold a character that no path can";
                if valid { Ok(url) } else { Err(reason.to_owned()) }
            }
        }
    }
}

fn is_secret(piece: &Piece) -> bool {
    matches!(piece, Piece::Slot(slot) if matches!(slot.from, SlotSource::Secret(_)))
}

/// Takes what a header can hold: visible ASCII, spaces and tabs, so neither CR nor LF.
fn visible(text: String) -> Option<HeaderValue> {
    let fits = text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if fits { HeaderValue::from_maybe_shared(Bytes::from(text)).ok() } else { None }
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
