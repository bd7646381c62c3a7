//! Laws of drawn schedules and of mixes, over random plans and against slow references.

#![expect(clippy::disallowed_methods, reason = "statistics, judged far from their limits")]

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use compiler::artifact::{Arrivals, ClosedLoad, ClosedStage, OpenLoad, OpenStage, Share, SlotSet};
use compiler::partition::deal;
use compiler::schedule::{Closed, Due, Open, length_ns, owned_below};
use compiler::seed::Seed;
use compiler::unit::{Rate, SECOND_NS};

fn rate(u: &mut Unstructured<'_>, top: u64) -> Result<Rate> {
    let count = u.int_in_range(0..=top)?;
    let seconds = *u.choose(&[1, 60, 3600, 3_600_000])?;
    Ok(Rate::new(count, seconds * SECOND_NS))
}

fn stages(u: &mut Unstructured<'_>) -> Result<Vec<OpenStage>> {
    let count = u.int_in_range(1..=5)?;
    let mut stages = Vec::new();
    for _ in 0..count {
        let length_ns = u.int_in_range(1..=30_000_u64)? * 1_000_000;
        let (one, other) = (rate(u, 3_000)?, rate(u, 3_000)?);
        let product = |a: Rate, b: Rate| u128::from(a.count) * u128::from(b.per_ns);
        let ordered = product(one, other) <= product(other, one);
        let (min, max) = if ordered { (one, other) } else { (other, one) };
        stages.push(match u.int_in_range(0..=4)? {
            0 => OpenStage::Rate { from: one, to: one, length_ns },
            1 => OpenStage::Rate { from: one, to: other, length_ns },
            2 => {
                let every_ns = u.int_in_range(1..=9_000_u64)? * 1_000_000;
                OpenStage::Random { min, max, every_ns, length_ns }
            }
            3 if one.count > 0 => OpenStage::Count { rate: one, count: u.int_in_range(0..=900)? },
            _ => OpenStage::Pause { length_ns },
        });
    }
    Ok(stages)
}

fn load(u: &mut Unstructured<'_>) -> Result<OpenLoad> {
    let arrivals = *u.choose(&[Arrivals::Even, Arrivals::Poisson])?;
    Ok(OpenLoad { arrivals, ..OpenLoad::even(stages(u)?) })
}

fn weights(u: &mut Unstructured<'_>) -> Result<Vec<u32>> {
    let count = u.int_in_range(1..=7)?;
    (0..count).map(|_| u.int_in_range(1..=40)).collect()
}

/// Returns the part of each weight in a mix.
fn mix(load: &OpenLoad, weights: &[u32]) -> Vec<OpenLoad> {
    let of: u32 = weights.iter().sum();
    let owners = deal(of, weights);
    let part = |scenario: u32| {
        let own = (0..of).filter(|stripe| owners[*stripe as usize] == scenario).collect();
        let share = Share { traffic: "all".to_owned(), of, offsets: SlotSet::new(own) };
        OpenLoad { share: Some(share), ..load.clone() }
    };
    (0..u32::try_from(weights.len()).unwrap()).map(part).collect()
}

fn all(open: &Open) -> Vec<Due> {
    open.cursor(&[0], 1).collect()
}

#[test]
fn scenarios_of_a_mix_and_their_seats_are_the_traffic() {
    arbtest(|u| {
        let (load, weights, seats) = (load(u)?, weights(u)?, weights(u)?);
        let whole = all(&Open::of(7, "x", &mix(&load, &[1])[0]));
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut union: Vec<(u64, usize)> = Vec::new();
        for (scenario, part) in mix(&load, &weights).iter().enumerate() {
            // The name is no input: the seed is the traffic's.
            let open = Open::of(7, &format!("s{scenario}"), part);
            let own = all(&open);
            assert_eq!(own.len() as u64, open.count());
            assert!(own.iter().zip(0..).all(|(due, number)| due.number == number));
            let slots: u32 = seats.iter().sum();
            let owners = deal(slots, &seats);
            let mut of_seats: Vec<Due> = Vec::new();
            for seat in 0..u32::try_from(seats.len()).unwrap() {
                let residues: Vec<u32> =
                    (0..slots).filter(|slot| owners[*slot as usize] == seat).collect();
                let mine: Vec<Due> = open.cursor(&residues, slots).collect();
                assert_eq!(mine.len() as u64, owned_below(&residues, slots, open.count()));
                of_seats.extend(mine);
            }
            of_seats.sort_by_key(|due| due.number);
            assert_eq!(of_seats, own, "each arrival of a scenario is one seat's");
            union.extend(own.iter().map(|due| (due.due_ns, scenario)));
        }
        union.sort_unstable();
        let dues: Vec<u64> = union.iter().map(|(due_ns, _)| *due_ns).collect();
        let expected: Vec<u64> = whole.iter().map(|due| due.due_ns).collect();
        assert_eq!(dues, expected, "the union is the traffic");
        // Each prefix is less than one arrival from its share; equal due times may come in any order.
        let stripes = deal(u32::try_from(sum).unwrap(), &weights);
        let mut taken = vec![0u64; weights.len()];
        for number in 0..whole.len() as u64 {
            taken[stripes[usize::try_from(number % sum).unwrap()] as usize] += 1;
            for (taken, weight) in taken.iter().zip(&weights) {
                assert!((taken * sum).abs_diff((number + 1) * u64::from(*weight)) < sum);
            }
        }
        Ok(())
    })
    .budget_ms(400);
}

