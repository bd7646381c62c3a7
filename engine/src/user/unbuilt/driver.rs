//! (pure) Endpoints, actions, bodies and sinks that no driver executes yet.

use compiler::artifact::{Action, Artifact, Body, Endpoint, HttpOptions, HttpVersion};

/// Adds what of the endpoints and sinks of `artifact` has no driver.
pub(super) fn connections(artifact: &Artifact, found: &mut Vec<String>) {
    for endpoint in artifact.endpoints.values() {
        match endpoint {
            Endpoint::Http(http) => options(&http.options, found),
            other => {
                let what = format!("endpoints of the kind `{}`", other.kind().word());
                if !found.contains(&what) {
                    found.push(what);
                }
            }
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
    let used = used.map(|(key, _)| format!("`{key}` of an HTTP endpoint"));
    let new: Vec<String> = used.filter(|what| !found.contains(what)).collect();
    found.extend(new);
}

/// Returns what of an action has no driver; blocks are asked elsewhere.
pub(super) fn action(action: &Action) -> Vec<&'static str> {
    match action {
        Action::Wait(_)
        | Action::ForEach(_)
        | Action::Repeat(_)
        | Action::Choose(_)
        | Action::Call(_) => Vec::new(),
        Action::Http(http) => {
            let used = [
                ("multipart", matches!(http.body, Body::Multipart(_))),
                ("redirects", http.redirects.is_some_and(|most| most > 0)),
            ];
            used.iter().filter(|(_, used)| *used).map(|(what, _)| *what).collect()
        }
        other => vec![other.word()],
    }
}
