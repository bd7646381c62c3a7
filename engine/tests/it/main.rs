//! Tests of the engine as a whole, as its users see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod claims;
mod cluster;
mod dry_run;
mod faults;
mod fleet;
mod http;
mod inside;
mod loads;
mod local;
mod model;
mod nats;
mod real_node;
mod results;
mod sample;
mod stage;
mod tidy;
