use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    count: i64,
    #[allow(non_snake_case)]
    Count: i64,
}

fn main() {}
