use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles", retention = "unlimited")]
#[table]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    id: i64,
    close: f64,
}

fn main() {}
