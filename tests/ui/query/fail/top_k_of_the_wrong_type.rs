//! What ksqlDB ranks: `TOPK` takes neither a decimal nor a time, `TOPKDISTINCT` takes both.

#[path = "../common.rs"]
mod common;

use common::{Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.top_k(|o| o.amount, 3).len() + g.top_k(|o| o.at, 3).len() })
}

fn main() {}
