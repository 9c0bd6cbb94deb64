use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, weeks = [1])]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

#[derive(Entity)]
#[topic("returns")]
#[table]
#[window(hopping, bobs = [30], advance = "10s")]
struct Return {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
