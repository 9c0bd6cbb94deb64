//! Blocks: what is wrong with one is said once.

#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn values(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: { let note = o.product; }, n: {} })
}

#[query]
fn rows(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| { let id = o.id; })
}

#[query]
fn names(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| { let n: i64 = o.id; let mut note = o.product; Small { id: o.id, note, n } })
}

fn main() {}
