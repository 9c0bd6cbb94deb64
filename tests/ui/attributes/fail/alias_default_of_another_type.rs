use ksql_runtime::prelude::*;

type Count = i64;
type Maybe = Option<i64>;
type Ratio = f32;
type Price = Dec<9, 2>;

#[derive(Enum)]
enum State {
    New,
    Old,
}

#[derive(Struct)]
struct Place {
    x: i64,
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[default_value("abc")]
    n: Count,
    #[default_value(5)]
    maybe: Maybe,
    #[default_value("News")]
    state: State,
    #[default_value(5)]
    place: Place,
    #[default_value(1e39)]
    ratio: Ratio,
    #[default_value("1.505")]
    price: Price,
}

fn main() {}
