//! Integration tests of the compiler, one binary.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test that needs it")]

mod artifact;
mod explain;
mod laws;
mod rejected;
mod sample;
mod variants;
