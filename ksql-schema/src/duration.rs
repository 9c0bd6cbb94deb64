//! Durations as attributes write them.
