//! Names that KSQL, Rust or Kafka have a use for.

use ksql_runtime::prelude::*;

/// Reserved words for the source, its key and its columns, in a namespace from the module path.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("select.from-where_1")]
#[table]
pub struct Select {
    #[key]
    pub from: String,
    #[key]
    pub to: i32,
    pub size: i64,
    pub values: Vec<Values>,
    #[timestamp]
    pub end: DateTime<Utc>,
    pub query: Option<String>,
    pub r#type: String,
    pub topic: String,
    pub r#where: Option<bool>,
    pub timestamp: Option<DateTime<Utc>>,
    pub key: String,
    pub _hidden: i32,
}

/// A nested record of reserved words.
#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Values {
    pub group: i32,
    pub r#in: Option<String>,
    pub not: Vec<bool>,
}
