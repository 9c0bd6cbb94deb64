// P06
#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.amount)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

fn main() {}
