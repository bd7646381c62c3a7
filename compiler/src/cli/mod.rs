//! The subcommands of `plan`. The only place that reads files.
