// Habits of iterators on a group.
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn iterates(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.iter().map(|o| o.pieces).sum() })
}

#[query]
fn counts_some(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.filter(|o| o.paid).count() })
}

#[query]
fn asks_the_output(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
        .having(|t| t.n > 1)
}

#[query]
fn sums_conditions(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.sum(|o| o.paid) })
}

fn main() {}
