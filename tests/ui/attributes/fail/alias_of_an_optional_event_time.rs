use ksql_runtime::prelude::*;

type Moment = Option<DateTime<Utc>>;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[timestamp]
    at: Moment,
}

fn main() {}
