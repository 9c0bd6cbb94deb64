use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key(order = 0)]
    id: i64,
    #[key(order = 1)]
    part: String,
    #[kafka_ignore]
    cached: Vec<u8>,
    #[decimal_precision(18, 4)]
    price: Decimal,
    #[datetime_format("yyyy-MM-dd'T'HH:mm:ss")]
    shown: DateTime<Utc>,
    #[datetime_format("yyyy-MM-dd")]
    day: String,
    #[default_value(-5)]
    count: i64,
    #[default_value(1.5)]
    ratio: f64,
    #[default_value("new")]
    #[max_length(12)]
    state: String,
    #[default_value(false)]
    flag: bool,
    #[timestamp]
    #[avro_timestamp]
    at: DateTime<Utc>,
    #[max_length(16)]
    raw: Vec<u8>,
}

fn main() {}
