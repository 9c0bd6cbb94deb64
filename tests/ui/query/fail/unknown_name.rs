// A name from outside is a parameter.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>, limt: i32) -> Stream<Small> {
    orders
        .filter(|o| o.pieces > limit && o.pieces > lim)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn unknown_row(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: unknown.product, n: 1 })
}

fn main() {}
