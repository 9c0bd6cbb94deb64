//! A real ksqlDB by its address: `KSQLDB_URL=http://host:8088 cargo test --test ksqldb_live -- --ignored`.
//!
//! Nothing else is needed: records are written with `INSERT VALUES`, over a connection of these tests' own. Everything is
//! made on topics whose names begin with `ksql_live_`, and dropped with them at the end. A source of the same name on any
//! other topic is somebody else's: the test stops and touches nothing.

mod definitions;
mod flights;
mod lifecycle;
mod rows;
mod server;
