//! Volley's engine: runs a compiled plan on one process or on a fleet, and reports what happened.
//!
//! Data flows one way: artifact → arrivals → request → driver → outcome → recorder → window → merged → report.
//! A run is a cluster; the embedded run is a cluster of one node on an in-process bus.
//! The engine never parses YAML.

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod demo;
pub mod driver;
pub mod event;
pub mod exchange;
pub mod ledger;
pub mod metrics;
pub mod report;
pub mod runtime;
pub mod user;
