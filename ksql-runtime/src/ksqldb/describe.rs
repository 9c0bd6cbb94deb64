//! What `DESCRIBE` tells of a source.
//!
//! Read tolerantly: versions differ in what they send, and what is absent is a default. Invariant: nothing is guessed from
//! text that a field says.

use serde::{Deserialize, Deserializer};

use super::answers::{QueryListing, nullable};
use super::sql_type::SqlType;

/// A source as the server has it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SourceDescription {
    /// Its name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// `STREAM` or `TABLE`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// `TUMBLING`, `HOPPING`, `SESSION`, or none.
    pub window_type: Option<String>,
    /// The columns, keys first.
    #[serde(deserialize_with = "nullable")]
    pub fields: Vec<FieldDescription>,
    /// The column event times come from; empty for the record's own.
    #[serde(deserialize_with = "nullable")]
    pub timestamp: String,
    /// The key's format.
    #[serde(deserialize_with = "nullable")]
    pub key_format: String,
    /// The value's format.
    #[serde(alias = "format", deserialize_with = "nullable")]
    pub value_format: String,
    /// The topic.
    #[serde(deserialize_with = "nullable")]
    pub topic: String,
    /// The topic's partitions; 0 where the topic is gone.
    #[serde(deserialize_with = "nullable")]
    pub partitions: u32,
    /// The statement that made it, in ksqlDB's normal form, with every `ALTER` behind it.
    #[serde(deserialize_with = "nullable")]
    pub statement: String,
    /// Queries that read it.
    #[serde(deserialize_with = "nullable")]
    pub read_queries: Vec<QueryListing>,
    /// Queries that write it.
    #[serde(deserialize_with = "nullable")]
    pub write_queries: Vec<QueryListing>,
    /// Sources made from it: they must be dropped first, even if their queries are terminated.
    #[serde(deserialize_with = "nullable")]
    pub source_constraints: Vec<String>,
}

/// A column as the server has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct FieldDescription {
    /// Its name.
    pub name: String,
    /// Its type, where it is one we know.
    #[serde(rename = "schema", default, deserialize_with = "schema")]
    pub ty: Option<SqlType>,
    /// Whether it is a key.
    #[serde(rename = "type", default, deserialize_with = "key")]
    pub key: bool,
}

fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SqlType>, D::Error> {
    let schema = serde_json::Value::deserialize(deserializer)?;
    Ok(type_of(&schema))
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let role = Option::<String>::deserialize(deserializer)?;
    Ok(role.is_some_and(|role| role == "KEY"))
}

/// A type as an object: `{"type": "ARRAY", "memberSchema": {..}}`.
pub(super) fn type_of(schema: &serde_json::Value) -> Option<SqlType> {
    let name = schema.get("type")?.as_str()?;
    let member = || schema.get("memberSchema").and_then(type_of).map(Box::new);
    let digits = |name: &str| {
        let number = schema.get("parameters")?.get(name)?.as_u64()?;
        u32::try_from(number).ok()
    };
    Some(match name {
        "DECIMAL" => SqlType::Decimal {
            precision: digits("precision")?,
            scale: digits("scale")?,
        },
        "ARRAY" => SqlType::Array(member()?),
        "MAP" => SqlType::Map(Box::new(SqlType::String), member()?),
        "STRUCT" => {
            let fields = schema.get("fields")?.as_array()?;
            let field = |field: &serde_json::Value| {
                let name = field.get("name")?.as_str()?.to_owned();
                Some((name, type_of(field.get("schema")?)?))
            };
            SqlType::Struct(fields.iter().map(field).collect::<Option<_>>()?)
        }
        simple => SqlType::parse(simple).ok()?,
    })
}

impl SourceDescription {
    /// The columns without what ksqlDB adds itself.
    pub(super) fn columns(&self) -> impl Iterator<Item = &FieldDescription> {
        const PSEUDO: [&str; 2] = ["ROWTIME", "ROWKEY"];
        // Old servers list their pseudo columns; a `ROWKEY` of our own has a role.
        self.fields
            .iter()
            .filter(|field| field.key || !PSEUDO.contains(&field.name.as_str()))
    }
}
