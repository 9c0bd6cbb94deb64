use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(session)]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
