//! Codes of the stages after the schema.

use super::Code;

/// What model, analysis and graph report.
pub(super) const CODES: &[Code] = &[];
