use ksql_runtime::prelude::*;

type Count = i64;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[datetime_format("yyyy-MM-dd")]
    count: Count,
}

fn main() {}
