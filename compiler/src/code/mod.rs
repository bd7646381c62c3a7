//! Every diagnostic code: its one-line title and its long explanation.

mod plan;
mod schema;
mod syntax;

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

/// All codes, by the stage that reports them.
pub const CODES: &[Code] = &join([syntax::CODES, schema::CODES, plan::CODES]);

const LENGTH: usize = syntax::CODES.len() + schema::CODES.len() + plan::CODES.len();

const fn join(parts: [&[Code]; 3]) -> [Code; LENGTH] {
    let mut all = [Code { code: "", title: "", explanation: "" }; LENGTH];
    let (mut part, mut from, mut at) = (0, 0, 0);
    while part < parts.len() {
        if at - from < parts[part].len() {
            all[at] = parts[part][at - from];
            at += 1;
        } else {
            from = at;
            part += 1;
        }
    }
    all
}

/// Returns what there is to know about `code`.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_explained() {
        let mut codes: Vec<&str> = CODES.iter().map(|code| code.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        for code in CODES {
            assert!(code.code.starts_with("plan::"), "{}", code.code);
            assert!(!code.title.is_empty() && !code.title.ends_with('.'), "{}", code.code);
            for part in ["Wrong:", "Right:"] {
                assert!(code.explanation.contains(part), "{} has no {part}", code.code);
            }
        }
    }
}
