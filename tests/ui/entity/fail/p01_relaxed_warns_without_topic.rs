#![deny(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[entity(relaxed)]
#[stream]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
