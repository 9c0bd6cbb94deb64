//! A row of the table alone makes no record of a stream.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .right_join(customers, |o, c| o.customer == c.id)
        .map(|o, c| Named { customer: c.id, name: c.name })
}

fn main() {}
