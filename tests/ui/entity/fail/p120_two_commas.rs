use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders",, partitions = 3)]
#[table]
struct Order {
    #[key]
    id: i64,
    #[decimal_precision(18,,4)]
    price: Decimal,
}

#[derive(Entity)]
#[topic("candles", replication=-3)]
#[table]
#[window(tumbling, minutes = [1,,5])]
struct Candle {
    #[key]
    id: i64,
    close: f64,
}

fn main() {}
