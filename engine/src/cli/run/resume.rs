//! `volley run --resume`: collects what is left of a run whose coordinator was lost, and writes its result.

use std::path::Path;
use std::sync::Arc;

use compiler::exit::Exit;
use tokio::sync::mpsc;

use super::{EVENTS_MAX, Refusal, RunArgs, RunSink, fleet, outcome, progress};
use crate::cli::{chain, complain, signal};
use crate::clock::Clock;
use crate::cluster::coordinator::journal::{self, Past};
use crate::cluster::coordinator::{self, Resumption};
use crate::report::{self, RunResult};

/// Resumes run `run`, whose results folder is `out`.
pub(super) async fn resume(args: &RunArgs, run: &str, out: &Path) -> Result<Exit, Refusal> {
    let template = args.template.as_deref().map(report::read_template).transpose();
    let template = template.map_err(|error| Refusal::usage(chain(&error)))?;
    if out.join("result.json").exists() {
        return Err(Refusal::usage(format!(
            "{} has a result.json: the run has ended, there is nothing to resume",
            out.display()
        )));
    }
    let mut past = Past::open(out, run).map_err(|error| Refusal::usage(chain(&error)))?;
    if args.cluster != "default" && args.cluster != past.cluster() {
        return Err(Refusal::usage(format!(
            "run {run} was on cluster `{}`: leave --cluster {} out",
            past.cluster(),
            args.cluster
        )));
    }
    if let Some(length) = args.join_timeout {
        past.set_join_timeout_ns(length.0);
    }
    let artifact = compiler::verify::load(past.artifact().as_bytes()).map_err(|error| {
        Refusal::usage(format!("the artifact in the journal does not hold: {}", chain(&error)))
    })?;
    let artifact = Arc::new(artifact);
    let url = args.nats.as_deref().unwrap_or_default();
    if url == "local" {
        return Err(Refusal::usage(
            "--resume --nats local: the agents of a private server ended with it; name any server with \
             --nats URL to write what the journal knows",
        ));
    }
    let stopped = signal::stop_requests(
        "stopping: the journal stays, the run can be resumed again; once more to cut it",
    )
    .map_err(|error| Refusal::new(Exit::Internal, format!("cannot watch signals: {error}")))?;
    let bus = fleet::connect(args, url, past.cluster()).await?;
    let lock = fleet::lock(&bus, past.cluster(), run).await?;
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let shown = tokio::spawn(progress::show(received, args.format, args.quiet));
    let sink = RunSink::new(&artifact);
    let journal = out.join(journal::FILE);
    let resumption = Resumption { past, artifact: Arc::clone(&artifact), journal };
    let resumed =
        coordinator::resume(resumption, bus.clone(), Clock::real(), stopped.clone(), events, sink);
    let finished = resumed.await;
    drop(lock);
    bus.close().await;
    shown.await.ok();
    let finished = finished.map_err(|error| Refusal::usage(chain(&error)))?;
    if stopped.borrow().is_some() {
        let message = format!("interrupted, no result was written; resume run {run} again");
        return Err(Refusal::new(Exit::Interrupted, message));
    }
    let result = RunResult::build(&artifact, &finished.record, &finished.sink.totals);
    let spare = std::env::temp_dir();
    let kept = outcome::write(out, &spare, &result, &args.report, template.as_ref());
    outcome::conclude(args, &result, &finished.record.ending, &kept);
    close_journal(out);
    Ok(kept.exit(&result))
}

/// Removes the journal in `out` once there is a result, from which nothing more could be made.
pub(super) fn close_journal(out: &Path) {
    if out.join("result.json").exists()
        && let Err(error) = journal::remove(out)
    {
        complain(&format!("cannot remove {} from {}: {error}", journal::FILE, out.display()));
    }
}
