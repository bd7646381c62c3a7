//! (pure) Random draws of requests: a seed per place, a number per arrival.

pub(super) use compiler::seed::Seed;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_between_reach_both_ends_and_no_further() {
        let seed = Seed::root(1);
        let drawn: Vec<i64> = (0..200).map(|n| between(&seed, n, -1, 2)).collect();
        for value in -1..=2 {
            assert!(drawn.contains(&value), "{value}");
        }
        assert!(drawn.iter().all(|value| (-1..=2).contains(value)));
        assert_eq!(between(&seed, 9, 5, 5), 5);
        let wide = (0..50).map(|n| between(&seed, n, i64::MIN, i64::MAX));
        assert!(wide.clone().any(|value| value < 0) && wide.clone().any(|value| value > 0));
    }
}
