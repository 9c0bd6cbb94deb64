use ksql_runtime::prelude::*;

struct Money(i64);

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    value: Money,
}

fn main() {}
