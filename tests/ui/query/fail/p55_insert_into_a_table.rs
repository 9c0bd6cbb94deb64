// What is inserted is added to a stream, under an id that no other query has.
#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query(insert)]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query(insert)]
fn csas_small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query(insert, into = "small")]
fn into_a_topic(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
