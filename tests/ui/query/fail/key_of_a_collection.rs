// A key is no map, array or struct.
#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.tags)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn of_a_map(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.labels)
        .map(|o| Small { id: o.labels, note: o.product, n: 1 })
}

#[query]
fn of_a_struct(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.to)
        .map(|o| Small { id: o.to, note: o.product, n: 1 })
}

#[query]
fn of_an_array_made_here(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| [o.id])
        .map(|o| Small { id: [o.id], note: o.product, n: 1 })
}

fn main() {}
