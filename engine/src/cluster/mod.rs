//! Coordinator and agents: one protocol over an in-process bus or NATS.
