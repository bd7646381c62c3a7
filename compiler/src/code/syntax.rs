//! Codes of the text itself and of the schema.

use super::Code;

/// What syntax and schema report.
pub(super) const CODES: &[Code] = &[];
