//! (pure) The arrivals of one seat or lane, one after the other, each with its due time.

use super::Open;
use super::scatter::Block;

/// An arrival and when it is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Due {
    /// Number of the arrival in its scenario.
    pub number: u64,
    /// When it is due, in nanoseconds since the scenario's start.
    pub due_ns: u64,
}

/// The owned arrivals of an open schedule in order. Holds no list of arrivals: a place in the residues and one in the stages.
#[derive(Clone, Debug)]
pub struct Cursor {
    open: Open,
    residues: Vec<u32>,
    modulus: u64,
    /// First number of the present turn of the slots.
    turn: u64,
    /// Place in `residues`.
    at: usize,
    /// Piece of the integral that held the last arrival; the next one's is this or a later one.
    piece: usize,
    /// The last block of Poisson arrivals.
    block: Option<Block>,
}

impl Cursor {
    pub(super) fn new(open: Open, residues: &[u32], modulus: u32) -> Cursor {
        let modulus = modulus.max(1);
        let mut residues: Vec<u32> = residues.iter().copied().filter(|r| *r < modulus).collect();
        residues.sort_unstable();
        residues.dedup();
        Cursor {
            open,
            residues,
            modulus: u64::from(modulus),
            turn: 0,
            at: 0,
            piece: 0,
            block: None,
        }
    }

    /// Returns the number of the next owned arrival without taking it; `None` at the end.
    pub fn peek_number(&self) -> Option<u64> {
        let residue = self.residues.get(self.at)?;
        let number = self.turn.checked_add(u64::from(*residue))?;
        (number < self.open.count()).then_some(number)
    }

    /// Goes to the first owned arrival whose number is at least `number`, forwards or back.
    pub fn seek(&mut self, number: u64) {
        let within = number % self.modulus;
        self.turn = number - within;
        self.at = self.residues.partition_point(|residue| u64::from(*residue) < within);
        self.piece = 0;
        self.wrap();
    }

    /// Goes to the first owned arrival that is due at `t_ns` or later.
    pub fn seek_due(&mut self, t_ns: u64) {
        self.seek(self.open.first_due_at_or_after(t_ns));
    }

    fn wrap(&mut self) {
        if self.at >= self.residues.len() && !self.residues.is_empty() {
            match self.turn.checked_add(self.modulus) {
                Some(turn) => (self.turn, self.at) = (turn, 0),
                None => self.residues.clear(),
            }
        }
    }
}

impl Iterator for Cursor {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let number = self.peek_number()?;
        let wanted = self.open.wanted(number, &mut self.block)?;
        self.piece = self.open.integral.piece(wanted, self.piece)?;
        let due_ns = self.open.integral.due_in(self.piece, wanted);
        self.at += 1;
        self.wrap();
        Some(Due { number, due_ns })
    }
}

#[cfg(test)]
mod tests {
    use crate::artifact::{OpenLoad, OpenStage};
    use crate::schedule::{Due, Open};
    use crate::seed::Seed;
    use crate::unit::{Rate, SECOND_NS};

    fn schedule() -> Open {
        let rate = |text: &str| Rate::parse(text).unwrap();
        let length_ns = 3 * SECOND_NS;
        let stages = vec![
            OpenStage::Rate { from: rate("2/s"), to: rate("9/s"), length_ns },
            OpenStage::Pause { length_ns },
            OpenStage::Rate { from: rate("5/s"), to: rate("5/s"), length_ns },
        ];
        Open::new(&OpenLoad::even(stages), &Seed::root(0))
    }

    #[test]
    fn it_lists_what_the_schedule_says() {
        let open = schedule();
        let owned = |n: &u64| [1, 4].contains(&(n % 6));
        let due = |number| Due { number, due_ns: open.due_ns(number).unwrap() };
        let listed: Vec<Due> = (0..open.count()).filter(owned).map(due).collect();
        assert_eq!(open.cursor(&[1, 4, 9], 6).collect::<Vec<_>>(), listed);
        assert_eq!(open.cursor(&[], 6).next(), None);
    }

    #[test]
    fn it_goes_to_a_number_or_a_time() {
        let open = schedule();
        let mut cursor = open.cursor(&[1, 4], 6);
        for start in 0..open.count() + 3 {
            cursor.seek(start);
            let expected = (start..open.count()).find(|n| [1, 4].contains(&(n % 6)));
            assert_eq!(cursor.peek_number(), expected);
            assert_eq!(cursor.next().map(|due| due.number), expected);
        }
        cursor.seek_due(4 * SECOND_NS);
        assert!(cursor.next().unwrap().due_ns >= 6 * SECOND_NS);
        cursor.seek(u64::MAX);
        assert_eq!(cursor.next(), None);
    }
}
