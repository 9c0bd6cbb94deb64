use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    #[datetime_format("HH:mm:ss")]
    at: String,
}

fn main() {}
