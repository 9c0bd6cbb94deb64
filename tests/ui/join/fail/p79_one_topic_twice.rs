//! No source is joined with itself, by another name either.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, others: Stream<Order>) -> Stream<Shipped> {
    orders
        .join(others, |o, s| o.id == s.id)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.product })
}

fn main() {}
