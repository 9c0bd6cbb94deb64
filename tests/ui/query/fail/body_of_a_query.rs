// The body is one expression over an input.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn statements(orders: Stream<Order>) -> Stream<Small> {
    let paid = orders.filter(|o| o.paid);
    paid.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn thrown_away(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 });
}

#[query]
fn empty(orders: Stream<Order>) -> Stream<Small> {}

#[query]
fn misspelt(orders: Stream<Order>) -> Stream<Small> {
    order.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn two(orders: Stream<Order>, others: Stream<Small>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
