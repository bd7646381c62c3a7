//! Tests of the engine as a whole, as its users see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod claims;
mod cluster;
mod dry_run;
mod faults;
mod fleet;
mod http;
mod inside;
mod journal;
mod loads;
mod local;
mod model;
mod nats;
mod real_node;
mod results;
mod resume;
mod sample;
mod security;
mod stage;
mod tidy;
