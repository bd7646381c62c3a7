//! [pure, shared with the engine] Arrival number → due time; counts; peaks; populations.
