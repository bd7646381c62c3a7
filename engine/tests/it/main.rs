//! Tests of the engine as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cluster;
mod model;
mod nats;
mod real_node;
mod sample;
mod tidy;
