//! The subcommands of `plan`. The only place that reads files.

mod check;
mod checked;
mod codes;
mod compile;
mod excerpt;
mod explain;
pub mod files;
mod findings;
pub mod fix;
mod github;
mod graph;
mod json;
mod overrides;
pub mod render;
mod sarif;
mod schema;
mod suggestion;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

pub use self::check::{CheckArgs, judge};
pub use self::compile::CompileArgs;
pub use self::explain::ExplainArgs;
pub use self::graph::GraphArgs;
pub use self::overrides::OverrideArgs;
pub use self::render::render;
pub use self::schema::SchemaArgs;
use crate::exit::Exit;

/// Checks, compiles and explains load-test plans, offline.
///
/// Nothing is sent: no network, no secrets, no clock. What a plan will do is known before it does it.
#[derive(Debug, Parser)]
#[command(name = "plan", version, after_help = EXIT_HELP)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

const EXIT_HELP: &str = "Exit codes: 0 all is well, 1 a plan is rejected or a file is stale, \
2 the command line or a file cannot be used, 95 an artifact is refused.";

/// What `plan` can do; `volley plan` is the same.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Checks plans: files, and every plan below a folder
    Check(CheckArgs),
    /// Writes a plan's artifact, or compares it with one
    Compile(CompileArgs),
    /// Says what a run of a plan will do, or explains a diagnostic code
    Explain(ExplainArgs),
    /// Draws the transactions of a plan
    Graph(GraphArgs),
    /// Prints a published JSON Schema
    Schema(SchemaArgs),
    /// Lists every diagnostic code
    Codes,
}

/// Runs `command`; what it finds goes to `out` or `err`, what it means is the exit code.
pub fn run(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let passed = |()| Exit::Passed;
    let done = match command {
        Command::Check(args) => check::run(&args, out, err),
        Command::Compile(args) => compile::run(&args, out, err),
        Command::Explain(args) => explain::run(&args, out, err),
        Command::Graph(args) => graph::run(&args, out, err),
        Command::Schema(args) => schema::run(&args, out).map(passed).map_err(CliError::from),
        Command::Codes => codes::run(out).map(passed).map_err(CliError::from),
    };
    done.unwrap_or_else(|error| report(&error, err))
}

/// The whole of the `plan` program.
pub fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => {
            let shown = error.print();
            let exit =
                if error.use_stderr() || shown.is_err() { Exit::Usage } else { Exit::Passed };
            return exit.into();
        }
    };
    let (mut out, mut err) = (io::BufWriter::new(io::stdout()), io::stderr());
    let exit = run(program.command, &mut out, &mut err);
    match out.flush().map_err(CliError::Output) {
        Ok(()) => exit.into(),
        Err(error) => report(&error, &mut err).into(),
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file that the command line names cannot be used.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// As the user wrote it.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output or standard error cannot be written to.
    #[error("cannot write to the standard output")]
    Output(#[from] io::Error),
    /// A flag has a value that nothing in the plan has.
    #[error(transparent)]
    Explain(#[from] crate::explain::ExplainError),
    /// No such diagnostic code.
    #[error("there is no diagnostic code `{code}`{}", hint(.near))]
    Code {
        /// What was asked for.
        code: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
    /// The compiler made an artifact that no node would run.
    #[error(
        "this is a bug of the compiler, please report it with the plan: the artifact is not valid"
    )]
    Bug(#[source] crate::verify::ArtifactError),
    /// The flags ask for nothing.
    #[error("{0}")]
    Flags(&'static str),
}

fn hint(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Writes an error with its sources, and returns what it means.
fn report(error: &CliError, err: &mut dyn Write) -> Exit {
    if let CliError::Output(source) = error
        && source.kind() == io::ErrorKind::BrokenPipe
    {
        // Whoever reads has seen enough.
        return Exit::Passed;
    }
    let mut line = format!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    // Where even this cannot be written, the exit code is all that is left.
    let _unwritten = writeln!(err, "{line}");
    match error {
        CliError::File(error) => error.exit(),
        CliError::Bug(_) => Exit::Internal,
        CliError::Write { .. }
        | CliError::Output(_)
        | CliError::Explain(_)
        | CliError::Code { .. }
        | CliError::Flags(_) => Exit::Usage,
    }
}
