//! One protocol a file: sends a request, returns what came of it.
