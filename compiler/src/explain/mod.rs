//! Views of an artifact: explanation, arrivals, graph.
