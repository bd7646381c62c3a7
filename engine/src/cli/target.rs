//! `volley target`: the demo shop as a process of its own.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use compiler::exit::Exit;
use compiler::unit::{Length, Share, UnitError};

use super::signal::Signals;
use crate::clock::Clock;
use crate::demo::{self, DemoOptions, Stall};

/// Flags of `volley target`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  volley target\n  \
                  volley target --listen 127.0.0.1:0 --latency 20ms --errors 1% --stall 5s:2s --log shop.log")]
pub(super) struct TargetArgs {
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Root of random latencies and errors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Mean latency; single ones are exponentially distributed.
    #[arg(long, value_name = "D", default_value = "5ms", value_parser = latency)]
    latency: Length,
    /// Share of requests that are answered with 500, such as `1%`.
    #[arg(long, value_name = "P", default_value = "0%", value_parser = errors)]
    errors: Share,
    /// When nothing is answered, counted from the start, and for how long: `5s:2s`.
    #[arg(long, value_name = "AT:FOR", value_parser = stall)]
    stall: Option<Stall>,
    /// Writes a line for each request: nanoseconds, method, path, arrival, step.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Serves until a signal; the address goes to the standard output.
pub(super) async fn run(args: TargetArgs) -> Exit {
    serve(args, &mut io::stdout(), &mut io::stderr()).await
}

async fn serve(args: TargetArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let options = DemoOptions {
        listen: args.listen,
        seed: args.seed,
        latency_ns: args.latency.0,
        errors: args.errors,
        stall: args.stall,
        log: args.log,
    };
    // Before the address is known to anybody, so that nobody can stop it the hard way.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return complain(err, Exit::Internal, "signals cannot be watched", &error),
    };
    let demo = match demo::start(options, Clock::real()) {
        Ok(demo) => demo,
        Err(error) => {
            let what = format!("the demo shop cannot start on {}", args.listen);
            return complain(err, Exit::Usage, &what, &error);
        }
    };
    let told = writeln!(out, "listening on http://{}", demo.addr).and_then(|()| out.flush());
    if let Err(error) = told {
        return complain(err, Exit::Usage, "the address cannot be written", &error);
    }
    signals.next().await;
    match demo.stop() {
        Ok(()) => Exit::Interrupted,
        Err(error) => complain(err, Exit::Internal, "the log is not complete", &error),
    }
}

fn complain(err: &mut dyn Write, exit: Exit, what: &str, error: &io::Error) -> Exit {
    // Nobody is left to be told when this fails too.
    let _lost = writeln!(err, "error: {what}: {error}");
    exit
}

fn latency(text: &str) -> Result<Length, String> {
    Length::parse(text).or_else(|error| zero(text, error))
}

/// A bare `0` needs no unit.
fn zero(text: &str, error: UnitError) -> Result<Length, String> {
    if text == "0" { Ok(Length(0)) } else { Err(explain(error)) }
}

fn errors(text: &str) -> Result<Share, String> {
    Share::parse(text).map_err(explain)
}

fn stall(text: &str) -> Result<Stall, String> {
    let (at, length) = text.split_once(':').ok_or("write when and for how long: `5s:2s`")?;
    let (at, length) = (latency(at)?, Length::parse(length).map_err(explain)?);
    Ok(Stall { at_ns: at.0, length_ns: length.0 })
}

fn explain(error: UnitError) -> String {
    format!("{}; {}", error.message, error.help)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: TargetArgs,
    }

    #[test]
    fn flags_are_quantities() {
        let args = |flags: &str| {
            Cli::try_parse_from(std::iter::once("target").chain(flags.split_whitespace()))
                .map(|cli| cli.args)
        };
        let parsed = args("--latency 20ms --errors 1% --stall 5s:2s --seed 3 --listen [::1]:0");
        let parsed = parsed.unwrap();
        assert_eq!((parsed.latency, parsed.errors), (Length(20_000_000), Share(10_000)));
        let stall = Stall { at_ns: 5_000_000_000, length_ns: 2_000_000_000 };
        assert_eq!((parsed.stall, parsed.seed), (Some(stall), 3));
        assert_eq!(
            args("--stall 0:1s --latency 0").unwrap().stall.map(|stall| stall.at_ns),
            Some(0)
        );
        for bad in
            ["--latency 20", "--errors 5", "--stall 5s", "--stall 5s:", "--listen x", "--nats a"]
        {
            assert!(args(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let args = Cli::try_parse_from(["target", "--listen", &addr]).unwrap().args;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(serve(args, &mut out, &mut err).await, Exit::Usage);
        let message = String::from_utf8(err).unwrap();
        let begins = format!("error: the demo shop cannot start on {addr}: Address already in use");
        assert!(message.starts_with(&begins), "{message}");
        assert!(out.is_empty());
    }
}
