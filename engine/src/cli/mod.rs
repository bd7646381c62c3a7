//! The subcommands of `volley`.

#[expect(dead_code, reason = "mounted by the program")]
mod target;
