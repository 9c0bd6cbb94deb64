use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [5])]
struct Candle {
    #[key]
    #[datetime_format("yyyy-MM-dd")]
    day: String,
    close: f64,
    #[window_start]
    #[datetime_format("yyyy-MM-dd HH:mm:ss")]
    from: DateTime<Utc>,
    #[window_end]
    #[avro_timestamp]
    to: DateTime<Utc>,
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: i64,
    #[kafka_ignore]
    #[max_length(5)]
    a: String,
    #[kafka_ignore]
    #[datetime_format("q")]
    b: String,
    #[kafka_ignore]
    #[avro_timestamp]
    c: i64,
    #[kafka_ignore]
    #[decimal_precision(18, 40)]
    d: Decimal,
    #[kafka_ignore]
    #[default_value(5)]
    e: i64,
}

fn main() {}
