//! The subcommands of `volley`.

pub mod report;
