use ksql_runtime::prelude::*;

use std::cell::Cell;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    count: Cell<i64>,
    raw: *const i64,
}

fn main() {}
