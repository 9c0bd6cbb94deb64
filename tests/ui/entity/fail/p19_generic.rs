use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order<T> {
    #[key]
    id: i64,
    value: T,
}

fn main() {}
