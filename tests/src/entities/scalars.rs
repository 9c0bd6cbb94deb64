//! Booleans, numbers, text, bytes and UUIDs: plain, optional, with defaults and limits.

use ksql_runtime::prelude::*;

/// Every scalar.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("scalars", partitions = 3, replication = 1)]
#[table]
#[entity(namespace = "test.all")]
pub struct Scalars {
    #[key]
    pub id: i64,
    pub flag: bool,
    pub small: i16,
    pub int: i32,
    pub long: i64,
    pub single: f32,
    pub double: f64,
    pub text: String,
    pub uuid: Uuid,
    pub raw: Vec<u8>,
    #[kafka_ignore]
    pub cached: u8,
}

/// Every scalar as an `Option`.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("optional.scalars", partitions = 12, retention = "7d")]
#[stream]
#[entity(namespace = "test.all")]
pub struct OptionalScalars {
    #[key]
    pub id: String,
    pub flag: Option<bool>,
    pub small: Option<i16>,
    pub int: Option<i32>,
    pub long: Option<i64>,
    pub single: Option<f32>,
    pub double: Option<f64>,
    pub text: Option<String>,
    pub uuid: Option<Uuid>,
    pub raw: Option<Vec<u8>>,
}

/// Defaults, and lengths of text, bytes and a key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("limits", retention = "unlimited", cleanup = "delete")]
#[stream]
#[entity(namespace = "test.all", name = "LimitsRecord")]
pub struct Limits {
    #[key]
    #[max_length(8)]
    pub id: String,
    #[default_value(true)]
    pub flag: bool,
    #[default_value(-5)]
    pub small: i16,
    #[default_value(2147483647)]
    pub int: i32,
    #[default_value(-9223372036854775808)]
    pub long: i64,
    #[default_value(0.5)]
    pub single: f32,
    #[default_value(-1.5e300)]
    pub double: f64,
    #[default_value("it's \"quoted\" \\ and ü\n")]
    pub text: String,
    #[max_length(4)]
    #[default_value("")]
    pub short: String,
    #[max_length(3)]
    pub raw: Option<Vec<u8>>,
}