#[test]
fn drawn_arrivals_are_as_many_in_order_and_found_from_anywhere() {
    arbtest(|u| {
        let load = load(u)?;
        let parts = weights(u)?;
        let load = if u.ratio(1, 2)? { mix(&load, &parts)[0].clone() } else { load };
        let open = Open::of(u.arbitrary()?, "s", &load);
        let listed = all(&open);
        assert_eq!(listed.len() as u64, open.count());
        assert!(listed.windows(2).all(|pair| pair[0].due_ns <= pair[1].due_ns));
        assert!(listed.last().is_none_or(|due| due.due_ns <= open.length_ns()));
        assert_eq!(open.length_ns(), length_ns(&compiler::artifact::Load::Open(load.clone())));
        assert_eq!(open.counts_by_stage().last().copied().unwrap_or(0), open.count());
        for _ in 0..20 {
            let number = u.int_in_range(0..=open.count())?;
            let place = listed.get(usize::try_from(number).unwrap());
            assert_eq!(open.due_ns(number), place.map(|due| due.due_ns));
            let t_ns = match u.int_in_range(0..=2)? {
                0 => place.map_or(0, |due| due.due_ns),
                1 => place.map_or(0, |due| due.due_ns + 1),
                _ => u.int_in_range(0..=open.length_ns() + 2)?,
            };
            let earlier = listed.iter().filter(|due| due.due_ns < t_ns).count() as u64;
            assert_eq!(open.first_due_at_or_after(t_ns), earlier, "at {t_ns}");
            let mut cursor = open.cursor(&[0], 1);
            cursor.seek_due(t_ns);
            assert_eq!(
                cursor.next().map(|due| due.number),
                Some(earlier).filter(|n| *n < open.count())
            );
        }
        Ok(())
    })
    .budget_ms(400);
}

#[test]
fn drawn_rates_stay_between_their_bounds() {
    arbtest(|u| {
        let (low, high) = (u.int_in_range(0..=400)?, u.int_in_range(401..=900)?);
        let (min, max) = (Rate::new(low, SECOND_NS), Rate::new(high, SECOND_NS));
        let (every_ns, length_ns) = (SECOND_NS, 20 * SECOND_NS + SECOND_NS / 4);
        let stage = OpenStage::Random { min, max, every_ns, length_ns };
        let seed = Seed::root(u.arbitrary()?);
        let open = Open::new(&OpenLoad::even(vec![stage]), &seed);
        let mut rates = Vec::new();
        for second in 0..20 {
            let due = |second: u64| open.first_due_at_or_after(second * SECOND_NS);
            let count = due(second + 1) - due(second);
            assert!(count + 1 >= low && count <= high + 1, "{count} in second {second}");
            rates.push(count);
        }
        rates.dedup();
        assert!(rates.len() > 5, "each interval has a rate of its own: {rates:?}");
        Ok(())
    });
}

#[test]
fn the_same_seed_draws_the_same_and_another_one_does_not() {
    let flat = Rate::new(100, SECOND_NS);
    let load = OpenLoad {
        arrivals: Arrivals::Poisson,
        ..OpenLoad::even(vec![OpenStage::Rate { from: flat, to: flat, length_ns: 9 * SECOND_NS }])
    };
    assert_eq!(all(&Open::of(1, "a", &load)), all(&Open::of(1, "a", &load)));
    assert_ne!(all(&Open::of(1, "a", &load)), all(&Open::of(2, "a", &load)));
    assert_ne!(all(&Open::of(1, "a", &load)), all(&Open::of(1, "b", &load)));
    // A changed value would change the arrivals of every plan that draws.
    let first: Vec<u64> = all(&Open::of(1, "a", &load)).iter().take(3).map(|d| d.due_ns).collect();
    assert_eq!(first, PINNED);
}

