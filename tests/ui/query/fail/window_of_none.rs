// A bound needs a window.
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.window_start() + g.count() })
}

fn main() {}
