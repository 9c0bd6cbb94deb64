//! The error type of the runtime.
