use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
union Order {
    a: i32,
    b: u32,
}

fn main() {}
