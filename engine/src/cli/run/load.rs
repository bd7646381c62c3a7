//! A plan or an artifact from disk, with the files it names, ready to be run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use compiler::Overrides;
use compiler::artifact::{self, Artifact, FileRef, Load, Scenario};
use compiler::cli::files::{self, Input};
use compiler::cli::{CliError, OverrideArgs, trust};
use compiler::diagnostic::Diagnostics;
use compiler::exit::Exit;
use compiler::source::Files;

use super::{Refusal, RunArgs, chain, run_id};
use crate::cluster::permit::Permit;
use crate::user::unbuilt;

/// What is run.
pub(super) struct Loaded {
    /// Run id.
    pub(super) run: String,
    /// The compiled plan.
    pub(super) artifact: Arc<Artifact>,
    /// Its canonical bytes.
    pub(super) bytes: Bytes,
    /// The text with its signatures, if there are some.
    pub(super) signatures: Option<Bytes>,
    /// What nodes may do.
    pub(super) permit: Permit,
    /// Data and body files by digest.
    pub(super) files: BTreeMap<String, Bytes>,
    /// Vars that override the artifact's.
    pub(super) vars: BTreeMap<String, String>,
    /// Names of vars that the command line sets.
    pub(super) set_vars: BTreeSet<String>,
    /// Seed that overrides the artifact's.
    pub(super) seed: Option<u64>,
}

/// Loads `plan`, a plan or an artifact.
pub(super) fn load(plan: &Path, args: &RunArgs) -> Result<Loaded, Refusal> {
    let refuse = |error: files::FileError| Refusal::new(error.exit(), chain(&error));
    let permit = args.permit.permit().map_err(distrust)?;
    let loaded = match files::open(plan, args.data_dir.as_deref()).map_err(refuse)? {
        Input::Plan(files) => {
            if !permit.trusted.is_empty() {
                return Err(Refusal::usage(
                    "--trust needs an artifact: a plan is not signed, compile it and sign that (`volley plan compile`, `plan sign`)",
                ));
            }
            let overrides = args.overrides.load().map_err(refuse)?;
            from_plan(&files, permit, overrides)?
        }
        Input::Artifact(artifact) => from_artifact(plan, args, permit, *artifact)?,
    };
    match unbuilt(&loaded.artifact).as_slice() {
        [] => Ok(loaded),
        list => Err(Refusal::new(Exit::Rejected, later(list))),
    }
}

/// Returns what a key or a signature that does not hold means.
fn distrust(error: CliError) -> Refusal {
    Refusal::new(error.exit(), chain(&error))
}

/// Says that the plan is good, and what of it comes later.
fn later(unbuilt: &[String]) -> String {
    let list: Vec<String> = unbuilt.iter().map(|what| format!("  - {what}")).collect();
    format!(
        "the plan is good, but this version of volley cannot execute all of it yet:\n{}\n`volley plan explain` shows what it will do",
        list.join("\n")
    )
}

fn from_plan(files: &Files, permit: Permit, overrides: Overrides) -> Result<Loaded, Refusal> {
    let mut sink = Diagnostics::new();
    let compiled = compiler::compile(files, &overrides, &mut sink);
    let found = sink.into_sorted();
    compiler::cli::render(files, &overrides, &found, &mut io::stderr().lock()).ok();
    let Some(artifact) = compiled else {
        return Err(Refusal::new(Exit::Rejected, ""));
    };
    let named = named_files(&artifact);
    let content = named.into_iter().filter_map(|file| {
        let bytes = files.get(&file.path)?;
        Some((file.digest.clone(), Bytes::copy_from_slice(bytes)))
    });
    Ok(Loaded {
        run: run_id(),
        bytes: Bytes::from(artifact::to_bytes(&artifact)),
        signatures: None,
        permit,
        files: content.collect(),
        vars: BTreeMap::new(),
        set_vars: overrides.vars.into_keys().collect(),
        seed: None,
        artifact: Arc::new(artifact),
    })
}

fn from_artifact(
    plan: &Path,
    args: &RunArgs,
    permit: Permit,
    artifact: Artifact,
) -> Result<Loaded, Refusal> {
    let refuse =
        |why: String| Refusal::new(Exit::ArtifactRefused, format!("{}: {why}", plan.display()));
    // An artifact has one spelling: these are the bytes of its file.
    let bytes = Bytes::from(artifact::to_bytes(&artifact));
    let signatures = trust::signatures(plan, &bytes, &permit.trusted).map_err(distrust)?;
    let OverrideArgs { vars, var_file, environment, seed } = &args.overrides;
    let vars: BTreeMap<String, String> = vars.iter().cloned().collect();
    for (flag, given) in
        [("--var-file", var_file.is_some()), ("--environment", environment.is_some())]
    {
        if given {
            return Err(Refusal::usage(format!(
                "{flag} needs a plan: an artifact is compiled already, compile the plan with it"
            )));
        }
    }
    let draws = |scenario: &Scenario| matches!(&scenario.load, Load::Open(load) if load.draws());
    if seed.is_some_and(|seed| seed != artifact.seed)
        && let Some((name, _)) = artifact.scenarios.iter().find(|(_, it)| draws(it))
    {
        return Err(Refusal::usage(format!(
            "--seed: the load of `{name}` is drawn from the artifact's seed, compile the plan with another one"
        )));
    }
    for name in vars.keys() {
        match artifact.vars.get(name) {
            None => return Err(Refusal::usage(format!("--var {name}: the plan has no such var"))),
            Some(var) if var.fixed => {
                return Err(Refusal::usage(format!(
                    "--var {name}: the artifact's load depends on it, compile the plan with it"
                )));
            }
            Some(_) => {}
        }
    }
    let parent = plan.parent().unwrap_or(Path::new("."));
    let folder = args.data_dir.as_deref().unwrap_or(parent);
    let mut files = BTreeMap::new();
    for file in named_files(&artifact) {
        let path = folder.join(&file.path);
        let content = fs::read(&path)
            .map_err(|error| Refusal::usage(format!("cannot read {}: {error}", path.display())))?;
        if artifact::digest_of(&content) != file.digest {
            return Err(refuse(format!(
                "the digest of data file {} differs from the one it was compiled with",
                file.path
            )));
        }
        files.insert(file.digest.clone(), Bytes::from(content));
    }
    Ok(Loaded {
        run: run_id(),
        bytes,
        signatures: signatures.map(|(text, _)| Bytes::from(text)),
        permit,
        files,
        set_vars: vars.keys().cloned().collect(),
        vars,
        seed: *seed,
        artifact: Arc::new(artifact),
    })
}

/// Returns every file that nodes must have.
fn named_files(artifact: &Artifact) -> Vec<&FileRef> {
    artifact.data.values().map(|data| &data.file).chain(artifact.files.values()).collect()
}
