//! Tests of the engine as a whole.

mod cluster;
mod model;
mod results;
mod sample;
mod tidy;
