//! (pure) A tree of seeds: every random draw of a run is a function of the plan's seed, a path of names and a number.

/// A node of the tree. Another name, or another number, never disturbs a draw: adding a step leaves the others' values.
///
/// Draws go by scenario, step and place as names and by arrival number, so the same arrival sends the same request
/// whatever node runs it. Made with blake3 under a key, so no draw tells of another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seed {
    key: [u8; 32],
}

impl Seed {
    /// Returns the root for a plan's seed.
    pub fn root(seed: u64) -> Seed {
        Seed { key: blake3::derive_key("volley seed tree, version 1", &seed.to_le_bytes()) }
    }

    /// Returns the node below this one that is called `name`.
    #[must_use]
    pub fn child(&self, name: &str) -> Seed {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"child by name ").update(name.as_bytes());
        Seed { key: hasher.finalize().into() }
    }

    /// Returns the node for draw `place` of a step; numbers below it are arrivals'.
    #[must_use]
    pub fn for_draw(&self, scenario: &str, step: &str, place: u32) -> Seed {
        self.child(scenario).child(step).child(&place.to_string())
    }

    /// Returns the node for random rows of `data`; numbers below it are arrivals' or users'.
    ///
    /// `data` is a root of templates and so never the name of a step.
    #[must_use]
    pub fn for_rows(&self, scenario: &str, data: &str) -> Seed {
        self.child(scenario).child("data").child(data)
    }

    /// Returns the node for the schedule of a scenario's own load. No scenario is named with a space.
    #[must_use]
    pub fn for_load(&self, scenario: &str) -> Seed {
        self.child("load of scenario").child(scenario)
    }

    /// Returns the node for the schedule of a traffic, which the scenarios of its mix share.
    #[must_use]
    pub fn for_traffic(&self, traffic: &str) -> Seed {
        self.child("load of traffic").child(traffic)
    }

    /// Returns `count` times 64 even bits for number `n`, as many draws in one.
    pub fn draws(&self, n: u64, count: usize) -> Vec<u64> {
        let mut bytes = vec![0; count * 8];
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"many draws of number ").update(&n.to_le_bytes());
        hasher.finalize_xof().fill(&mut bytes);
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().map(|word| u64::from_le_bytes(*word)).collect()
    }

    /// Returns 64 even bits for number `n`.
    pub fn draw(&self, n: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes(n);
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns a number below `bound` for number `n`, even to within bound ÷ 2⁶⁴; 0 for a bound of 0.
    pub fn below(&self, n: u64, bound: u64) -> u64 {
        let product = u128::from(self.draw(n)) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// Returns the bytes of a version 4 UUID for number `n`.
    pub fn uuid(&self, n: u64) -> [u8; 16] {
        let bytes = self.bytes(n);
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&bytes[16..]);
        uuid[6] = (uuid[6] & 0x0f) | 0x40;
        uuid[8] = (uuid[8] & 0x3f) | 0x80;
        uuid
    }

    fn bytes(&self, n: u64) -> [u8; 32] {
        // Names hash at least fourteen bytes, a number eight: no name is a number.
        blake3::keyed_hash(&self.key, &n.to_le_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn draws_are_pinned() {
        // A changed value would change the requests of every plan that draws.
        let seed = Seed::root(7).child("checkout").child("login").child("0");
        assert_eq!(seed.draw(0), 3_909_817_674_588_094_041);
        assert_eq!(seed, Seed::root(7).child("checkout").child("login").child("0"));
        assert_ne!(seed.draw(0), seed.draw(1));
        assert_ne!(seed.draw(0), Seed::root(8).child("checkout").child("login").child("0").draw(0));
    }

    #[test]
    fn numbers_below_a_bound_are_even() {
        let seed = Seed::root(0);
        let mut seen = [0u32; 6];
        for n in 0..6_000 {
            seen[usize::try_from(seed.below(n, 6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!(seed.below(3, 0), 0);
        assert_eq!(seed.below(3, 1), 0);
    }

    #[test]
    fn uuids_say_that_they_are_random() {
        let uuid = Seed::root(1).uuid(5);
        assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 2));
        assert_ne!(uuid, Seed::root(1).uuid(6));
    }
}
