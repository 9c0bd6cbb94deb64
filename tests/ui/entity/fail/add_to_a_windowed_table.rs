use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Candle {
    #[key]
    id: i64,
    close: i64,
}

fn add<T: Writable>() {}

fn main() {
    add::<Candle>();
}
