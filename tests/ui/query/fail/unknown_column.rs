// An unknown column is the compiler's to say, with the nearest.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.amuont > 5 && o.piecs > 1)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn written(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.bob, n: 1 })
}

fn main() {}
