use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "carry_forward", gap_horizon = 60)]
struct Order {
    #[key]
    #[gap(zero)]
    id: i64,
    value: i64,
}

fn main() {}
