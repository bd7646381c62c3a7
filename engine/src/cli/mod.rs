//! The subcommands of `volley`.

pub mod report;
#[expect(dead_code, reason = "mounted by the program")]
mod target;
