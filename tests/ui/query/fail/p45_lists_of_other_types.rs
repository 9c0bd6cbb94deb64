// P45
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn truths(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| [true, "no truth"].contains(&o.paid) || [true, 10].contains(&o.paid) || [true, o.product].contains(&o.paid))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn numbers(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| [10, true].contains(&o.pieces) || [10, "ten"].contains(&o.id) || [10, o.product].contains(&o.id))
        .filter(|o| [1.5, "one"].contains(&o.weight) || [dec!(1.5), "one"].contains(&o.amount) || [1, true].contains(&o.amount))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn others(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| ["x", o.weight].contains(&o.product) || [o.tags, o.tags.len()].contains(&o.tags) || [o.to, o.tags].contains(&o.to))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn other_literals(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| [10, true].contains(&o.id) || [10, true].contains(&o.weight) || [10, o.product].contains(&o.weight))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
