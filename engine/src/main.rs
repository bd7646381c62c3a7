//! The `volley` program.

fn main() {}
