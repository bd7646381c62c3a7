//! Steps and scenarios → DAGs; a cycle is named by all its edges.
