//! (pure) The journal of a run, `run.jsonl`: everything that a coordinator must know to go on collecting after another died.
//!
//! Each line is an object with `run` and `what`. Of lines that say what is (`run`, `node`, `alive`), the last one counts;
//! windows and final reports add up. A last line that was cut off by the writer's death is left out.

pub(crate) mod compact;
pub(crate) mod notes;
pub(crate) mod writer;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use compiler::artifact::OnAgentLoss;
use serde::{Deserialize, Serialize};

pub use self::writer::{remove, run_in};
use crate::clock::Ticks;
use crate::cluster::wire::{Armed, FinalReport};
use crate::ledger::{HandedOver, Takeover};
use crate::metrics::Ending;

/// Name of the journal in a results folder.
pub const FILE: &str = "run.jsonl";

/// Version of the lines.
const FORMAT: u32 = 1;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is none.
    #[error(
        "{0} is not there: name the results folder of a run whose coordinator was lost; a run that ended has none"
    )]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is of another run.
    #[error("the journal is of run {found}, not {wanted}: name that run or its own folder")]
    OtherRun {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// A line does not hold.
    #[error(
        "the journal is damaged in line {number}: {what}; what lies before it can be collected once the file is cut there"
    )]
    Damaged {
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Somebody writes it.
    #[error("{0} is being written: the run's coordinator is still there")]
    InUse(PathBuf),
    /// Nothing of use is in it.
    #[error(
        "the journal has no head: the coordinator ended before the run had begun, start it anew"
    )]
    Empty,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    run: String,
    what: Line,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// First of all: what the run is.
    Head(Head),
    /// The run as it is now.
    Run(RunNow),
    /// A node as it is now.
    Node(NodeNow),
    /// A node's window; it was acknowledged only after this line.
    Window(WindowLine),
    /// A node's final report.
    Final {
        /// Which node.
        node: usize,
        /// What it reported.
        report: FinalReport,
    },
    /// The coordinator was there; no lease was given out later than a second after the last of these.
    Alive(Alive),
}

/// What a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Version of the lines.
    pub(crate) v: u32,
    pub(crate) cluster: String,
    /// The artifact's canonical text.
    pub(crate) artifact: String,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) seed: Option<u64>,
    pub(crate) join_timeout_ns: u64,
    pub(crate) lease_ns: u64,
    pub(crate) on_agent_loss: OnAgentLoss,
}

impl Head {
    /// Returns the version that is written.
    pub(crate) fn version() -> u32 {
        FORMAT
    }
}

/// A run as it is now. Times are of the coordinator's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunNow {
    pub(crate) start: Option<Ticks>,
    pub(crate) stopped: Option<StopNow>,
    pub(crate) ending: Ending,
    /// By scenario, in the artifact's order.
    pub(crate) scenarios: Vec<ScenarioNow>,
    pub(crate) warnings: Vec<(String, String)>,
    /// When the coordinator that started the run was lost, if this one only collects.
    pub(crate) lost: Option<Ticks>,
}

/// How a run was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StopNow {
    pub(crate) at: Ticks,
    pub(crate) cut: bool,
    pub(crate) reason: String,
}

/// What was decided of a scenario beside the plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScenarioNow {
    /// Its start, counted from the run's.
    pub(crate) start_ns: Option<u64>,
    pub(crate) stopped: Option<Ticks>,
}

/// A node as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeNow {
    /// Its place among the nodes.
    pub(crate) node: usize,
    pub(crate) name: String,
    /// The process that executes its share.
    pub(crate) process: String,
    pub(crate) group: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) seats: Vec<String>,
    /// Of its seats, what it had from the start.
    pub(crate) home: Vec<String>,
    pub(crate) takeovers: Vec<Takeover>,
    pub(crate) handed_over: Vec<HandedOver>,
    pub(crate) joined: Ticks,
    pub(crate) armed: Option<Armed>,
    /// Its leases, once it gets no more; while it does, [`Alive`] bounds them.
    pub(crate) leases: Option<Leases>,
    pub(crate) fenced: bool,
    pub(crate) left: bool,
    pub(crate) lost: Option<Ticks>,
    pub(crate) drained: Option<Ticks>,
}

/// What leases an agent was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leases {
    /// When the last one was given.
    pub(crate) last: Option<Ticks>,
    /// First instant that the agent may not start any more, in nanoseconds since the run's start.
    pub(crate) until_ns: u64,
}

/// A window, or several merged into one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WindowLine {
    pub(crate) node: usize,
    /// Number of the last window that is in it.
    pub(crate) seq: u64,
    /// The window's bytes, base64.
    pub(crate) body: String,
}

impl WindowLine {
    /// Returns the line of a window with these bytes.
    pub(crate) fn new(node: usize, seq: u64, body: &[u8]) -> WindowLine {
        WindowLine { node, seq, body: STANDARD.encode(body) }
    }
}

/// The coordinator's clock and the wall clock at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alive {
    pub(crate) at: Ticks,
    pub(crate) unix_ms: u64,
}

