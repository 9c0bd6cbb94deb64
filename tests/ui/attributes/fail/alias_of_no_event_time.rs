use ksql_runtime::prelude::*;

type Day = NaiveDate;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    #[datetime_format("yyyy-MM-dd")]
    at: Day,
}

fn main() {}
