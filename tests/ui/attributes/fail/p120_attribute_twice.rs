use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[max_length(5)]
    #[max_length(6)]
    value: String,
}

fn main() {}
