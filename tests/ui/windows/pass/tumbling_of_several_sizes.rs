use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s", retention = "14d")]
struct Order {
    #[key]
    symbol: String,
    close: f64,
    #[window_start]
    opened_at: DateTime<Utc>,
    #[window_end]
    closed_at: i64,
}

fn main() {}
