// Steps by the names there are.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filtr(|o| o.paid)
        .select(|o| o)
        .order_by(|o| o.id)
        .sum(|o| o.pieces)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
