//! The subcommands of `volley`.
