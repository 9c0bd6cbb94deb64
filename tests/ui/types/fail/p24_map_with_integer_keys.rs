use ksql_runtime::prelude::*;

use std::collections::BTreeMap;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    map: BTreeMap<i64, String>,
}

fn main() {}
