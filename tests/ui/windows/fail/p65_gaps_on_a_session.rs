use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(session, gap = "30min", gaps = "carry_forward", gap_horizon = 60)]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {}
