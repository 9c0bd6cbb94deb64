// P45
#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.note > 5 && o.product == o.pieces && o.paid > true)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
        .having(|g| g.count() > 1 && g.sum(|o| o.pieces) > "100")
}

fn main() {}
