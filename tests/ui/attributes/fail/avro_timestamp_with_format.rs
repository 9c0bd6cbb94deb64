use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[avro_timestamp]
    #[datetime_format("yyyy-MM-dd HH:mm:ss")]
    at: DateTime<Utc>,
}

fn main() {}
