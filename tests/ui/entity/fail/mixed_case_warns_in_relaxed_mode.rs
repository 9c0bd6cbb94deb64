#![deny(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[entity(relaxed)]
#[stream]
#[allow(non_snake_case)]
struct Order {
    #[key]
    id: i64,
    depDelay: i64,
}

fn main() {}
