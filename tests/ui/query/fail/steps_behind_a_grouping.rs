// What comes before what.
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn filtered(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .filter(|o| o.paid)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
        .map(|t| t)
}

#[query]
fn unfinished(orders: Stream<Order>) -> Table<Total> {
    orders.group_by(|o| o.customer_id)
}

#[query]
fn ungrouped(orders: Stream<Order>) -> Table<Total> {
    orders
        .having(|g| g.count() > 1)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn aggregated_alone(orders: Stream<Order>) -> Table<Total> {
    orders.aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

fn main() {}
