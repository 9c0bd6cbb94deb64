use ksql_runtime::prelude::*;

type Text = String;
type Price = Dec<9, 2>;

#[derive(Enum)]
enum State {
    New,
}

#[derive(Struct)]
struct Place {
    x: i64,
}

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "empty", gap_horizon = 60)]
struct Order {
    #[key]
    id: i64,
    state: State,
    place: Place,
    text: Text,
    price: Price,
    note: Option<Text>,
}

fn main() {}