/// What a journal says.
#[derive(Clone, Debug)]
pub struct Past {
    pub(crate) run: String,
    pub(crate) head: Head,
    /// `None` if the start was never agreed.
    pub(crate) now: Option<RunNow>,
    /// By node.
    pub(crate) nodes: BTreeMap<usize, NodeNow>,
    /// Windows in the order in which they were taken: node, number, bytes.
    pub(crate) windows: Vec<(usize, u64, Bytes)>,
    /// By node.
    pub(crate) reports: BTreeMap<usize, FinalReport>,
    pub(crate) alive: Alive,
    /// Length of the lines that hold, in bytes.
    pub(crate) length: u64,
}

impl Past {
    /// Returns the cluster that the run was on.
    pub fn cluster(&self) -> &str {
        &self.head.cluster
    }

    /// Returns the artifact's bytes.
    pub fn artifact(&self) -> &str {
        &self.head.artifact
    }

    /// Replaces the longest wait for agents, in nanoseconds.
    pub fn set_join_timeout_ns(&mut self, ns: u64) {
        self.head.join_timeout_ns = ns;
    }

    /// Reads a journal, that of run `wanted` if one is named.
    ///
    /// # Errors
    /// It cannot be read, is of another run, or a line before the last does not hold.
    pub(crate) fn read(
        mut lines: impl BufRead,
        wanted: Option<&str>,
    ) -> Result<Past, JournalError> {
        let mut past: Option<Past> = None;
        let (mut line, mut length) = (Vec::new(), 0);
        for number in 1.. {
            line.clear();
            let read = lines.read_until(b'\n', &mut line);
            let read =
                read.map_err(|error| JournalError::Damaged { number, what: error.to_string() })?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            let damaged = |what: String| JournalError::Damaged { number, what };
            let entry: Entry =
                serde_json::from_slice(&line).map_err(|error| damaged(error.to_string()))?;
            let of = past.as_ref().map_or(wanted, |past| Some(past.run.as_str()));
            if let Some(wanted) = of.filter(|wanted| *wanted != entry.run) {
                let (found, wanted) = (entry.run, wanted.to_owned());
                return Err(JournalError::OtherRun { found, wanted });
            }
            length += u64::try_from(read).unwrap_or(u64::MAX);
            match (&mut past, entry.what) {
                (None, Line::Head(head)) => past = Some(Past::begin(entry.run, head, damaged)?),
                (None, _) => return Err(damaged("the head comes first".to_owned())),
                (Some(past), line) => past.take(line).map_err(damaged)?,
            }
        }
        let mut past = past.ok_or(JournalError::Empty)?;
        past.length = length;
        past.check().map_err(|what| JournalError::Damaged { number: 1, what })?;
        Ok(past)
    }

    fn begin(
        run: String,
        head: Head,
        damaged: impl Fn(String) -> JournalError,
    ) -> Result<Past, JournalError> {
        if head.v != FORMAT {
            let what = format!("format {} is not {FORMAT}: use the program that wrote it", head.v);
            return Err(damaged(what));
        }
        Ok(Past {
            run,
            head,
            now: None,
            nodes: BTreeMap::new(),
            windows: Vec::new(),
            reports: BTreeMap::new(),
            alive: Alive::default(),
            length: 0,
        })
    }

    fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Head(_) => return Err("a second head".to_owned()),
            Line::Run(now) => self.now = Some(now),
            Line::Node(node) => drop(self.nodes.insert(node.node, node)),
            Line::Window(WindowLine { node, seq, body }) => {
                let body = STANDARD.decode(body).map_err(|error| error.to_string())?;
                self.windows.push((node, seq, Bytes::from(body)));
            }
            Line::Final { node, report } => drop(self.reports.insert(node, report)),
            Line::Alive(alive) => self.alive = alive,
        }
        Ok(())
    }

    /// Checks that nodes are numbered without a gap, and that nothing speaks of another.
    fn check(&self) -> Result<(), String> {
        let gap = self.nodes.keys().enumerate().find(|(place, node)| place != *node);
        if let Some((place, _)) = gap {
            return Err(format!("node {place} is missing"));
        }
        let named = self.windows.iter().map(|(node, ..)| node).chain(self.reports.keys());
        match named.max().filter(|node| **node >= self.nodes.len()) {
            Some(node) => Err(format!("node {node} is missing")),
            None => Ok(()),
        }
    }

    /// Returns the lines that say the same, windows as they are.
    pub(crate) fn lines(self) -> Vec<Line> {
        let Past { run: _, head, now, nodes, windows, reports, alive, length: _ } = self;
        let mut lines = vec![Line::Head(head)];
        lines.extend(now.map(Line::Run));
        lines.extend(nodes.into_values().map(Line::Node));
        let windows = windows.into_iter();
        lines.extend(
            windows.map(|(node, seq, body)| Line::Window(WindowLine::new(node, seq, &body))),
        );
        lines.extend(reports.into_iter().map(|(node, report)| Line::Final { node, report }));
        lines.push(Line::Alive(alive));
        lines
    }
}

/// Appends `line` of `run` to `text`.
///
/// # Errors
/// It cannot be said in JSON, which is a bug of ours.
pub(crate) fn put(text: &mut Vec<u8>, run: &str, line: Line) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *text, &Entry { run: run.to_owned(), what: line })?;
    text.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests;
