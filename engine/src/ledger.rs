//! [pure] Arrivals decided so far, by scenario, lane and node; settles what nobody decided.
