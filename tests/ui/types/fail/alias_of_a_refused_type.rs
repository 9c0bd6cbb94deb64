use ksql_runtime::prelude::*;

type Count = u64;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: Count,
}

fn main() {}
