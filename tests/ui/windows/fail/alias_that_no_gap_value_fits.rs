use ksql_runtime::prelude::*;

type Text = String;
type Price = f64;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "carry_forward", gap_horizon = 60)]
struct Order {
    #[key]
    id: i64,
    #[gap(zero)]
    text: Text,
    #[gap(from = text)]
    open: f64,
    #[gap(from = close)]
    high: Price,
    close: Option<Price>,
    #[gap(from = high)]
    low: Option<Price>,
}

fn main() {}
