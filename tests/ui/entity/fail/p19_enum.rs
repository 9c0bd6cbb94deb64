use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
enum Order {
    Open,
}

fn main() {}
