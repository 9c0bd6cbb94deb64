//! Schema resolution.
