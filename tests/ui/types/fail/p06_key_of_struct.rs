use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Struct)]
struct Part {
    a: i64,
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: Part,
    value: i64,
}

fn main() {}
