//! (pure) What a dry run says for people.

use crate::metrics::Ending;
use crate::report::RunResult;

/// What a result of a dry run is warned of.
pub(super) const WARNING: (&str, &str) = (
    "dry-run",
    "a dry run: one arrival of each scenario, no threshold of the plan was judged; nothing of this is a measurement",
);

/// Returns what was checked, and what came of it.
pub(super) fn summary(result: &RunResult, ending: &Ending) -> String {
    let run = &result.run;
    let mut text = format!("dry run of {}: {}, exit {}\n", run.plan, run.outcome, run.exit_code);
    match ending {
        Ending::ArtifactRefused(why) | Ending::ClusterFailed(why) | Ending::Internal(why) => {
            text.push_str(&format!("  {why}\n"));
            return text;
        }
        Ending::Complete
        | Ending::Interrupted
        | Ending::Aborted(_)
        | Ending::TooManyFailures(_)
        | Ending::Overloaded(_) => {}
    }
    let names: Vec<&str> = result.nodes.iter().map(|node| node.name.as_str()).collect();
    let who = names.join(", ");
    text.push_str(&format!("  every secret is there, every endpoint is reached by: {who}\n"));
    for scenario in &result.scenarios {
        let arrivals = &scenario.arrivals;
        let became = match (arrivals.succeeded, arrivals.failed, arrivals.unfinished) {
            (1.., ..) => "its arrival succeeded",
            (_, 1.., _) => "its arrival FAILED",
            (_, _, 1..) => "its arrival did not end in time",
            _ => "its arrival was not sent",
        };
        text.push_str(&format!("  scenario {}: {became}\n", scenario.name));
        for step in &scenario.steps {
            for error in &step.errors {
                let what =
                    format!("    step {}: {}, {}\n", step.name, error.kind.name(), error.sample);
                text.push_str(&what);
            }
        }
    }
    text
}
