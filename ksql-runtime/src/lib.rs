//! Entities for Kafka and ksqlDB: annotate a struct, and key and value types, Avro schemas and KSQL are
//! generated and checked while the program compiles; a thin runtime runs them.
//!
//! ```
//! use ksql_runtime::prelude::*;
//!
//! #[derive(Debug, Clone, PartialEq, Entity)]
//! #[topic("stock", partitions = 4)]
//! #[table]
//! struct Stock {
//!     #[key]
//!     article: String,
//!     pieces: i64,
//! }
//!
//! // Every text is a constant.
//! assert!(Stock::CREATE.starts_with("CREATE TABLE IF NOT EXISTS `STOCK` (`ARTICLE` STRING PRIMARY KEY, `PIECES` BIGINT)"));
//!
//! // The codec: keys as ksqlDB writes them, values as any Avro library does.
//! let stock = Stock { article: "bolt".into(), pieces: 100 };
//! let mut body = Vec::new();
//! stock.encode_value(&mut body)?;
//! assert_eq!(Stock::decode("bolt".into(), &body)?, stock);
//!
//! // All entities together, in a test: two with one topic are an error here.
//! Model::new().entity::<Stock>().validate()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `embedded` a `Context` runs entities: `Context::builder().entity::<Stock>().start().await?`, then `add`,
//! `get`, `range`, `to_list`. The guide of that feature's documentation shows every attribute and every operation.
//!
//! # Features
//!
//! * `embedded` (default) - the embedded log, the in-process registry and tables in RocksDB, which is built from source and
//!   needs a C++ compiler and libclang. Without it the crate is the model alone - entities, codecs, texts, validation - and
//!   builds in well under a minute: what a crate of shared entities, or a check in CI, depends on.
//! * `kafka` (default) - Kafka as the log, a Schema Registry and ksqlDB over HTTP, as soon as a bootstrap address is configured.
//!   Needs `embedded`, and builds librdkafka from source. `kafka-ssl` adds TLS and SCRAM (`kafka-ssl-vendored` builds OpenSSL
//!   from source), `kafka-gssapi` Kerberos, `kafka-zstd` one more compression; SASL's PLAIN needs none of them.
//! * `metrics` - metrics as text for Prometheus. `http` - a small HTTP server of each context: health, readiness, metrics, a page.
//! * `relaxed` - doubtful definitions are compiler warnings in every entity, not only where `#[entity(relaxed)]` stands.

// What the derive macro generates names this crate; so that tests inside of it can use the macro.
#[cfg(test)]
extern crate self as ksql_runtime;

pub mod codec;
pub mod entity;
pub mod model;
#[doc(hidden)]
pub mod ops;
pub mod prelude;
pub mod query;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "embedded")]
pub mod clock;
#[cfg(feature = "embedded")]
pub mod config;
#[cfg(feature = "embedded")]
pub mod consume;
#[cfg(feature = "embedded")]
pub mod context;
#[cfg(feature = "embedded")]
pub(crate) mod directory;
#[cfg(feature = "embedded")]
pub mod dlq;
#[cfg(feature = "embedded")]
mod engine;
#[cfg(feature = "embedded")]
pub mod error;
#[cfg(feature = "kafka")]
pub mod http;
#[cfg(feature = "kafka")]
pub mod ksqldb;
#[cfg(feature = "embedded")]
pub mod log;
#[cfg(feature = "embedded")]
pub mod operation;
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
#[cfg(feature = "embedded")]
pub mod testing;

// The first definition of a link counts: in the file `errors.md` is the file beside it, here it is the module.
/// The guide: every attribute, adding, reading, and what happens when a definition changes.
///
/// [errors.md]: crate::error_codes
/// [configuration.md]: crate::configuration_guide
/// [cluster.md]: crate::cluster_guide
#[cfg(feature = "embedded")]
#[allow(
    clippy::test_attr_in_doctest,
    reason = "one example is a test to copy; it calls what it tests"
)]
#[doc = include_str!("../guide.md")]
pub mod guide {}

#[doc = include_str!("../errors.md")]
pub mod error_codes {}

/// Queries: every operation, function and aggregate.
///
/// [errors.md]: crate::error_codes
#[cfg(feature = "embedded")]
#[doc = include_str!("../queries.md")]
pub mod query_guide {}

/// Consuming: handlers, commits, retries.
///
/// [dead-letters.md]: crate::dead_letter_guide
#[cfg(feature = "embedded")]
#[doc = include_str!("../consuming.md")]
pub mod consuming_guide {}

/// Dead letters: what they are, listing, showing, replaying, purging.
#[cfg(feature = "embedded")]
#[doc = include_str!("../dead-letters.md")]
pub mod dead_letter_guide {}

/// Every setting.
///
/// [dead letters]: crate::dead_letter_guide
/// [operation.md]: crate::operation_guide
#[doc = include_str!("../configuration.md")]
#[cfg(feature = "embedded")]
pub mod configuration_guide {}

/// The command line of a program.
///
/// [configuration.md]: crate::configuration_guide
/// [dead-letters.md]: crate::dead_letter_guide
#[cfg(feature = "cli")]
#[doc = include_str!("../command-line.md")]
pub mod command_line_guide {}

/// Logs, metrics, health over HTTP.
#[doc = include_str!("../operation.md")]
#[cfg(feature = "embedded")]
pub mod operation_guide {}

#[doc = include_str!("../cluster.md")]
#[cfg(feature = "kafka")]
pub mod cluster_guide {}

pub use ksql_schema as schema;

#[doc(hidden)]
pub mod __private;
