//! (pure) Endpoints, actions, bodies and sinks that no driver executes yet.

use compiler::artifact::{Action, Artifact, Body, Endpoint, HttpAction, HttpOptions, HttpVersion};

/// Adds what of the endpoints and sinks of `artifact` has no driver.
pub(super) fn connections(artifact: &Artifact, found: &mut Vec<String>) {
    for endpoint in artifact.endpoints.values() {
        match endpoint {
            Endpoint::Http(http) => options(&http.options, found),
            other => found.push(format!("endpoints of the kind `{}`", other.kind().word())),
        }
    }
    if !artifact.sinks.is_empty() {
        found.push("`sinks`".to_owned());
    }
}

fn options(options: &HttpOptions, found: &mut Vec<String>) {
    let default = HttpOptions::default();
    // A run follows no redirect, keeps no cookies and decodes nothing, so that only wishes for more are refused.
    let keys = [
        ("redirects", ![default.redirects, 0].contains(&options.redirects)),
        ("tracking: { … }", options.tracking_names.is_some()),
        ("tls", options.tls.is_some()),
        ("version", options.version == HttpVersion::Http2),
        ("max_header", options.max_header_bytes != default.max_header_bytes),
        ("connect_timeout", options.connect_timeout_ns != 0),
        ("first_byte_timeout", options.first_byte_timeout_ns != 0),
        ("auth", options.auth.is_some()),
        ("proxy", options.proxy.is_some()),
    ];
    let used = keys.into_iter().filter(|(_, used)| *used);
    found.extend(used.map(|(key, _)| format!("`{key}` of an HTTP endpoint")));
}

/// Adds what of an action has no driver.
pub(super) fn action(action: &Action, found: &mut Vec<String>) {
    match action {
        Action::Wait(_) => {}
        Action::Http(http) => request(http, found),
        other => found.push(format!("`{}`", other.word())),
    }
}

fn request(http: &HttpAction, found: &mut Vec<String>) {
    if matches!(http.body, Body::Multipart(_)) {
        found.push("`multipart`".to_owned());
    }
    if http.redirects.is_some_and(|most| most > 0) {
        found.push("`redirects` of a request".to_owned());
    }
}
