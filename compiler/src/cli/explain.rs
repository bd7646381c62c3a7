//! `plan explain`: what a run will do, its arrivals, or what a diagnostic code means.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::files::{self, Input};
use super::{CliError, OverrideArgs, findings};
use crate::artifact::Artifact;
use crate::code;
use crate::diagnostic::did_you_mean;
use crate::exit::Exit;
use crate::explain::{self, ArrivalsFormat, Listing, Options};
use crate::unit::Length;

/// Arguments of `plan explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The plan, or its artifact
    #[arg(value_name = "PLAN|ARTIFACT", required_unless_present = "code")]
    plan: Option<PathBuf>,
    /// Shows one seat's share alone
    #[arg(long, value_name = "GROUP/NUMBER")]
    seat: Option<String>,
    /// Lists the arrivals of a scenario: number, due time, seat, data rows
    #[arg(long, value_name = "SCENARIO")]
    arrivals: Option<String>,
    /// Lists at most so many arrivals
    #[arg(long, value_name = "N", requires = "arrivals")]
    limit: Option<u64>,
    /// How long a request is assumed to take, for what runs at one time and for users
    #[arg(long, value_name = "LENGTH", default_value = "100ms", value_parser = length)]
    service_time: Length,
    /// Explains a diagnostic code; no plan is read
    #[arg(long, value_name = "CODE", conflicts_with_all = ["plan", "seat", "arrivals"])]
    code: Option<String>,
    /// How it is written; arrivals as JSON are one object a line
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    overrides: OverrideArgs,
}

const EXAMPLES: &str = "Examples:
  plan explain plans/checkout.yaml
  plan explain plans/checkout.yaml --seat eu/0 --format json
  plan explain checkout.json --arrivals checkout --limit 20
  plan explain plans/checkout.yaml --service-time 250ms
  plan explain --code plan::variable::unbound";

/// How an explanation is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// Text for people
    Human,
    /// JSON for programs
    Json,
}

pub(super) fn run(
    args: &ExplainArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    if let Some(code) = &args.code {
        return explain_code(code, args.format, out);
    }
    let Some(path) = &args.plan else {
        return Err(CliError::Flags("a plan, an artifact or `--code CODE` is needed"));
    };
    let Some(artifact) = load(path, &args.overrides, err)? else { return Ok(Exit::Rejected) };
    let seat = args.seat.as_deref();
    if let Some(scenario) = &args.arrivals {
        let format = match args.format {
            Format::Human => ArrivalsFormat::Human,
            Format::Json => ArrivalsFormat::Json,
        };
        let listing = Listing { seat, limit: args.limit, format };
        explain::list_arrivals(&artifact, scenario, listing, out)??;
        return Ok(Exit::Passed);
    }
    let options = Options { seat, service_ns: args.service_time.0 };
    let explanation = explain::explain(&artifact, options)?;
    match args.format {
        Format::Human => explain::render(&explanation, out)?,
        Format::Json => write_json(&explanation, out)?,
    }
    Ok(Exit::Passed)
}

/// Why flags that change a plan are refused where there is none.
pub(super) const FOR_PLANS: &str = "`--var`, `--var-file`, `--environment` and `--seed` change plans, not artifacts: give the plan";

fn length(text: &str) -> Result<Length, String> {
    Length::parse(text).map_err(|error| format!("{}: {}", error.message, error.help))
}

/// Reads `path` and compiles it with `overrides` if it is a plan; `None` when the plan is rejected.
///
/// What shapes an artifact was decided when it was compiled: flags that would change it are refused.
pub(super) fn load(
    path: &Path,
    overrides: &OverrideArgs,
    err: &mut dyn Write,
) -> Result<Option<Artifact>, CliError> {
    match files::open(path, None)? {
        Input::Artifact(_) if overrides.any() => Err(CliError::Flags(FOR_PLANS)),
        Input::Artifact(artifact) => Ok(Some(*artifact)),
        Input::Plan(files) => findings::compile(&files, &overrides.load()?, err),
    }
}

fn explain_code(name: &str, format: Format, out: &mut dyn Write) -> Result<Exit, CliError> {
    let Some(found) = code::find(name) else {
        let near = did_you_mean(name, code::all().map(|known| known.code));
        return Err(CliError::Code { code: name.to_owned(), near });
    };
    match format {
        Format::Human => {
            writeln!(out, "{}: {}", found.code, found.title)?;
            writeln!(out)?;
            writeln!(out, "{}", found.explanation.trim())?;
        }
        Format::Json => {
            let value = serde_json::json!({
                "code": found.code,
                "title": found.title,
                "explanation": found.explanation,
            });
            write_json(&value, out)?;
        }
    }
    Ok(Exit::Passed)
}

pub(super) fn write_json(
    value: &impl serde::Serialize,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
