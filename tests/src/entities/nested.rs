//! Collections, nested records, enums, and all of them in each other.

use std::collections::{BTreeMap, HashMap};

use ksql_runtime::prelude::*;

/// A nested record with an optional field and a time.
#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Place {
    pub street: String,
    pub zip: Option<i32>,
    pub at: Option<DateTime<Utc>>,
}

/// A nested record that holds records and collections itself.
#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Line {
    pub from: Place,
    pub to: Option<Place>,
    pub stops: Vec<Place>,
    pub fares: BTreeMap<String, Dec<9, 2>>,
    pub state: State,
}

/// A string on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum State {
    Open,
    Paid,
    #[allow(non_camel_case_types)]
    r#loop,
}

/// Arrays and maps.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("collections")]
#[table]
#[entity(namespace = "test.all")]
pub struct Collections {
    #[key]
    pub id: i64,
    pub numbers: Vec<i32>,
    pub flags: Vec<Option<bool>>,
    pub tags: Option<Vec<Option<String>>>,
    pub blobs: Vec<Vec<u8>>,
    pub table: Vec<Vec<i64>>,
    pub moments: Vec<DateTime<Utc>>,
    pub counts: BTreeMap<String, i64>,
    pub weights: HashMap<String, f64>,
    pub names: Option<HashMap<String, Option<Uuid>>>,
    pub prices: BTreeMap<String, Vec<Option<Dec<9, 2>>>>,
    pub states: Vec<State>,
}

/// Records in records.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("nested")]
#[table]
#[entity(namespace = "test.all")]
pub struct Nested {
    #[key]
    pub id: i64,
    pub place: Place,
    pub home: Option<Place>,
    pub places: Vec<Place>,
    pub by_name: BTreeMap<String, Option<Place>>,
    pub line: Line,
    pub lines: Option<Vec<Option<Line>>>,
    pub state: State,
    pub before: Option<State>,
}
