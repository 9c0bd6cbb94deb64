use ksql_runtime::prelude::*;

type Id = Option<i64>;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Id,
    value: i64,
}

fn main() {}
