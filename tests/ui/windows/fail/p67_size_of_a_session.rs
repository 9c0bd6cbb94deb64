use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(session, minutes = [30])]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
