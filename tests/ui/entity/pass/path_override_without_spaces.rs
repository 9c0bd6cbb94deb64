mod facade {
    pub use ksql_runtime;
}

use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders",partitions=3)]
#[table]
#[entity(crate=::ksql_runtime)]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

#[derive(Entity)]
#[topic("parts")]
#[table]
#[entity(crate=self::facade::ksql_runtime)]
struct Part {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
