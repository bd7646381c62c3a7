//! Views of a finished run: result.json and what is made of it.
//!
//! Everything but `write` is pure: a view is a function of the result.

mod build;
mod chart;
mod csv;
mod format;
mod html;
mod json;
mod junit;
mod laws;
pub mod model;
#[cfg(test)]
pub(crate) mod sample;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod warnings;
mod write;

pub use self::laws::laws;
pub use self::model::RunResult;
pub use self::template::{Template, TemplateError};
pub use self::text::summary;
pub use self::write::{Kind, ReportError, read, read_template, to_json, write, write_views};
