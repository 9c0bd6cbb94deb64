use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles", retention = "8d")]
#[table]
#[window(tumbling, minutes = [5])]
#[allow(non_snake_case)]
struct Candle {
    #[key]
    symbol: String,
    #[window_start]
    From: DateTime<Utc>,
    from: i64,
    to: i64,
    #[window_end]
    To: DateTime<FixedOffset>,
}

fn main() {}
