use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[allow(non_snake_case)]
    WindowStart: i64,
}

fn main() {}
