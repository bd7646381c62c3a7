//! [pure] Random draws of requests.

/// A node of the tree of seeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seed([u8; 32]);

impl Seed {
    pub(super) fn new(seed: u64) -> Seed {
        Seed(*blake3::hash(&seed.to_le_bytes()).as_bytes())
    }

    pub(super) fn child(&self, scope: &str) -> Seed {
        Seed(*blake3::keyed_hash(&self.0, scope.as_bytes()).as_bytes())
    }

    pub(super) fn draw(&self, n: u64) -> u64 {
        let hash = blake3::keyed_hash(&self.0, &n.to_le_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    pub(super) fn below(&self, n: u64, bound: u64) -> u64 {
        self.draw(n) % bound.max(1)
    }
}

/// Returns the `n`th draw between two numbers, both included.
pub(super) fn between(seed: &Seed, n: u64, min: i64, max: i64) -> i64 {
    let span = max.wrapping_sub(min).cast_unsigned();
    min.wrapping_add(between_unsigned(seed, n, 0, span).cast_signed())
}

/// Returns the `n`th draw between two numbers, both included.
pub(super) fn between_unsigned(seed: &Seed, n: u64, min: u64, max: u64) -> u64 {
    let span = max.saturating_sub(min);
    min + span.checked_add(1).map_or_else(|| seed.draw(n), |bound| seed.below(n, bound))
}

/// Returns the `n`th UUID of version 4.
pub(super) fn uuid(seed: &Seed, n: u64) -> uuid::Uuid {
    // Two draws under their own names, so that neither half is another draw of the same seed.
    let high = seed.child("high").draw(n);
    let low = seed.child("low").draw(n);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_le_bytes());
    bytes[8..].copy_from_slice(&low.to_le_bytes());
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_between_reach_both_ends_and_no_further() {
        let seed = Seed::new(1);
        let drawn: Vec<i64> = (0..200).map(|n| between(&seed, n, -1, 2)).collect();
        for value in -1..=2 {
            assert!(drawn.contains(&value), "{value}");
        }
        assert!(drawn.iter().all(|value| (-1..=2).contains(value)));
        assert_eq!(between(&seed, 9, 5, 5), 5);
        let _any = between(&seed, 9, i64::MIN, i64::MAX);
    }

    #[test]
    fn uuids_are_of_version_4_and_differ_by_draw() {
        let seed = Seed::new(1).child("a");
        assert_eq!(uuid(&seed, 3), uuid(&seed, 3));
        assert_ne!(uuid(&seed, 3), uuid(&seed, 4));
        assert_eq!(uuid(&seed, 3).get_version_num(), 4);
    }
}
