// What a parameter can be.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn known(orders: Stream<Order>, a: u64, b: &str, c: Decimal, #[max_length(3)] d: String) -> Stream<Small> {
    orders.filter(|o| o.id > a).map(|o| Small { id: o.id, note: b, n: 1 })
}

#[query]
fn unknown(orders: Stream<Order>, list: Vec<i64>) -> Stream<Small> {
    orders.filter(|o| o.id > list).map(|o| Small { id: o.id, note: "x", n: 1 })
}

#[query]
fn sized(orders: Stream<Order>, #[decimal_precision(50, 4)] a: Decimal, #[decimal_precision(9, 2)] b: i64) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: 1 })
}

fn main() {}
