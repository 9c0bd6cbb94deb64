#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn no_moment(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.rowtime() > "yesterday")
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn no_condition(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: if o.rowtime() > "2024" { 1 } else { 0 } })
}

fn main() {}