/// First due times of a Poisson schedule, in nanoseconds.
const PINNED: [u64; 3] = [3_570_859, 10_543_722, 16_392_884];

/// Returns the Anderson–Darling statistic of `sample` against a law with distribution function `law`.
#[expect(clippy::cast_precision_loss, reason = "a statistic")]
fn anderson_darling(mut sample: Vec<f64>, law: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len();
    let below: Vec<f64> = sample.iter().map(|x| law(*x).clamp(1e-12, 1.0 - 1e-12)).collect();
    let terms = (0..n).map(|i| {
        let weight = (2 * i + 1) as f64;
        weight * (below[i].ln() + (1.0 - below[n - 1 - i]).ln())
    });
    -(n as f64) - terms.sum::<f64>() / n as f64
}

/// Gaps between due times, in units of the mean gap of the whole schedule.
#[expect(clippy::cast_precision_loss, reason = "a statistic")]
fn gaps(dues: &[Due], per_second: f64) -> Vec<f64> {
    let gap = |pair: &[Due]| (pair[1].due_ns - pair[0].due_ns) as f64;
    dues.windows(2).map(|pair| gap(pair) * per_second / 1e9).collect()
}

#[test]
fn gaps_are_those_of_a_poisson_process() {
    let flat = Rate::new(500, SECOND_NS);
    let length_ns = 40 * SECOND_NS;
    let load = OpenLoad {
        arrivals: Arrivals::Poisson,
        ..OpenLoad::even(vec![OpenStage::Rate { from: flat, to: flat, length_ns }])
    };
    let open = Open::of(3, "s", &load);
    assert_eq!(open.count(), 20_000);
    // The 0.1 % point of the statistic for a law without free parameters is 6.0.
    let union = gaps(&all(&open), 500.0);
    let statistic = anderson_darling(union, |x| 1.0 - (-x).exp());
    assert!(statistic < 6.0, "exponential gaps: {statistic}");
    // A seat with every fourth arrival: gaps of the Erlang law of order 4.
    let seat: Vec<Due> = open.cursor(&[2], 4).collect();
    let erlang = |x: f64| 1.0 - (-x).exp() * (1.0 + x + x * x / 2.0 + x * x * x / 6.0);
    let statistic = anderson_darling(gaps(&seat, 500.0), erlang);
    assert!(statistic < 6.0, "gaps of a seat: {statistic}");
    // The test can tell: even arrivals are far from it.
    let even = Open::of(3, "s", &OpenLoad { arrivals: Arrivals::Even, ..load });
    assert!(anderson_darling(gaps(&all(&even), 500.0), |x| 1.0 - (-x).exp()) > 100.0);
}

#[test]
fn counts_of_seconds_are_those_of_a_poisson_process() {
    // Along a ramp: the count of each second against its mean, as a sum of squares.
    let (from, to) = (Rate::new(100, SECOND_NS), Rate::new(900, SECOND_NS));
    let stage = OpenStage::Rate { from, to, length_ns: 80 * SECOND_NS };
    let poisson = OpenLoad { arrivals: Arrivals::Poisson, ..OpenLoad::even(vec![stage]) };
    let open = Open::of(5, "s", &poisson);
    let mut squares = 0.0;
    for second in 0..80_u32 {
        let due = |second: u32| open.first_due_at_or_after(u64::from(second) * SECOND_NS);
        let count = f64::from(u32::try_from(due(second + 1) - due(second)).unwrap());
        let mean = 105.0 + 10.0 * f64::from(second);
        squares += (count - mean).powi(2) / mean;
    }
    // χ² of about 70 degrees of freedom, some being lost to the blocks: both tails at 0.1 %.
    assert!((36.0..125.0).contains(&squares), "{squares}");
}

#[test]
fn counted_users_have_their_numbers_and_no_other() {
    arbtest(|u| {
        let (users, count) = (u.int_in_range(1..=30_u32)?, u.int_in_range(1..=40_u64)?);
        let stage = ClosedStage::CountEach { users, count, within_ns: SECOND_NS };
        let load = ClosedLoad { stages: vec![stage], users_max: users, pace_ns: 0 };
        let planned = Closed::new(&load).count().unwrap();
        let all = u64::from(users);
        let mut numbers: Vec<u64> =
            (0..all).flat_map(|user| (0..count).map(move |k| k * all + user)).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..planned), "iteration k of user u is k * U + u");
        Ok(())
    });
}
