use ksql_runtime::prelude::*;

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Struct)]
struct Address {
    street: String,
    zip: Option<i32>,
    r#type: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Enum)]
enum Kind {
    Home,
    Work,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("people")]
#[table]
struct Person {
    #[key]
    id: i64,
    home: Address,
    all: Vec<Address>,
    by_name: BTreeMap<String, Option<Address>>,
    kind: Option<Kind>,
}

fn main() {}
