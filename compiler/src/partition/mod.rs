//! Arrivals → slots → seats, and the tree of seeds.
