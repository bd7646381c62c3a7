//! Tests of the engine as a whole.

mod cluster;
mod model;
mod sample;
mod tidy;
