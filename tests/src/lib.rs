//! What the property tests and snapshots share: entities over every type, how to make them up, what another Avro
//! implementation makes of them, and a checker for KSQL text.

pub mod compiler;
pub mod entities;
pub mod ksql;
pub mod oracle;
pub mod snapshot;
pub mod strategies;
