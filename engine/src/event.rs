//! What progress, logs and the live page ever see of a run.
