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
pub const CODES: &[Code] = &join();

const LENGTH: usize = syntax::CODES.len() + plan::CODES.len();

const fn join() -> [Code; LENGTH] {
    let mut all = [Code { code: "", title: "", explanation: "" }; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        let first = syntax::CODES.len();
        all[at] = if at < first { syntax::CODES[at] } else { plan::CODES[at - first] };
        at += 1;
    }
    all
}

/// Returns what there is to know about `code`.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}
