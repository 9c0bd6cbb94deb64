use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[datetime_format("yyyy-MM-dd")]
    #[default_value("2024-02-30")]
    day: NaiveDate,
    #[datetime_format("HH:mm:ss")]
    #[default_value(5)]
    time: NaiveTime,
    #[max_length(3)]
    #[default_value("größe")]
    text: String,
}

fn main() {}
