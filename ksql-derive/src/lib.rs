//! Derive macros of `ksql-runtime`. Users depend on `ksql-runtime`, which re-exports them.
