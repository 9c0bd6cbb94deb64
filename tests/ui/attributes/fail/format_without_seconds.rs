use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[datetime_format("yyyy-MM-dd HH:mm")]
    at: DateTime<Utc>,
    #[datetime_format("HH")]
    opens: NaiveTime,
}

fn main() {}
