use ksql_runtime::prelude::*;

type Text = String;
type Count = i64;
type Money = Decimal;
type Price = Dec<9, 2>;
type Moment = DateTime<Utc>;
type Ratio = f32;

#[derive(Enum)]
enum State {
    New,
    Old,
}

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5], gaps = "carry_forward", gap_horizon = 60)]
struct Candle {
    #[key]
    #[max_length(5)]
    id: Text,
    #[default_value("Old")]
    state: State,
    #[gap(zero)]
    #[default_value(5)]
    count: Count,
    #[gap(from = last)]
    #[default_value("1.5")]
    first: Price,
    last: Price,
    #[gap(from = last)]
    maybe: Option<Price>,
    #[decimal_precision(9, 2)]
    #[default_value(-0.05)]
    money: Money,
    #[default_value(-0.5)]
    ratio: Ratio,
    #[timestamp]
    #[avro_timestamp]
    at: Moment,
    #[datetime_format("yyyy-MM-dd HH:mm:ss")]
    #[default_value("2024-01-31 12:00:00")]
    written: Moment,
    #[default_value("2024-01-31T12:00:00Z")]
    until: Moment,
    #[max_length(3)]
    #[default_value("new")]
    note: Text,
    #[window_start]
    from: Moment,
    #[window_end]
    to: Count,
}

#[derive(Entity)]
#[topic("sums")]
#[table]
#[window(tumbling, minutes = [5], gaps = "empty", gap_horizon = 60)]
struct Sum {
    #[key]
    id: Count,
    price: Price,
    note: Option<Text>,
}

fn main() {}
