//! [pure] The views for terminals and for tickets: plain text and Markdown.

use minijinja::context;

use super::model::RunResult;
use super::template::{TemplateError, render};

const TEXT: &str = include_str!("templates/report.txt");
const MARKDOWN: &str = include_str!("templates/report.md");

/// Returns the verdict, arrivals, latencies and thresholds on one screen.
pub fn summary(result: &RunResult) -> String {
    let rendered = render("report.txt", TEXT, result, context! { full => false });
    // Our own template renders every result; if it ever does not, the verdict still has to be said.
    rendered.unwrap_or_else(|error| {
        let run = &result.run;
        format!("{}: {}, exit {} ({error})\n", run.plan, run.outcome, run.exit_code)
    })
}

/// Renders `report.txt`.
pub(super) fn text(result: &RunResult) -> Result<String, TemplateError> {
    render("report.txt", TEXT, result, context! { full => true })
}

/// Renders `report.md`.
pub(super) fn markdown(result: &RunResult) -> Result<String, TemplateError> {
    render("report.md", MARKDOWN, result, context! {})
}
