use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, millis = [9223372036854775800])]
struct Order {
    #[key]
    id: i64,
    close: f64,
}

fn main() {}
