// What is wrong in two places at once is one error.
#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn two_of_a_name(orders: Stream<Order>, limit: i64, limit: i64) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: limit })
}

#[query]
fn two_inputs_of_a_name(orders: Stream<Order>, orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn of_whom(orders: Stream) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn into_whom(orders: Stream<Order>) -> Table {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn no_table(orders: Stream<Order>) -> Table<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 }).as_table()
}

#[query]
fn no_stream(orders: Stream<Order>) -> Stream<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
        .as_stream()
}

fn main() {}
