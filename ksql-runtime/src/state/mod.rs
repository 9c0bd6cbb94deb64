//! RocksDB stores, bindings, readiness.
