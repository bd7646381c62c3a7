//! Every diagnostic code: its one-line title and its long explanation.

mod plan;
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
pub const CODES: &[&[Code]] = &[syntax::CODES, plan::CODES];

/// Returns all codes, sorted.
pub fn all() -> Vec<Code> {
    let mut codes: Vec<Code> = CODES.iter().flat_map(|part| part.iter().copied()).collect();
    codes.sort_by_key(|code| code.code);
    codes
}

/// Returns what there is to know about `code`.
pub fn find(code: &str) -> Option<Code> {
    all().into_iter().find(|known| known.code == code)
}
