use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    at: bool,
}

#[derive(Entity)]
#[topic("returns")]
#[table]
struct Return {
    #[key]
    id: i64,
    #[timestamp]
    at: i32,
}

fn main() {}
