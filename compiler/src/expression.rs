//! `p95(service) < 500ms`, `< 800ms`: the small expression language of thresholds and expectations.
