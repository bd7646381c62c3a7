//! Every diagnostic code: its one-line title and its long explanation.
