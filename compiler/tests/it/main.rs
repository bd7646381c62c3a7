//! Integration tests of the compiler, one binary.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test that needs it")]

mod artifact;
mod captures;
mod check;
mod data;
mod diff;
mod docs;
mod drivers;
mod every_feature;
mod explain;
mod fix;
mod fuzz;
mod golden;
mod laws;
mod mistakes;
mod mutations;
mod parts;
mod plans;
mod rejected;
mod reviewed;
mod sample;
mod schedules;
mod single;
mod variants;
