//! Codes of the stages after the schema.

mod reference;
mod template;
mod whole;

use super::Code;

/// What model, analysis and graph report.
pub(super) const CODES: &[Code] = &join([reference::CODES, template::CODES, whole::CODES]);

const LENGTH: usize = reference::CODES.len() + template::CODES.len() + whole::CODES.len();

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
