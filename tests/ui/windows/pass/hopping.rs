use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(hopping, minutes = [60], advance = "15min")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
