//! `plan init`: a first plan, its schema for editors, and the configuration of the pre-commit hook.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{CliError, write_failed};
use crate::exit::Exit;
use crate::schema::PLAN_SCHEMA;

/// Arguments of `plan init`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct InitArgs {
    /// The folder that gets `plans/first.yaml`, `plans/plan.schema.json` and `.pre-commit-config.yaml`
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Writes over a plan and a schema that are there already
    #[arg(long)]
    force: bool,
}

const HELP: &str =
    "The plan begins with a line that points editors at the schema beside it, so that \
completion and hover text work offline and fit this version; after an update write it again with \
`plan schema plan > plans/plan.schema.json`. A `.pre-commit-config.yaml` that is there stays as it \
is: what to add to it is printed.

The plan's target is the demo shop: `volley run plans/first.yaml --demo`.";

/// The plan that is written.
const PLAN: &str = include_str!("init/first.yaml");

/// The hook configuration that is written.
const HOOK: &str = include_str!("init/hook.yaml");

pub(super) fn run(
    args: &InitArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    let here = args.folder == Path::new(".");
    let folder = if here { Path::new("") } else { args.folder.as_path() };
    let plans = folder.join("plans");
    let (plan, schema) = (plans.join("first.yaml"), plans.join("plan.schema.json"));
    let hook = folder.join(".pre-commit-config.yaml");
    // Nothing is written when one of them is in the way.
    let in_the_way = [&plan, &schema].into_iter().find(|path| path.exists());
    if let Some(path) = in_the_way.filter(|_| !args.force) {
        return Err(CliError::There { path: path.display().to_string() });
    }
    std::fs::create_dir_all(&plans).map_err(|source| write_failed(&plans, source))?;
    write(&plan, PLAN, err)?;
    write(&schema, PLAN_SCHEMA, err)?;
    if hook.exists() {
        writeln!(err, "`{}` is there already; add this to it:", hook.display())?;
        out.write_all(HOOK.as_bytes())?;
    } else {
        write(&hook, HOOK, err)?;
    }
    writeln!(
        err,
        "next: `plan check {}`, then `plan explain {}`",
        plans.display(),
        plan.display()
    )?;
    Ok(Exit::Passed)
}

#[expect(clippy::disallowed_methods, reason = "the command line writes files for the compiler")]
fn write(path: &Path, text: &str, err: &mut dyn Write) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|source| write_failed(path, source))?;
    writeln!(err, "wrote `{}`", path.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::judge;

    #[test]
    fn the_first_plan_has_no_fault_and_compiles() {
        let (files, found) = judge("first.yaml", PLAN.into(), Path::new("")).unwrap();
        assert!(found.is_empty(), "{found:#?}");
        let mut sink = crate::diagnostic::Diagnostics::new();
        let artifact = crate::compile(&files, &crate::Overrides::default(), &mut sink).unwrap();
        crate::verify::verify(&artifact).unwrap();
    }

    #[test]
    fn the_plan_points_at_the_schema_beside_it() {
        assert!(PLAN.starts_with("# yaml-language-server: $schema=plan.schema.json\n"), "{PLAN}");
    }
}
