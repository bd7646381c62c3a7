//! (pure) What the coordinator knows of one agent.

use std::collections::BTreeMap;

use super::journal::NodeNow;
use crate::clock::Ticks;
use crate::cluster::wire::{Armed, Assembly, Beat, FinalReport, Hello, Phase};
use crate::ledger::Takeover;
use crate::metrics::{Histogram, Window};

/// An agent that said hello.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// The process that speaks for it; empty until it has said hello.
    pub(crate) nonce: String,
    /// The process that executes its share, or did.
    pub(crate) process: String,
    pub(crate) group: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// Those that it took, or took over as a whole; empty for a standby.
    pub(crate) seats: Vec<String>,
    /// Of those, what it had from the start.
    pub(crate) home: Vec<String>,
    /// What it takes over from lost ones.
    pub(crate) takeovers: Vec<Takeover>,
    pub(crate) joined: Ticks,
    /// When its last beat came; the answer left at the same time.
    pub(crate) heard: Ticks,
    /// When the last answer that holds a lease left.
    pub(crate) leased: Option<Ticks>,
    /// First instant of the schedule, counted from the run's start, that it may not start any more, by all the leases
    /// that it was given.
    pub(crate) leased_until_ns: u64,
    pub(crate) phase: Phase,
    /// Number of the share that it has, by its last beat.
    pub(crate) epoch: u64,
    /// Number of the share that it is to have.
    pub(crate) epoch_wanted: u64,
    pub(crate) armed: Option<Armed>,
    pub(crate) suspect: bool,
    /// The broker said that nobody listens under its name.
    pub(crate) gone: bool,
    pub(crate) pinged: Ticks,
    pub(crate) fenced: bool,
    pub(crate) left: bool,
    /// Why it cannot take part.
    pub(crate) failed: Option<String>,
    /// Something of what it held may have to go to others.
    pub(crate) bequeaths: bool,
    /// When it was declared lost; never taken back.
    pub(crate) lost: Option<Ticks>,
    pub(crate) drained: Option<Ticks>,
    pub(crate) acked_seq: u64,
    pub(crate) deltas: BTreeMap<u64, Assembly>,
    pub(crate) until_ms: u64,
    pub(crate) final_parts: Assembly,
    pub(crate) report: Option<FinalReport>,
    /// When it was first told to forget the run.
    pub(crate) forgotten: Option<Ticks>,
    pub(crate) given_up: bool,
    pub(crate) lateness: Option<Histogram>,
    pub(crate) cpu_percent_max: u32,
    pub(crate) rss_bytes_max: u64,
    pub(crate) descriptors_max: u64,
    pub(crate) lag: Option<Histogram>,
}

impl Member {
    pub(crate) fn new(now: Ticks, hello: Hello) -> Member {
        Member {
            name: hello.name,
            process: hello.nonce.clone(),
            nonce: hello.nonce,
            group: hello.group,
            labels: hello.labels,
            host: hello.host,
            pid: hello.pid,
            ..Member::unknown(now)
        }
    }

    /// Returns an agent as a coordinator before this one knew it. Which process it is now, its hello must tell: before
    /// that nothing it says is meant for this coordinator.
    pub(crate) fn remembered(node: NodeNow) -> Member {
        Member {
            name: node.name,
            process: node.process,
            group: node.group,
            labels: node.labels,
            host: node.host,
            pid: node.pid,
            seats: node.seats,
            home: node.home,
            takeovers: node.takeovers,
            armed: node.armed,
            fenced: node.fenced,
            left: node.left,
            lost: node.lost,
            drained: node.drained,
            ..Member::unknown(node.joined)
        }
    }

    fn unknown(now: Ticks) -> Member {
        Member {
            name: String::new(),
            nonce: String::new(),
            process: String::new(),
            group: String::new(),
            labels: BTreeMap::new(),
            host: String::new(),
            pid: 0,
            seats: Vec::new(),
            home: Vec::new(),
            takeovers: Vec::new(),
            joined: now,
            heard: now,
            leased: None,
            leased_until_ns: 0,
            phase: Phase::Idle,
            epoch: 0,
            epoch_wanted: 0,
            armed: None,
            suspect: false,
            gone: false,
            pinged: now,
            fenced: false,
            left: false,
            failed: None,
            bequeaths: false,
            lost: None,
            drained: None,
            acked_seq: 0,
            deltas: BTreeMap::new(),
            until_ms: 0,
            final_parts: Assembly::default(),
            report: None,
            forgotten: None,
            given_up: false,
            lateness: None,
            cpu_percent_max: 0,
            rss_bytes_max: 0,
            descriptors_max: 0,
            lag: None,
        }
    }

    /// Returns whether it has a seat.
    pub(crate) fn is_seated(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Returns whether nothing more is expected of it.
    pub(crate) fn is_settled(&self) -> bool {
        self.report.is_some() || self.given_up
    }

    /// Returns whether it could start with the share that it is to have.
    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready && self.epoch == self.epoch_wanted
    }

    /// Returns whether it starts arrivals, or will: so that it can take more.
    pub(crate) fn is_serving(&self) -> bool {
        let ready = matches!(
            self.phase,
            Phase::Idle | Phase::Preparing | Phase::Ready | Phase::Armed | Phase::Running
        );
        self.is_seated() && ready && self.lost.is_none() && !self.is_settled()
    }

    /// Takes note of a beat; returns whether the phase changed.
    pub(crate) fn beat(&mut self, now: Ticks, beat: &Beat) -> bool {
        self.heard = now;
        self.gone = false;
        self.epoch = beat.epoch;
        self.armed = beat.armed.or(self.armed);
        let changed = self.phase != beat.phase;
        self.phase = beat.phase;
        changed
    }

    /// Adds what a node's record keeps of a window.
    pub(crate) fn window(&mut self, window: &Window) {
        self.until_ms = window.to_ms;
        self.cpu_percent_max = self.cpu_percent_max.max(window.cpu_percent);
        self.rss_bytes_max = self.rss_bytes_max.max(window.rss_bytes);
        self.descriptors_max = self.descriptors_max.max(window.descriptors);
        let kept = [(&mut self.lateness, &window.lateness), (&mut self.lag, &window.lag)];
        for (sum, more) in kept {
            match (sum, more) {
                // All our histograms have one range, so that adding cannot fail.
                (Some(sum), Some(more)) => sum.add(more).unwrap_or_default(),
                (sum @ None, Some(more)) => *sum = Some(more.clone()),
                (_, None) => {}
            }
        }
    }

    /// Returns how a person recognises it.
    pub(crate) fn title(&self) -> String {
        let seats = self.seats.join(", ");
        format!("agent `{}` (seats {seats}; host {}, pid {})", self.name, self.host, self.pid)
    }
}
