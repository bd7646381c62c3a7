//! What `volley run` shows while it runs: one calm line on a terminal, a plain line now and then elsewhere, or JSON.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc;

use super::Format;
use crate::cli::say;
use crate::event::{Happened, RunEvent, Tick};

/// Seconds of the run between two plain lines where there is no terminal.
const PLAIN_SECONDS: u32 = 5;

/// Shows events until the run is over.
pub(super) async fn show(mut events: mpsc::Receiver<RunEvent>, format: Format, quiet: bool) {
    let mut screen = Screen::new(quiet);
    while let Some(event) = events.recv().await {
        match format {
            Format::Json => {
                if let Ok(line) = serde_json::to_string(&event) {
                    say(&format!("{line}\n"));
                }
            }
            Format::Human => screen.show(&event),
        }
    }
    screen.clear();
}

/// Standard error as people see it.
struct Screen {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Screen {
    fn new(quiet: bool) -> Screen {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = io::stderr().is_terminal() && !dumb;
        let bar = (is_terminal && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Screen { bar, quiet }
    }

    fn show(&mut self, event: &RunEvent) {
        if self.quiet {
            return;
        }
        if let Happened::Tick(tick) = &event.what {
            match &self.bar {
                Some(bar) => bar.set_message(counts(*tick)),
                None if tick.second.is_multiple_of(PLAIN_SECONDS) => self.line(&counts(*tick)),
                None => {}
            }
        } else if let Some(text) = sentence(event) {
            self.line(&text);
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => drop(writeln!(io::stderr(), "{text}")),
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Returns one second of the run in a line.
fn counts(tick: Tick) -> String {
    let Tick { second, started, succeeded, failed, dropped, in_flight } = tick;
    format!(
        "{:>4}s  {started:>5} started/s  {succeeded:>5} ok  {failed:>3} failed  \
         {dropped:>3} dropped  {in_flight:>4} in flight",
        second + 1
    )
}

/// Returns what happened as a sentence; `None` for what a person need not know.
fn sentence(event: &RunEvent) -> Option<String> {
    let node = event.node.as_deref().unwrap_or("the run");
    let text = match &event.what {
        Happened::Waiting { seats } => format!("waiting for agents: {}", list(seats)),
        Happened::Joined { seats } if seats.is_empty() => format!("{node} stands by"),
        Happened::Joined { seats } => format!("{node} takes {}", list(seats)),
        Happened::Armed { in_us } => {
            if *in_us == 0 {
                return None;
            }
            format!("all nodes are ready, the load starts in {:.1} s", seconds(*in_us))
        }
        Happened::Started => "the load has started".to_owned(),
        Happened::Suspect => format!("{node} is not heard; its load goes on under its lease"),
        Happened::Back => format!("{node} is heard again"),
        Happened::Lost { reason } => format!("{node} is lost: {reason}"),
        Happened::TakesOver { from, seats } => {
            format!("{node} takes over from {from}: {}", list(seats))
        }
        Happened::Stopping { reason } => format!("stopping: {reason}"),
        Happened::ScenarioStarts { scenario, in_us } => {
            format!("{scenario} starts in {:.1} s", seconds(*in_us))
        }
        Happened::ScenarioStopped { scenario, reason } => {
            format!("{scenario} is stopped: {reason}")
        }
        Happened::BrokerAway => "the broker is away".to_owned(),
        Happened::BrokerBack { away_us } => {
            format!("the broker is back after {:.1} s", seconds(*away_us))
        }
        Happened::Warning { code, message } => format!("warning ({code}): {message}"),
        Happened::Ready | Happened::Drained | Happened::Finished | Happened::Tick(_) => {
            return None;
        }
    };
    Some(text)
}

/// Returns seats as a list that fits a line.
fn list(seats: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = seats.iter().take(SHOWN).cloned().collect::<Vec<String>>().join(", ");
    match seats.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns microseconds as seconds, for display.
fn seconds(us: u64) -> f64 {
    Duration::from_micros(us).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_one_line() {
        let tick =
            Tick { second: 9, started: 40, succeeded: 39, failed: 1, dropped: 0, in_flight: 3 };
        let line = counts(tick);
        assert_eq!(
            line,
            "  10s     40 started/s     39 ok    1 failed    0 dropped     3 in flight"
        );
        assert!(line.len() < 78, "a spinner and a space come before it");
    }

    #[test]
    fn many_seats_stay_on_one_line() {
        let seats: Vec<String> = (0..1_000).map(|seat| format!("eu/{seat}")).collect();
        let what = Happened::Joined { seats };
        let event = RunEvent { at_us: 0, node: Some("node-0000".to_owned()), what };
        assert_eq!(
            sentence(&event).unwrap(),
            "node-0000 takes eu/0, eu/1, eu/2, eu/3 and 996 more"
        );
    }

    #[test]
    fn a_lost_node_is_named() {
        let what = Happened::Lost { reason: "no beat for 9.5 s".to_owned() };
        let event = RunEvent { at_us: 0, node: Some("eu-1".to_owned()), what };
        assert_eq!(sentence(&event).unwrap(), "eu-1 is lost: no beat for 9.5 s");
    }
}
