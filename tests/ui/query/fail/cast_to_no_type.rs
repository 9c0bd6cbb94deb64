// What converts to what.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: o.pieces as u64 })
}

#[query]
fn nothing(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product as (), n: 1 })
}

#[query]
fn a_map(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: (o.product as HashMap<String, i64>)["a"] })
}

fn main() {}
