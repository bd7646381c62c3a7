//! [pure] Views of a finished run: result.json and what is made of it.

mod build;
mod laws;
pub mod model;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use self::laws::laws;
pub use self::model::RunResult;
