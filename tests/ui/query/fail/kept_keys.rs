// The key of the input stays.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn other(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.customer_id, note: o.product, n: 1 })
}

#[query]
fn copied(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: o.id })
}

fn main() {}
