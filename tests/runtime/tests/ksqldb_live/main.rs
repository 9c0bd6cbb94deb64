//! A real ksqlDB by its address: `KSQLDB_URL=http://host:8088 cargo test --test ksqldb_live -- --ignored`.
//!
//! Nothing else is needed: records are written with `INSERT VALUES`, over a connection of these tests' own, and whole programs run on the
//! Kafka and the registry that the ksqlDB says it uses (`cluster`). `KSQL_BOOTSTRAP` and `KSQL_REGISTRY` name them where those
//! addresses are of its own network; without them those tests say that they are skipped then. Every test makes its topics under a prefix of
//! its own that begins with `ksql_live_`, drops everything at its end, and waits until its topics are gone. A source of the
//! same name on any other topic is somebody else's: the test stops and touches nothing.

mod cluster;
mod definitions;
mod examples;
mod flights;
mod healing;
mod joins;
mod lifecycle;
mod rows;
mod server;
mod shapes;
mod watching;
