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

/// Writes the sample's views into `$OUT` to be looked at.
#[test]
fn the_sample_renders() {
    let (result, passing) = (sample::result(), sample::passing());
    let pages = [("failed", super::html::html(&result)), ("passed", super::html::html(&passing))];
    for (name, page) in pages {
        let page = page.unwrap();
        assert!(page.contains(&result.run.id));
        if let Some(folder) = std::env::var_os("OUT") {
            let path = std::path::Path::new(&folder).join(format!("{name}.html"));
            std::fs::write(path, page).unwrap();
        }
    }
}
