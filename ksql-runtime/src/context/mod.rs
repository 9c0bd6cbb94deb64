//! Builder, startup and lifecycle.
