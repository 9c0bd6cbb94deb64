use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, days = [1], gaps = "empty", gap_horizon = 7)]
struct Order {
    #[key]
    symbol: String,
    count: i64,
    last: Option<NaiveDate>,
}

fn main() {}
