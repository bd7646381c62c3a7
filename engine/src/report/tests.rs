//! Results and their views, on the sample run.

use super::{laws, sample};

#[test]
fn the_sample_keeps_every_law() {
    let result = sample::result();
    assert_eq!(laws(&result), Vec::<String>::new());
    assert_eq!((result.run.outcome.as_str(), result.run.exit_code), ("not_delivered", 98));
    let passing = sample::passing();
    assert_eq!((passing.run.outcome.as_str(), passing.run.exit_code), ("passed", 0));
}
