//! Grace belongs to a join within a time.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .grace("1h")
        .map(|o, c| Named { customer: o.customer, name: c.name })
}

fn main() {}
