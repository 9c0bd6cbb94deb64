use ksql_runtime::prelude::*;

struct Connection;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
    #[kafka_ignore]
    connection: Connection,
}

fn main() {}
