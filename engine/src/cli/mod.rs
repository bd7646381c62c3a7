//! The subcommands of `volley`.

mod agent;
mod keep;
mod nats;
mod nats_config;
mod nodes;
mod pacing;
mod permit;
mod report;
mod run;
mod secrets;
mod signal;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use compiler::exit::Exit;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::driver::{Driver, HttpDriver};
use crate::runtime::StartDriver;
use crate::user::AllowedTargets;

/// Distributed load testing: one plan, one merged result.
#[derive(Debug, Parser)]
#[command(name = "volley", version, about, max_term_width = 100)]
struct Volley {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a plan or an artifact, in this process or on agents.
    Run(Box<run::RunArgs>),
    /// Wait for runs and execute a seat of each.
    Agent(Box<agent::AgentArgs>),
    /// Show which agents are there, what they do, and who coordinates them.
    Nodes(nodes::NodesArgs),
    /// Print the permissions of a cluster as configuration of a NATS server.
    NatsConfig(nats_config::NatsConfigArgs),
    /// Make reports of a finished run from its `result.json`.
    Report(report::ReportArgs),
    /// Serve the demo shop, a system under test.
    Target(target::TargetArgs),
    /// Run a program that ends when this one's standard input does.
    #[command(hide = true)]
    Keep(keep::KeepArgs),
    /// Check, compile and explain plans, offline.
    #[command(subcommand)]
    Plan(compiler::cli::Command),
}

/// Runs the program on the process's arguments and streams.
pub fn main() -> ExitCode {
    let volley = match Volley::try_parse() {
        Ok(volley) => volley,
        Err(error) => {
            let is_error = error.use_stderr();
            error.print().ok();
            return if is_error { Exit::Usage.into() } else { Exit::Passed.into() };
        }
    };
    start_log();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        complain("a crypto provider was installed twice; please report this");
        return Exit::Internal.into();
    }
    if let Command::Plan(command) = volley.command {
        return compiler::cli::run(command, &mut io::stdout().lock(), &mut io::stderr().lock())
            .into();
    }
    if let Command::NatsConfig(args) = &volley.command {
        return nats_config::run(args).into();
    }
    if let Command::Keep(args) = &volley.command {
        return keep::run(args).into();
    }
    let control = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build();
    let control = match control {
        Ok(control) => control,
        Err(error) => {
            complain(&format!("cannot start threads: {error}"));
            return Exit::Internal.into();
        }
    };
    let exit = control.block_on(async {
        match volley.command {
            Command::Run(args) => run::run(*args).await,
            Command::Agent(args) => agent::run(*args).await,
            Command::Nodes(args) => nodes::run(args).await,
            Command::Report(args) => {
                report::run(&args, &mut io::stdout().lock(), &mut io::stderr().lock())
            }
            Command::Target(args) => target::run(args).await,
            Command::Plan(_) | Command::Keep(_) | Command::NatsConfig(_) => Exit::Internal,
        }
    });
    control.shutdown_timeout(std::time::Duration::from_secs(1));
    exit.into()
}

/// Threads for coordination, apart from the workers that send load: one may decode while another answers beats.
const CONTROL_THREADS: usize = 2;

/// Returns how many cores there are.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns what gives each worker its HTTP driver, which sends to these servers alone.
fn http_drivers(allowed: AllowedTargets) -> StartDriver {
    Arc::new(move |program, clock| {
        let driver = HttpDriver::within(allowed.clone(), program.targets(), clock.clone())?;
        Ok(Driver::Http(driver))
    })
}

/// Writes what the program logs to standard error; `VOLLEY_LOG` sets the level, warnings by default.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("VOLLEY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,async_nats=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

/// Writes what went wrong to standard error.
fn complain(message: &str) {
    note(&format!("error: {message}"));
}

/// Writes a line to standard error; when that is gone, nobody is left to be told.
fn note(message: &str) {
    writeln!(io::stderr(), "{message}").ok();
}

/// Writes to standard output; a reader that went away is no error of ours.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

/// Returns a wall clock's milliseconds since 1970 for a person: `2026-08-01T12:00:00Z`.
fn instant(unix_ms: u64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let seconds = i64::try_from(unix_ms / 1_000).unwrap_or(0);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&format).unwrap_or_default()
}

/// Returns an error with its causes, one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
