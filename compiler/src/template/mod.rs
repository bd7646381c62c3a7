//! `{{ … }}` in a scalar → typed slots with exact spans.
