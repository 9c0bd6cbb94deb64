use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [60], grace = "10min", retention = "1h")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
