//! The ksqlDB client against servers of these tests' own: what they answer is written here, or was recorded from a real one
//! (`recorded`, `rest_cases`). `ksqldb_live` asks a real one.

mod addresses;
mod chunks;
mod common;
mod endpoints;
mod errors;
mod meaning;
mod model;
mod outcomes;
mod persistent;
mod pull;
mod push;
mod recorded;
mod removal;
mod rest_cases;
mod sources;
mod statements;
mod values;
