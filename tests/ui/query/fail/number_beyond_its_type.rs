// Numbers that no literal of KSQL says.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn above(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 9223372036854775808 })
}

#[query]
fn below(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: -9223372036854775809 })
}

#[query]
fn doubles(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.weight < 1.7976931348623159E308 && o.weight > -1.7976931348623160E308)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
