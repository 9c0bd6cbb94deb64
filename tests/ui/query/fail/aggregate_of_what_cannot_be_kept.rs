// What an aggregate cannot keep: more digits than 38, and a list that is made here beside what is ranked.
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .having(|g| g.latest(|o| o.amount * o.amount * o.amount).is_some())
        .aggregate(|g| Total { customer_id: g.key(), n: g.top_k(|o| o.amount as f64, |o| o.product.split(","), 3).len() })
}

fn main() {}
