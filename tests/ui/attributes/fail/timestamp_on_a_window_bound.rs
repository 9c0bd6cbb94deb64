use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    id: i64,
    value: i64,
    #[window_start]
    #[timestamp]
    at: DateTime<Utc>,
}

fn main() {}
