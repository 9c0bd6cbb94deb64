use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[default_value("2020-01-01")]
    at: DateTime<Utc>,
}

fn main() {}
