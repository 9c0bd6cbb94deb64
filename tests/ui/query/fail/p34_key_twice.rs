// P34
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .having(|g| g.count() > 1)
        .aggregate(|g| Total { customer_id: g.key(), n: g.key() })
}

fn main() {}
