//! Integration tests of the compiler, one binary.

mod artifact;
mod explain;
mod laws;
mod rejected;
mod sample;
