use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: Dec<38, 0>,
    other: Option<Dec<1, 1>>,
}

fn main() {}
