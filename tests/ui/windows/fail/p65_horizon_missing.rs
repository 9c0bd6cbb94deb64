use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "carry_forward")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
