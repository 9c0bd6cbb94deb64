use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: DateTime<Utc>,
    value: i64,
}

fn main() {}
