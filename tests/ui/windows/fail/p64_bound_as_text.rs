use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    symbol: String,
    close: f64,
    #[window_end]
    a: String,
}

fn main() {}
