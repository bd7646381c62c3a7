//! (pure) Endpoints, actions, bodies and sinks that no driver executes yet.

use compiler::artifact::{Action, Artifact, Body, Endpoint, HttpOptions};

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
    // A run keeps no cookies and asks for nothing compressed, so that only wishes for more are refused.
    let keys = [("auth", options.auth.is_some()), ("proxy", options.proxy.is_some())];
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
        Action::Http(http) if matches!(http.body, Body::Multipart(_)) => vec!["multipart"],
        Action::Http(_) => Vec::new(),
        other => vec![other.word()],
    }
}
