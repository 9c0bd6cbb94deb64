//! ksqlDB over its REST API: statements, status, typed pull and push queries.
//!
//! [`KsqlDb`] is the client: cheap to clone, callable from any task. What it is made of: `transport` (addresses tried in
//! turn, time limits, errors told apart), `execute` (one statement a request, waited for until it is applied), `source`,
//! `persistent` and `remove` (what exists compared with what is defined; nothing equal is sent again, nothing is dropped
//! unasked), `rows` and `decode` (answers of queries, from text to entities), `pull` and `push`.
//!
//! Records are not added through ksqlDB: a program produces to the topic, which is faster and typed.

mod answers;
mod backoff;
mod canonical;
mod client;
mod decode;
mod describe;
mod drift;
mod elements;
mod error;
mod execute;
mod literal;
mod options;
mod outcome;
mod persistent;
mod pull;
mod push;
mod remove;
mod rows;
mod select;
mod source;
mod sql_type;
mod statement;
mod token;
mod transport;
mod value;
mod wait;

pub use answers::{Answer, QueryDescription, QueryListing, SourceListing, TopicListing};
pub use client::{Health, KsqlDb, ServerInfo, ServerVersion};
pub use decode::RowDecoder;
pub use describe::{FieldDescription, SourceDescription};
pub use drift::{Difference, Ensured, Remedy};
pub use elements::{Element, Elements};
pub use error::{Asked, Class, KsqlDbError, ServerError};
pub use execute::{CommandState, CommandStatus, Executed};
pub use literal::{key_condition, text_literal};
pub use options::KsqlDbOptions;
pub(crate) use persistent::Standing;
pub use pull::Rows;
pub use push::{Change, Changes};
pub use remove::{Removal, Step};
pub use rows::{End, Row, RowStream};
pub use select::Select;
pub use source::SourceDefinition;
pub use sql_type::{SchemaColumn, SqlType};
pub use statement::{Effect, SourceKind, Statement};
pub use value::SqlValue;
