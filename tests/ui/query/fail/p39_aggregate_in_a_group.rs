// P39
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn alone(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.sum(|r| r.pieces))
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn in_a_sum(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| 1 + o.pieces.sum())
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn bounds(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| (o.window_start(), o.window_end()))
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn one_bound(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.window_start())
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

fn main() {}
