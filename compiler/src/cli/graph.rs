//! `plan graph`: the transactions as text, Mermaid or DOT.

use std::io::Write;
use std::path::PathBuf;

use super::{CliError, OverrideArgs, explain};
use crate::exit::Exit;
use crate::explain::{GraphFormat, draw_graph};

/// Arguments of `plan graph`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GraphArgs {
    /// The plan, or its artifact
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    overrides: OverrideArgs,
}

const EXAMPLES: &str = "Examples:
  plan graph plans/checkout.yaml
  plan graph plans/checkout.yaml --format dot | dot -Tsvg > checkout.svg";

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// A list for people
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
}

pub(super) fn run(
    args: &GraphArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CliError> {
    let Some(artifact) = explain::load(&args.plan, &args.overrides, err)? else {
        return Ok(Exit::Rejected);
    };
    let format = match args.format {
        Format::Text => GraphFormat::Text,
        Format::Mermaid => GraphFormat::Mermaid,
        Format::Dot => GraphFormat::Dot,
    };
    draw_graph(&artifact, format, out)?;
    Ok(Exit::Passed)
}
