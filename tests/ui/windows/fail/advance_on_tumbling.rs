use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], advance = "1min")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
