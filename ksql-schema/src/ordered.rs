//! Key encoding whose byte order is the order of the keys.
