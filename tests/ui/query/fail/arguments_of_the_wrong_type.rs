//! Arguments: the one that is wrong is counted as it is written.

#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.tags.contains(o.pieces) || o.labels.contains("a") || o.labels.len() > 1)
        .map(|o| Small { id: o.id, note: o.product, n: o.at.timestamp_add(Unit::Days, o.id).unix_timestamp() })
}

#[query]
fn partitioned(orders: Stream<Order>) -> Stream<Small> {
    orders.partition_by(|o| o.customer_id).map(|o| Small { id: o.id, note: o.product, n: o.customer_id })
}

fn main() {}
