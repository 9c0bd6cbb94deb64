//! A table has one row for a key, whenever it came.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .within("1h")
        .map(|o, c| Named { customer: o.customer, name: c.name })
}

fn main() {}
