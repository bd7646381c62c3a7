//! Integration tests of the compiler, one binary.

mod artifact;
mod explain;
mod sample;
