use ksql_runtime::prelude::*;

use chrono::NaiveDateTime;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    at: NaiveDateTime,
}

fn main() {}
