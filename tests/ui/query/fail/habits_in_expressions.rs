// Habits of Rust inside of an expression: one error each, and none for what follows from it.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn a_loop(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: { for t in o.tags { t.len(); } 1 } })
}

#[query]
fn a_change(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: { let x = o.pieces; x += 1; x } })
}

#[query]
fn an_early_return(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: { if o.paid { return "x"; } "y" }, n: 1 })
}

#[query]
fn an_iterator(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.id,
        note: o.product.chars().rev().collect::<String>(),
        n: o.tags.iter().filter(|t| t == "a").count(),
    })
}

#[query]
fn an_option(orders: Stream<Order>) -> Stream<Small> {
    orders.filter(|o| o.note && o.paid).map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn a_key_with_a_slip(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.idd, note: o.product, n: 1 })
}

fn main() {}
