//! Tests of the engine as a whole, as its users see it.

mod cluster;
mod fleet;
mod local;
mod model;
mod results;
mod sample;
mod stage;
mod tidy;
