use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    id: i64,
    #[gap(zero)]
    value: i64,
}

fn main() {}
