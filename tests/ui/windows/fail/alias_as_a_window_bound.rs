use ksql_runtime::prelude::*;

type Text = String;
type Maybe = Option<i64>;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Order {
    #[key]
    id: i64,
    close: f64,
    #[window_start]
    from: Text,
    #[window_end]
    to: Maybe,
}

fn main() {}
