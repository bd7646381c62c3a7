//! The tree against `schemas/plan.schema.json`: violations become diagnostics, what is broken becomes a hole.
