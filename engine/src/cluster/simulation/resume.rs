//! What outlives a coordinator of a simulation: its journal, what agents keep, and the one that goes on from there.

use std::collections::BTreeMap;

use super::node::Mutant;
use super::world::World;
use crate::cluster::agent::keep::Results;
use crate::cluster::agent::state::{Effect as Do, Input as Learn};
use crate::cluster::coordinator::journal::notes::Notes;
use crate::cluster::coordinator::journal::{Head, Line, Past, put};
use crate::cluster::coordinator::state::{Coordinator, Effect, Settings};
use crate::cluster::wire::Kept;

/// A coordinator's journal.
pub(super) struct Journal {
    notes: Notes,
    text: Vec<u8>,
}

impl Journal {
    pub(super) fn new(settings: &Settings) -> Journal {
        let head = Line::Head(Head {
            v: Head::version(),
            cluster: "c".to_owned(),
            artifact: String::new(),
            vars: BTreeMap::new(),
            seed: None,
            join_timeout_ns: settings.join_timeout_ns,
            lease_ns: settings.lease_ns,
            on_agent_loss: settings.on_agent_loss,
        });
        let mut text = Vec::new();
        put(&mut text, &settings.run, head).unwrap();
        Journal { notes: Notes::default(), text }
    }
}

/// What the processes of one agent keep, by run and process.
pub(super) type Shelf = BTreeMap<(String, String), Results>;

impl World {
    /// Writes down what must be before `effects` are performed.
    pub(super) fn note(&mut self, effects: &[Effect]) {
        let run = self.coordinator.settings.run.clone();
        let lines = self.journal.notes.lines(&self.coordinator, effects, self.now, 0);
        for line in lines {
            let alive = matches!(line, Line::Alive(_));
            if !(alive && self.mutant == Mutant::NoSignsOfLife) {
                put(&mut self.journal.text, &run, line).unwrap();
            }
        }
    }

    /// Goes on from the journal of the coordinator that died.
    pub(super) fn resume(&mut self) {
        if self.record.is_some() {
            return;
        }
        let settings =
            Settings { nonce: "successor".to_owned(), ..self.coordinator.settings.clone() };
        let past = Past::read(&self.journal.text[..], None).unwrap();
        self.journal.notes = Notes::of(&past);
        let (coordinator, effects) = Coordinator::resume(self.now, settings, past).unwrap();
        self.coordinator = coordinator;
        self.resumed = true;
        // Windows are given out anew, to a new reader.
        self.applied.clear();
        effects.into_iter().for_each(|effect| self.carry_out(effect, None));
        self.coordinator_wake = self.now;
    }

    /// Keeps results for an agent, or gives them back.
    pub(super) fn on_shelf(&mut self, at: usize, effect: Do) {
        let key = |kept: &Kept| (kept.run.clone(), kept.process.clone());
        let shelf = &mut self.members[at].shelf;
        match effect {
            Do::Keep(results) => drop(shelf.insert(key(&results.kept()), *results)),
            Do::Discard(kept) => drop(shelf.remove(&key(&kept))),
            Do::Recall(kept) => {
                let results = shelf.get(&key(&kept)).cloned().map(Box::new);
                self.agent(at, Learn::Recalled { kept, results });
            }
            other => panic!("{other:?} is not about what is kept"),
        }
    }
}
