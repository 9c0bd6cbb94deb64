//! Schema registry: the in-process one.
