use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, seconds = [30], gaps = "carry_forward", gap_horizon = 60)]
struct Order {
    #[key]
    symbol: String,
    #[gap(from = close)]
    open: f64,
    close: f64,
    #[gap(zero)]
    volume: i64,
}

fn main() {}
