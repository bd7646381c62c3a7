//! (pure) What of a coordinator is to be written down, and when.

use super::{Alive, Line, NodeNow, Past, RunNow, WindowLine};
use crate::clock::Ticks;
use crate::cluster::coordinator::state::{Coordinator, Effect};
use crate::event::Happened;

const SECOND_NS: u64 = 1_000_000_000;

/// What was written down so far, so that only what has changed is written again.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    now: Option<RunNow>,
    nodes: Vec<NodeNow>,
    /// By node, whether its report was written.
    reports: Vec<bool>,
    /// When everything was looked at.
    looked: Option<Ticks>,
}

impl Notes {
    /// Returns what a journal holds that another coordinator began.
    pub(crate) fn of(past: &Past) -> Notes {
        Notes {
            now: past.now.clone(),
            nodes: past.nodes.values().cloned().collect(),
            reports: (0..past.nodes.len()).map(|at| past.reports.contains_key(&at)).collect(),
            looked: None,
        }
    }

    /// Returns the lines that must be written before `effects` of `coordinator` are performed.
    ///
    /// Windows at once; everything else when something was said about the run or its nodes, which is when orders change,
    /// and each second. Nothing before the start is agreed.
    pub(crate) fn lines(
        &mut self,
        coordinator: &Coordinator,
        effects: &[Effect],
        now: Ticks,
        unix_ms: u64,
    ) -> Vec<Line> {
        if coordinator.start.is_none() {
            return Vec::new();
        }
        let windows = effects.iter().filter_map(|effect| match effect {
            Effect::Window { node, seq, body, .. } => {
                Some(Line::Window(WindowLine::new(*node, *seq, body)))
            }
            _ => None,
        });
        let windows: Vec<Line> = windows.collect();
        let told = effects.iter().any(|effect| {
            matches!(effect, Effect::Event(event) if !matches!(event.what, Happened::Tick(_)))
        });
        let second = self.looked.is_none_or(|looked| now >= looked.saturating_add(SECOND_NS));
        let mut lines = Vec::new();
        if told || second {
            self.look(coordinator, &mut lines);
        }
        lines.extend(windows);
        if told || second {
            self.reports(coordinator, &mut lines);
        }
        if second {
            self.looked = Some(now);
            if coordinator.resumed.is_none() {
                lines.push(Line::Alive(Alive { at: now, unix_ms }));
            }
        }
        lines
    }

    /// Adds a line for everything that is not as it was written last.
    fn look(&mut self, coordinator: &Coordinator, lines: &mut Vec<Line>) {
        let now = coordinator.run_now();
        if self.now.as_ref() != Some(&now) {
            self.now = Some(now.clone());
            lines.push(Line::Run(now));
        }
        for node in 0..coordinator.nodes.len() {
            let is = coordinator.node_now(node);
            if self.nodes.get(node) != Some(&is) {
                match self.nodes.get_mut(node) {
                    Some(was) => *was = is.clone(),
                    None => self.nodes.push(is.clone()),
                }
                lines.push(Line::Node(is));
            }
        }
    }

    fn reports(&mut self, coordinator: &Coordinator, lines: &mut Vec<Line>) {
        self.reports.resize(coordinator.nodes.len(), false);
        for (node, written) in self.reports.iter_mut().enumerate() {
            if let (Some(report), false) = (coordinator.report_of(node), *written) {
                *written = true;
                lines.push(Line::Final { node, report: report.clone() });
            }
        }
    }
}
