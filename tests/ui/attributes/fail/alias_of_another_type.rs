use ksql_runtime::prelude::*;

type Count = i64;
type Text = String;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[max_length(5)]
    count: Count,
    #[avro_timestamp]
    text: Text,
    #[timestamp]
    at: Text,
}

fn main() {}
