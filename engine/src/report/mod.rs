//! [pure] Views of a finished run: result.json and what is made of it.

mod build;
mod chart;
mod format;
mod html;
mod laws;
pub mod model;
#[cfg(test)]
pub(crate) mod sample;
mod template;
#[cfg(test)]
mod tests;
mod view;

pub use self::laws::laws;
pub use self::model::RunResult;
pub use self::template::TemplateError;
