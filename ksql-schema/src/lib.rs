//! The model behind `ksql-runtime`: entities, columns, types and windows as plain data, the rules that
//! hold for them, and the texts they render to (Avro schemas, KSQL statements).
//!
//! Pure: no I/O, no async, no clock. The same functions run inside the derive macro, in constants and at
//! run time, so that a definition means one thing wherever it is looked at.
#![forbid(unsafe_code)]

pub mod avro;
pub mod datetime_format;
pub mod ddl;
pub mod default_value;
pub mod duration;
pub mod finding;
pub mod fingerprint;
pub mod instant;
pub mod model;
pub mod names;
pub mod ordered;
pub mod query;
pub mod regular_expression;
pub mod rules;
pub mod text;
pub mod types;

pub use finding::{Finding, Locus, Severity};
pub use model::{
    Cleanup, Column, Entity, Gap, GapPolicy, Kind, KindFrom, Mode, Role, SubjectStrategy, Topic,
    ValueFormat, Window, WindowKind,
};
pub use types::{Field, Item, Struct, Type};
