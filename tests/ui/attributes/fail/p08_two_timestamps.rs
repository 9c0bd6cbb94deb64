use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    at: DateTime<Utc>,
    #[timestamp]
    then: DateTime<Utc>,
}

fn main() {}
