use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[default_value("a")]
    tags: Vec<String>,
}

fn main() {}
