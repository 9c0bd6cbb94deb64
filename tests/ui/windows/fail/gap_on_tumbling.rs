use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gap = "30min")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
