use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, hours = 1)]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
