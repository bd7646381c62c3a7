//! One node: starts arrivals when they are due, runs their transactions, measures.
