// What a query writes is said.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn nothing(orders: Stream<Order>) -> Stream<Small> {
    orders.filter(|o| o.paid)
}

#[query]
fn no_struct(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| (o.id, o.product))
}

#[query]
fn another(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Order { id: o.id })
}

fn main() {}
