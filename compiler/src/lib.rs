//! Volley's compiler: a plan's text becomes diagnostics, or a content-hashed artifact.
//!
//! The stages, in order, each a function from one type to the next:
//!
//! 1. [`syntax`]: text → a tree in which every key and value knows its bytes; [`parts`]: the trees of all files → one.
//! 2. [`schema`]: the tree against `schemas/plan.schema.json`; what is broken becomes a hole.
//! 3. [`model`]: the tree → a typed plan, on [`template`] and [`expression`].
//! 4. [`analysis`]: the plan → what is wrong with it as a whole.
//! 5. [`graph`]: steps and scenarios → DAGs.
//! 6. [`partition`] and [`schedule`]: arrivals → slots → seats; arrival number → due time.
//! 7. [`seal`]: all of it → an [`artifact`], all that the engine ever sees.
//!
//! Absent on purpose: network, clock, environment, async runtime; files are read in [`cli`] alone.

pub mod analysis;
pub mod artifact;
pub mod cli;
pub mod code;
pub mod compile;
pub mod diagnostic;
pub mod diff;
pub mod exit;
pub mod explain;
pub mod expression;
pub mod graph;
pub mod model;
pub mod partition;
pub mod parts;
pub mod schedule;
pub mod schema;
pub mod seal;
pub mod seed;
pub mod signature;
pub mod source;
pub mod syntax;
pub mod template;
pub mod unit;
pub mod verify;

pub use self::compile::compile;
pub use self::model::Overrides;
pub use self::parts::file_paths;
