use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], retention = "1 month")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
