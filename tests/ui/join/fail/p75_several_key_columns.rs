//! A table of several key columns cannot be joined.

#[path = "../common.rs"]
mod common;

use common::{Named, Order, Price};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, prices: Table<Price>) -> Stream<Named> {
    orders
        .join(prices, |o, p| o.customer == p.customer)
        .map(|o, p| Named { customer: o.customer, name: p.product })
}

fn main() {}
