use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    rowpartition: i64,
}

fn main() {}
