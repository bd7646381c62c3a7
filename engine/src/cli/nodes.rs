//! `volley nodes`: who is there, in which state, serving which run.

use std::time::Duration;

use clap::ValueEnum;
use compiler::exit::Exit;
use compiler::unit::Length;
use serde_json::{Value, json};

use super::agent::token;
use super::nats::NatsArgs;
use super::run::length;
use super::{complain, instant, say};
use crate::cluster::bus::Bus;
use crate::cluster::nodes::{self, Seen};
use crate::cluster::wire::{Phase, Status};

/// Columns of a terminal that everybody has.
const WIDTH: usize = 80;

/// What follows the options in the help.
const AFTER_HELP: &str = "\
Examples:
  volley nodes --nats nats://broker:4222
  volley nodes --nats nats://broker:4222 --format json | jq -r '.agents[].name'

It needs the coordinator's credentials, and changes nothing: it may be asked during a run.
An agent that does not answer within --wait is not listed.

States: waiting (for a run), standby, preparing, ready, armed, running, draining, fenced (its lease
has ended), reporting, failed, refused.

With --format json one object:
  {\"format\": 1, \"cluster\", \"coordinator\": null or {\"run\", \"host\", \"pid\", \"since\"}, \"agents\": [
  {\"name\", \"group\", \"labels\": {…}, \"state\", \"run\": id or null, \"seats\": […], \"host\", \"pid\",
  \"cores\", \"mem_bytes\": 0 where unknown, \"open_files\": number or null for no limit,
  \"drivers\": […], \"version\"}], \"unreadable\": messages that could not be read}

Exit codes:
  0   asked, whoever answered; also if nobody did
  2   usage: a bad flag, an unreadable file
  96  no broker, or it denies the question";

/// Flags of `volley nodes`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct NodesArgs {
    /// The NATS server; several with commas.
    #[arg(long, value_name = "URL", env = "VOLLEY_NATS", hide_env_values = true)]
    nats: String,
    /// Which agents: those started with the same id.
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// How long to wait for answers.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = length)]
    wait: Length,
    /// Output: for people, or one JSON object.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    access: NatsArgs,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// Asks, and writes the answers to standard output.
pub(super) async fn run(args: NodesArgs) -> Exit {
    let options = match args.access.options(&args.nats, &args.cluster, None) {
        Ok(options) => options,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    let wait = Duration::from_nanos(args.wait.0);
    let seen = match Bus::connect(options).await {
        Ok(bus) => {
            let seen = nodes::look(&bus, &args.cluster, wait).await;
            bus.close().await;
            seen
        }
        Err(message) => Err(message),
    };
    match seen {
        Ok(seen) => {
            say(&match args.format {
                Format::Human => table(&args.cluster, &seen),
                Format::Json => format!("{}\n", object(&args.cluster, &seen)),
            });
            Exit::Passed
        }
        Err(message) => {
            complain(&message);
            Exit::ClusterFailed
        }
    }
}

fn object(cluster: &str, seen: &Seen) -> Value {
    let agents = seen.agents.iter().map(|agent| {
        let hello = &agent.hello;
        json!({
            "name": hello.name, "group": hello.group, "labels": hello.labels,
            "state": state(agent), "run": agent.run, "seats": agent.seats,
            "host": hello.host, "pid": hello.pid, "cores": hello.cores,
            "mem_bytes": hello.mem_bytes, "open_files": hello.open_files,
            "drivers": hello.drivers, "version": hello.build,
        })
    });
    let coordinator = seen.coordinator.as_ref().map(|by| {
        json!({ "run": by.run, "host": by.host, "pid": by.pid, "since": instant(by.since_ms) })
    });
    json!({
        "format": 1, "cluster": cluster, "coordinator": coordinator,
        "agents": agents.collect::<Vec<Value>>(), "unreadable": seen.refused,
    })
}

/// Returns where an agent is, in a word.
fn state(agent: &Status) -> &'static str {
    match (agent.phase, &agent.run) {
        (Phase::Idle, None) => "waiting",
        (Phase::Idle, Some(_)) => "standby",
        (Phase::Preparing, _) => "preparing",
        (Phase::Ready, _) => "ready",
        (Phase::Armed, _) => "armed",
        (Phase::Running, _) => "running",
        (Phase::Draining, _) => "draining",
        (Phase::Fenced, _) => "fenced",
        (Phase::Reporting, _) => "reporting",
        (Phase::Failed, _) => "failed",
        (Phase::Refused, _) => "refused",
    }
}

/// Returns two or more lines an agent, none longer than [`WIDTH`] unless one fact alone is.
fn table(cluster: &str, seen: &Seen) -> String {
    let mut text = match &seen.coordinator {
        Some(by) => {
            let run = shown(by.run.as_deref().unwrap_or("?"));
            let who = vec![
                format!("cluster {cluster}: run {run}"),
                format!("host {}", shown(&by.host)),
                format!("pid {}", by.pid),
                format!("since {}", instant(by.since_ms)),
            ];
            wrapped("", &who)
        }
        None => format!("cluster {cluster}: nobody coordinates it\n"),
    };
    if seen.agents.is_empty() {
        text.push_str("no agent answers; start one with `volley agent --nats URL`\n");
    } else {
        text.push('\n');
        text.push_str(&row(["NAME", "GROUP", "STATE", "RUN", "SEATS"]));
    }
    for agent in &seen.agents {
        let hello = &agent.hello;
        let run = agent.run.as_deref().unwrap_or("-");
        let seats = if agent.seats.is_empty() { "-".to_owned() } else { agent.seats.join(", ") };
        text.push_str(&row([&hello.name, &hello.group, state(agent), run, &seats]));
        text.push_str(&wrapped("  ", &facts(agent)));
    }
    if seen.refused > 0 {
        text.push_str(&format!("\n{} messages could not be read\n", seen.refused));
    }
    text
}

/// Returns what a machine is, a fact each.
fn facts(agent: &Status) -> Vec<String> {
    let hello = &agent.hello;
    let mut facts = vec![
        format!("host {}", shown(&hello.host)),
        format!("pid {}", hello.pid),
        format!("{} cores", hello.cores),
    ];
    if hello.mem_bytes > 0 {
        let tenths = hello.mem_bytes.saturating_mul(10) >> 30;
        facts.push(format!("{}.{} GiB", tenths / 10, tenths % 10));
    }
    facts.push(match hello.open_files {
        Some(limit) => format!("{limit} open files"),
        None => "any number of open files".to_owned(),
    });
    facts.push(format!("volley {}", shown(&hello.build)));
    facts.push(format!("drivers {}", shown(&hello.drivers.join(" "))));
    let labels = hello.labels.iter().map(|(key, value)| shown(&format!("{key}={value}")));
    facts.extend(labels);
    facts
}

/// Returns one line of columns; what is too long for its column is cut, but for the last.
fn row(cells: [&str; 5]) -> String {
    const WIDTHS: [usize; 5] = [24, 14, 9, 10, 15];
    let cells = cells.iter().zip(WIDTHS).map(|(cell, width)| {
        let cell = shown(cell);
        if cell.chars().count() <= width {
            return format!("{cell:width$}");
        }
        let kept: String = cell.chars().take(width - 1).collect();
        format!("{kept}…")
    });
    format!("{}\n", cells.collect::<Vec<String>>().join("  ").trim_end())
}

/// Returns `facts` with commas between them, in as many lines as it takes, each after `indent`.
fn wrapped(indent: &str, facts: &[String]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + fact.chars().count() < WIDTH => {
                line.push_str(", ");
                line.push_str(fact);
            }
            Some(line) => {
                line.push(',');
                lines.push(format!("{indent}{fact}"));
            }
            None => lines.push(format!("{indent}{fact}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Returns what another machine says as a terminal may have it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cluster::wire::{Claimant, Hello, Range, V};

    fn agent(name: &str, run: Option<&str>, phase: Phase) -> Status {
        let hello = Hello {
            resume: Vec::new(),
            v: V,
            nonce: "n".to_owned(),
            name: name.to_owned(),
            group: "eu".to_owned(),
            labels: BTreeMap::from([("zone".to_owned(), "a\u{1b}[31m".to_owned())]),
            proto: Range { min: 1, max: 1 },
            formats: vec![1],
            build: "0.1.0".to_owned(),
            pid: 4021,
            host: "a-machine-with-a-rather-long-name.of-a-region.example.com".to_owned(),
            cores: 8,
            mem_bytes: 33_501_757_440,
            open_files: Some(1_048_576),
            drivers: vec!["http".to_owned()],
        };
        let seats = run.map(|_| "eu/0".to_owned()).into_iter().collect();
        let (nonce, run) = ("n".to_owned(), run.map(str::to_owned));
        Status { v: V, nonce, hello, run, phase, seats }
    }

    #[test]
    fn the_table_fits_eighty_columns_and_a_terminal() {
        let by = Claimant {
            v: V,
            nonce: "c".to_owned(),
            host: "control".to_owned(),
            pid: 7,
            run: Some("k3v9x0q2ab".to_owned()),
            since_ms: 1_785_585_600_000,
        };
        let agents = vec![
            agent("eu-1", None, Phase::Idle),
            agent(&"x".repeat(64), Some("k3v9x0q2ab"), Phase::Running),
        ];
        let text = table("c1", &Seen { agents, coordinator: Some(by), refused: 0 });
        let expected = "\
cluster c1: run k3v9x0q2ab, host control, pid 7, since 2026-08-01T12:00:00Z

NAME                      GROUP           STATE      RUN         SEATS
eu-1                      eu              waiting    -           -
  host a-machine-with-a-rather-long-name.of-a-region.example.com, pid 4021,
  8 cores, 31.2 GiB, 1048576 open files, volley 0.1.0, drivers http, zone=a[31m
xxxxxxxxxxxxxxxxxxxxxxx…  eu              running    k3v9x0q2ab  eu/0
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn nobody_is_said() {
        let text = table("c1", &Seen::default());
        assert!(text.starts_with("cluster c1: nobody coordinates it\nno agent answers"), "{text}");
        assert_eq!(object("c1", &Seen::default())["agents"], json!([]));
    }
}
