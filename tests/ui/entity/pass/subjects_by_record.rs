use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
#[entity(subjects = "topic_record")]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
