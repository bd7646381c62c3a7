//! (pure) Names: everything that is mentioned exists.

use super::scope::{Place, Scope};
use super::{driver, ensure, steps};
use crate::artifact::{Artifact, FileRef, Scenario, Threshold};

/// Checks names everywhere in the artifact.
pub(super) fn check(artifact: &Artifact) -> Result<(), String> {
    let names = artifact.scenarios.keys().chain(artifact.nodes.groups.keys());
    for name in names.chain([&artifact.plan]) {
        ensure(is_public_name(name), || {
            format!("`{name}` is no name of a plan, scenario or group")
        })?;
    }
    let tables = artifact.data.keys().chain(artifact.lists.keys());
    for name in tables.chain(artifact.transactions.keys()) {
        ensure(is_public_name(name), || format!("`{name}` is no name of data or a transaction"))?;
    }
    let files = artifact.data.values().map(|data| &data.file).chain(artifact.files.values());
    for file in files {
        check_digest(file)?;
    }
    let world = Scope::of(artifact);
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
    check_around(artifact)?;
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
pub(super) fn is_public_name(name: &str) -> bool {
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
    if let Some(group) = &select.group {
        let known = artifact.nodes.groups.contains_key(group);
        ensure(known, || format!("group `{group}` exists"))?;
    }
    let Some(name) = &select.scenario else {
        return ensure(select.step.is_none(), || "a step is chosen with its scenario".to_owned());
    };
    let scenario = artifact.scenarios.get(name);
    let scenario = scenario.ok_or_else(|| format!("scenario `{name}` exists"))?;
    let Some(step) = &select.step else { return Ok(()) };
    let lists = [&scenario.before_each_user, &scenario.steps];
    let known = step == "*" || lists.iter().any(|list| steps::is_measured(artifact, list, step));
    ensure(known, || format!("step `{step}` of `{name}` exists"))
}

fn check_scenario(artifact: &Artifact, scenario: &Scenario) -> Result<(), String> {
    for data in scenario.data.keys() {
        let known = artifact.data.contains_key(data) || artifact.lists.contains_key(data);
        ensure(known, || format!("data `{data}` exists"))?;
    }
    let world = Scope { scenario: Some(scenario), ..Scope::of(artifact) };
    let users = Scope { place: Place::Users, ..world };
    users.list(&scenario.before_each_user)?;
    ensure(!scenario.steps.is_empty(), || "there is a step".to_owned())?;
    for (at, value) in scenario.lets.iter().enumerate() {
        let scope = Scope { lets: &scenario.lets[..at], ..world };
        scope.json(&value.value).map_err(|rule| format!("in let `{}`, {rule}", value.name))?;
    }
    Scope { lets: &scenario.lets, ..world }.list(&scenario.steps)
}

/// Checks what runs around the load, and what is called.
fn check_around(artifact: &Artifact) -> Result<(), String> {
    let world = Scope { place: Place::Around, ..Scope::of(artifact) };
    world.list(&artifact.before).map_err(|rule| format!("in `before`, {rule}"))?;
    world.list(&artifact.after).map_err(|rule| format!("in `after`, {rule}"))?;
    for (name, called) in &artifact.transactions {
        let scope = Scope { params: &called.params, place: Place::Called, ..Scope::of(artifact) };
        let check = || {
            ensure(!called.steps.is_empty(), || "there is a step".to_owned())?;
            scope.list(&called.steps)?;
            let scope = Scope { steps: &called.steps, ..scope };
            called.returns.values().try_for_each(|value| scope.json(value))
        };
        check().map_err(|rule| format!("in transaction `{name}`, {rule}"))?;
    }
    steps::check_calls(artifact)
}
