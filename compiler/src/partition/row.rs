//! (pure) Which row of a data file an arrival, or a user, takes.

use crate::artifact::{DataUse, Take};
use crate::seed::Seed;

/// Returns the row, from 0, that number `number` (of an arrival, or of a user) takes of `used`; `None` if there is none for it.
///
/// `seed` is [`Seed::for_rows`] of the scenario and the data.
pub fn row(seed: &Seed, take: Take, used: DataUse, number: u64) -> Option<u64> {
    let offset = match take {
        Take::Unique => Some(number).filter(|number| *number < used.rows),
        Take::Circular => number.checked_rem(used.rows),
        Take::Random => (used.rows > 0).then(|| seed.below(number, used.rows)),
    };
    used.first_row.checked_add(offset?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_number() {
        let seed = Seed::root(1).for_rows("checkout", "users");
        let used = DataUse { first_row: 10, rows: 3 };
        let rows = |take| (0..5).map(|n| row(&seed, take, used, n)).collect::<Vec<_>>();
        assert_eq!(rows(Take::Unique), [Some(10), Some(11), Some(12), None, None]);
        assert_eq!(rows(Take::Circular), [10, 11, 12, 10, 11].map(Some));
        assert!(rows(Take::Random).iter().all(|row| (10..13).contains(&row.unwrap())));
        let none = DataUse { first_row: 0, rows: 0 };
        for take in [Take::Unique, Take::Circular, Take::Random] {
            assert_eq!(row(&seed, take, none, 0), None);
        }
    }
}
