use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[default_value("2024-01-31 12:00:00")]
    at: DateTime<Utc>,
    #[default_value("2023-02-29")]
    day: NaiveDate,
    #[default_value("24:00")]
    time: NaiveTime,
    #[default_value("1.505")]
    price: Dec<9, 2>,
    #[default_value("nobody")]
    user: Uuid,
    #[default_value(5)]
    flag: bool,
    #[default_value(5)]
    text: String,
}

fn main() {}
