//! What becomes of a run when something breaks: real processes, real faults, the shop's log as an independent witness.
//!
//! One file a family of faults. docs/faults.md lists them for users and names the test of each.

mod agent;
mod broker;
mod coordinator;
mod flood;
mod link;
mod network;
mod scene;
mod witness;
