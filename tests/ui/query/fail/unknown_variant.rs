// A variant is one of its enum.
#[path = "../common.rs"]
mod common;

use common::{Order, Side, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.side == Side::Bye && o.side == Order::Buy)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
