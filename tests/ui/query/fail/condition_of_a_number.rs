// A condition is a BOOLEAN.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.pieces)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
