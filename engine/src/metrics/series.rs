//! (pure) Which latencies a run measures apart from each other: the numbering of its histograms.

use compiler::artifact::{Action, Artifact, Load, Phase, Step};

/// Parts of a request's time, in the order in which they follow each other.
pub const PHASES: [Phase; 5] =
    [Phase::Dns, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Body];

/// One histogram of a run; its index is its place in [`series`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Series {
    /// Scenario, by its place in the artifact.
    pub scenario: usize,
    /// Step, by its place in the scenario; `None` for the transaction.
    pub step: Option<usize>,
    /// What is measured.
    pub kind: SeriesKind,
}

/// From when to when a latency is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum SeriesKind {
    /// From due to end; open scenarios only.
    Response,
    /// From the first send to the end.
    Service,
    /// [`SeriesKind::Response`] of warm-up arrivals.
    WarmUpResponse,
    /// [`SeriesKind::Service`] of warm-up arrivals.
    WarmUpService,
    /// A part of a step's requests; only of those that needed it.
    Phase(Phase),
}

/// Returns every series of a run, in the order of their indices.
///
/// For each scenario: the transaction's response (open loads) and service, both again for the warm-up if there is
/// one, then the service of each step that is no wait, and if it is HTTP the phases of its requests.
pub fn series(artifact: &Artifact) -> Vec<Series> {
    let mut list = Vec::new();
    for (scenario, compiled) in artifact.scenarios.values().enumerate() {
        let open = matches!(compiled.load, Load::Open(_));
        let warm_up = compiled.warm_up_ns > 0;
        let kinds = [
            (SeriesKind::Response, open),
            (SeriesKind::Service, true),
            (SeriesKind::WarmUpResponse, open && warm_up),
            (SeriesKind::WarmUpService, warm_up),
        ];
        let kept = kinds.into_iter().filter(|(_, kept)| *kept);
        list.extend(kept.map(|(kind, _)| Series { scenario, step: None, kind }));
        let unmeasured = |step: &Step| {
            matches!(
                step.action,
                Action::Wait(_)
                    | Action::ForEach(_)
                    | Action::Repeat(_)
                    | Action::Choose(_)
                    | Action::Call(_)
            )
        };
        let sending = compiled.steps.iter().enumerate().filter(|(_, step)| !unmeasured(step));
        for (step, compiled) in sending {
            let phases = PHASES.iter().filter(|_| matches!(compiled.action, Action::Http(_)));
            let kinds = phases.map(|phase| SeriesKind::Phase(*phase));
            let kinds = std::iter::once(SeriesKind::Service).chain(kinds);
            list.extend(kinds.map(|kind| Series { scenario, step: Some(step), kind }));
        }
    }
    list
}
