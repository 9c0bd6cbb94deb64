//! Entities for Kafka and ksqlDB: annotate a struct, and key and value types, Avro schemas and KSQL are
//! generated and checked while the program compiles; a thin runtime runs them.

// What the derive macro generates names this crate; so that tests inside of it can use the macro.
#[cfg(test)]
extern crate self as ksql_runtime;

pub mod codec;
pub mod entity;
pub mod model;
pub mod prelude;

#[cfg(feature = "embedded")]
pub mod clock;
#[cfg(feature = "embedded")]
pub mod config;
#[cfg(feature = "embedded")]
pub mod context;
#[cfg(feature = "embedded")]
pub(crate) mod directory;
#[cfg(feature = "embedded")]
pub mod error;
#[cfg(feature = "kafka")]
pub mod http;
#[cfg(feature = "kafka")]
pub mod ksqldb;
#[cfg(feature = "embedded")]
pub mod log;
#[cfg(feature = "embedded")]
pub mod registry;
#[cfg(feature = "embedded")]
mod rocks;
#[cfg(feature = "embedded")]
pub mod secret;
#[cfg(feature = "embedded")]
pub mod set;
#[cfg(feature = "embedded")]
pub mod state;

/// The guide: every attribute, adding, reading, and what happens when a definition changes.
#[cfg(feature = "embedded")]
#[doc = include_str!("../guide.md")]
pub mod guide {}

pub use ksql_schema as schema;

#[doc(hidden)]
pub mod __private;
