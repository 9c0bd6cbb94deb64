// What a step takes.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(true)
        .filter()
        .filter(|a, b| a.paid)
        .filter(|Order { paid, .. }| paid)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
