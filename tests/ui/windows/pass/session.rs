use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(session, gap = "30min")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
