// P39
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.pieces.max(|r| r.pieces) > 5 && o.window_start() > 5)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn of_a_bound(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.min(|r| r.window_end()) < 15000)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
