//! The demo shop behind `volley target` and `run --demo`.
