//! Fingerprints of definitions.
