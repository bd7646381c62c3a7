//! The subcommands of `plan`. The only place that reads files.

mod check;
mod checked;
mod codes;
mod compile;
mod diff;
mod excerpt;
mod explain;
pub mod files;
mod findings;
pub mod fix;
mod github;
mod graph;
mod init;
mod json;
mod keygen;
mod overrides;
pub mod render;
mod sarif;
mod schema;
mod sign;
mod suggestion;
pub mod trust;
mod verify;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

pub use self::check::{CheckArgs, judge};
pub use self::compile::CompileArgs;
pub use self::diff::DiffArgs;
pub use self::explain::ExplainArgs;
pub use self::graph::GraphArgs;
pub use self::init::InitArgs;
pub use self::keygen::KeygenArgs;
pub use self::overrides::OverrideArgs;
pub use self::render::render;
pub use self::schema::SchemaArgs;
pub use self::sign::SignArgs;
pub use self::verify::VerifyArgs;
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
    /// Says by meaning what changed between two plans or artifacts
    Diff(DiffArgs),
    /// Prints a published JSON Schema
    Schema(SchemaArgs),
    /// Lists every diagnostic code
    Codes,
    /// Writes a first plan, its schema for editors, and the configuration of the pre-commit hook
    Init(InitArgs),
    /// Makes a key that signs artifacts
    Keygen(KeygenArgs),
    /// Signs an artifact, in a file beside it
    Sign(SignArgs),
    /// Says whether an artifact and its signatures hold
    Verify(VerifyArgs),
}

/// Runs `command`; what it finds goes to `out` or `err`, what it means is the exit code.
pub fn run(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let passed = |()| Exit::Passed;
    let done = match command {
        Command::Check(args) => check::run(&args, out, err),
        Command::Compile(args) => compile::run(&args, out, err),
        Command::Explain(args) => explain::run(&args, out, err),
        Command::Graph(args) => graph::run(&args, out, err),
        Command::Diff(args) => diff::run(&args, out, err),
        Command::Schema(args) => schema::run(&args, out).map(passed).map_err(CliError::from),
        Command::Codes => codes::run(out).map(passed).map_err(CliError::from),
        Command::Init(args) => init::run(&args, out, err),
        Command::Keygen(args) => keygen::run(&args, out),
        Command::Sign(args) => sign::run(&args, err),
        Command::Verify(args) => verify::run(&args, out),
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
    /// No key can be made.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A file or flag holds no key.
    #[error("cannot use the key `{path}`")]
    Key {
        /// As the user wrote it.
        path: String,
        /// Why.
        source: crate::signature::KeyError,
    },
    /// Others could have copied a secret key.
    #[error("others than its owner can use the secret key `{path}`: `chmod 600 {path}`")]
    Exposed {
        /// As the user wrote it.
        path: String,
    },
    /// The signatures of an artifact do not make it trusted.
    #[error("cannot trust `{path}` by `{path}.sig`")]
    Signature {
        /// The artifact, as the user wrote it.
        path: String,
        /// Why.
        source: crate::signature::SignatureError,
    },
    /// An artifact that must be signed is not.
    #[error("cannot trust `{path}`: it is not signed, there is no `{path}.sig`")]
    Unsigned {
        /// The artifact, as the user wrote it.
        path: String,
    },
    /// A file is in the way.
    #[error("`{path}` is there already; `--force` writes over it")]
    There {
        /// As the user wrote it.
        path: String,
    },
    /// The flags ask for nothing.
    #[error("{0}")]
    Flags(&'static str),
}

impl CliError {
    /// Returns what the error means for the process.
    pub fn exit(&self) -> Exit {
        match self {
            CliError::File(error) => error.exit(),
            CliError::Bug(_) => Exit::Internal,
            CliError::Signature { .. } | CliError::Unsigned { .. } => Exit::ArtifactRefused,
            CliError::Write { .. }
            | CliError::Key { .. }
            | CliError::Exposed { .. }
            | CliError::There { .. }
            | CliError::Output(_)
            | CliError::Explain(_)
            | CliError::Code { .. }
            | CliError::Random(_)
            | CliError::Flags(_) => Exit::Usage,
        }
    }
}

fn hint(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn write_failed(path: &Path, source: io::Error) -> CliError {
    CliError::Write { path: path.display().to_string(), source }
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
    error.exit()
}
