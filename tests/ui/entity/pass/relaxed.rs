#![allow(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[stream]
#[entity(relaxed)]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

fn main() {}
