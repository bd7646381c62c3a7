//! Every diagnostic code: its one-line title and its long explanation.

mod driver;
mod flow;
mod load;
mod parts;
mod reference;
mod schema;
mod syntax;
mod template;
mod whole;

/// What there is to know about one diagnostic code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The code, such as `plan::variable::unbound`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub title: &'static str,
    /// The cause, a wrong example and the right one.
    pub explanation: &'static str,
}

/// Returns all codes, by the stage that reports them.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let stages = [
        syntax::CODES,
        schema::CODES,
        parts::CODES,
        template::CODES,
        reference::CODES,
        driver::CODES,
        load::CODES,
        flow::CODES,
        whole::CODES,
    ];
    stages.into_iter().flatten()
}

/// Returns what there is to know about `code`.
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|known| known.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_explained() {
        let mut codes: Vec<&str> = all().map(|code| code.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all().count());
        for code in all() {
            assert!(code.code.starts_with("plan::"), "{}", code.code);
            assert!(!code.title.is_empty() && !code.title.ends_with('.'), "{}", code.code);
            for part in ["Wrong:", "Right:"] {
                assert!(code.explanation.contains(part), "{} has no {part}", code.code);
            }
        }
    }
}
