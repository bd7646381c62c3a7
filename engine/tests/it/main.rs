//! Integration tests of the engine: what only the public interface shows.

mod cluster;
mod model;
mod nats;
mod real_node;
mod sample;
