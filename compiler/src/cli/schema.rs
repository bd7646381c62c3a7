//! `plan schema`: the published schemas, for editors and other programs.

use std::io::{self, Write};

use clap::ValueEnum;

use crate::artifact::ARTIFACT_SCHEMA;
use crate::explain::EXPLAIN_SCHEMA;
use crate::schema::PLAN_SCHEMA;

/// Prints a published JSON Schema
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = Document::Plan)]
    document: Document,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    /// A plan
    Plan,
    /// A compiled plan
    Artifact,
    /// The result of a run
    Result,
    /// What `explain --format json` writes
    Explain,
}

/// The engine writes results; their schema is published here with the others.
const RESULT_SCHEMA: &str = include_str!("../../../schemas/result.schema.json");

/// Writes the schema that `args` names.
pub(super) fn run(args: &SchemaArgs, out: &mut dyn Write) -> io::Result<()> {
    match args.document {
        Document::Plan => out.write_all(PLAN_SCHEMA.as_bytes()),
        Document::Artifact => out.write_all(ARTIFACT_SCHEMA.as_bytes()),
        Document::Explain => out.write_all(EXPLAIN_SCHEMA.as_bytes()),
        Document::Result => out.write_all(RESULT_SCHEMA.as_bytes()),
    }
}
