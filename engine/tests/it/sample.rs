//! Artifacts for tests: open loads at a constant rate, slots dealt in turn.

use std::collections::BTreeMap;

use compiler::artifact::{
    Artifact, Delivery, Group, Load, Nodes, OnAgentLoss, OpenLoad, OpenStage, Scenario, SlotSet,
    Tuning,
};
use compiler::unit::{Rate, SECOND_NS, Share};

/// Slots of every scenario of a sample.
pub(crate) const SLOTS: u32 = 12;

/// Returns an artifact of open scenarios at these rates a second, each `seconds` long, on `agents` seats of one group.
pub(crate) fn artifact(rates: &[u64], seconds: u64, agents: u32) -> Artifact {
    let scenarios = rates.iter().enumerate().map(|(at, rate)| {
        let stage = OpenStage::Rate {
            from: Rate::new(*rate, SECOND_NS),
            to: Rate::new(*rate, SECOND_NS),
            length_ns: seconds * SECOND_NS,
        };
        let load = Load::Open(OpenLoad::even(vec![stage]));
        (format!("s{at}"), scenario(load, rate * seconds, at, agents))
    });
    around(scenarios.collect(), agents)
}

/// Returns a scenario with slots of its own, the `at`th of a sample.
pub(crate) fn scenario(load: Load, planned: u64, at: usize, agents: u32) -> Scenario {
    let base = u32::try_from(at).unwrap() * SLOTS;
    let owned = |seat: u32| (base..base + SLOTS).filter(|slot| slot % agents == seat).collect();
    Scenario {
        start_ns: 0,
        late_start: None,
        max_failures: None,
        connections: compiler::artifact::Connections::Pool,
        load,
        warm_up_ns: 0,
        graceful_stop_ns: SECOND_NS,
        timeout_ns: 0,
        planned,
        slot_base: base,
        slot_count: SLOTS,
        seats: (0..agents)
            .map(|seat| (format!("default/{seat}"), SlotSet::new(owned(seat))))
            .collect(),
        data: BTreeMap::new(),
        before_each_user: Vec::new(),
        lets: Vec::new(),
        steps: Vec::new(),
    }
}

fn around(scenarios: BTreeMap<String, Scenario>, agents: u32) -> Artifact {
    let group = Group { agents, weight: 1, requires: BTreeMap::new(), vars: BTreeMap::new() };
    let slots = SLOTS * u32::try_from(scenarios.len()).unwrap();
    Artifact {
        artifact: compiler::artifact::FORMAT,
        plan: "sample".to_owned(),
        description: String::new(),
        seed: 1,
        vars: BTreeMap::new(),
        secrets: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        data: BTreeMap::new(),
        lists: BTreeMap::new(),
        files: BTreeMap::new(),
        transactions: BTreeMap::new(),
        before: Vec::new(),
        after: Vec::new(),
        nodes: Nodes {
            groups: BTreeMap::from([("default".to_owned(), group)]),
            join_timeout_ns: 30 * SECOND_NS,
            lease_ns: 10 * SECOND_NS,
            on_agent_loss: OnAgentLoss::Fail,
            tuning: Tuning::default(),
        },
        scenarios,
        slots,
        thresholds: BTreeMap::new(),
        sinks: BTreeMap::new(),
        delivery: Delivery {
            min: Share(1_000_000),
            max_lateness_p99_us: None,
            max_start_spread_us: None,
        },
        digest: "blake3:sample".to_owned(),
    }
}

/// The due times of a sample, written apart from the compiler's.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    rates: Vec<Option<u64>>,
}

impl Due {
    /// Reads the rates of a sample.
    pub(crate) fn new(artifact: &Artifact) -> Due {
        let rate = |scenario: &Scenario| match &scenario.load {
            Load::Open(open) => match open.stages[0] {
                OpenStage::Rate { from, .. } => Some(from.count * SECOND_NS / from.per_ns),
                OpenStage::Random { .. } | OpenStage::Count { .. } | OpenStage::Pause { .. } => {
                    None
                }
            },
            Load::Closed(_) | Load::Observe { .. } => None,
        };
        Due { rates: artifact.scenarios.values().map(rate).collect() }
    }

    /// Returns when arrival `n` is due, counted from the run's start.
    pub(crate) fn due_ns(&self, scenario: usize, n: u64) -> Option<u64> {
        self.rates[scenario].map(|rate| (n * SECOND_NS).div_ceil(rate))
    }
}
