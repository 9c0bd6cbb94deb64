use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "carry_forward", gap_horizon = 60)]
struct Order {
    #[key]
    id: i64,
    #[gap(from = close)]
    open: f64,
    close: Option<f64>,
}

fn main() {}
