use ksql_runtime::prelude::*;

use std::collections::BTreeMap;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Vec<BTreeMap<String, i64>>,
    value: i64,
}

fn main() {}
